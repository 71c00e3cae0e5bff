"""A film whose plan cannot be kept is planned anew: with everything encoded, or for x264, which every worker has."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from vod import storage as files
from vod.catalog import jobs, media_files
from vod.catalog.models import JobKind
from vod.errors import HomereelError
from worker.context import Context

log = logging.getLogger(__name__)


class NotAsPlanned(HomereelError):
    """The original, or the machine, does not give what the plan holds."""


class CopiesRefused(NotAsPlanned):
    """What a player would get of the original's own samples is not what it should be."""


class HardwareFailed(NotAsPlanned):
    """The graphics chip that the film was planned for is gone, or fails on it."""


async def plan_anew(context: Context, media_id: UUID, refusal: NotAsPlanned) -> None:
    """The body that calls this ends well: its film is not to fail.

    Of the old plan what is there stays for a while; what lacks is not made any more, and our page goes on with the new.
    """
    log.warning("media file %s is planned anew: %s", media_id, refusal.detail)
    is_hardware = isinstance(refusal, HardwareFailed)
    mark = (context.storage.refused_hardware if is_hardware else context.storage.refused_copies)(media_id)
    await asyncio.to_thread(files.publish, mark, refusal.detail.encode())
    await context.database.run(_begin_again, media_id)


def _begin_again(media_id: UUID) -> None:
    """A READY film would keep its old plan."""
    media_files.mark_unfinished(media_id)
    jobs.add(media_id, JobKind.PROBE, priority=jobs.PROBE)
