"""Keeps the disk within its budget: whole rungs that can be made again are deleted, of the films watched longest ago.

A rung first leaves the playlists, then its segments go from the last to the first: whoever asks for one that is gone
has all that follow it made anew, and nothing that was made for him is touched. Its init section stays. A film that is
READY stays so, and nothing is encoded again unless somebody watches it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from uuid import UUID

from vod.catalog import evictions, jobs, media_files, turns
from vod.catalog.database import Database
from vod.catalog.evictions import PlannedFilm
from vod.catalog.models import JobKind, MediaStatus
from vod.config import Config
from vod.errors import HomereelError, JobCancelled, NotFound
from vod.hls.plan import Plan
from vod.hls.policy import CACHED_LANES
from vod.hls.progress import load_plan, rendition_states, servable
from vod.storage import Storage
from worker.inventory import CachedRung, Inventory
from worker.lanes import is_playable, publish_playlists
from worker.runner import is_disk_full

TURN = "evictor"
# Longer than one rung takes, on a slow network disk.
TURN_SECONDS = 60.0

log = logging.getLogger(__name__)


class Evictor:
    def __init__(
        self, *, config: Config, database: Database, storage: Storage, worker: str, tell: Callable[[], None]
    ) -> None:
        self._limit_bytes = config.hls.cache_bytes
        self._reserve_bytes = config.media.reserve_bytes
        self._policy = config.hls.policy
        self._database = database
        self._storage = storage
        self._worker = worker
        self._tell = tell
        self._inventory = Inventory(storage)

    async def look(self) -> None:
        """Does nothing while another worker has the turn, on whichever host. Raises what `Database.run` raises."""
        try:
            await self._keep_budget()
        except OSError as error:
            log.warning("the disk budget cannot be kept: %s", error.strerror)

    async def _keep_budget(self) -> None:
        free_bytes = await asyncio.to_thread(self._storage.free_bytes)
        if not self._limit_bytes and not shortage_bytes(free_bytes, self._reserve_bytes):
            return
        if not await self._is_our_turn():
            return
        films = await self._database.read(evictions.planned_films)
        rungs = await asyncio.to_thread(self._inventory.take, films)
        cached_bytes = sum(rung.size_bytes for rung in rungs)
        surplus = surplus_bytes(cached_bytes, self._limit_bytes)
        await self._free(rungs, max(surplus, shortage_bytes(free_bytes, self._reserve_bytes)))

    async def _free(self, rungs: list[CachedRung], wanted_bytes: int) -> None:
        for rung in rungs:
            if wanted_bytes <= 0 or not await self._is_our_turn():
                return
            if self._may_lose(rung.film) and await self._evict(rung):
                wanted_bytes -= rung.size_bytes
        if wanted_bytes > 0:
            log.debug("%d bytes more than the disk budget; what is left is in use", wanted_bytes)

    async def _is_our_turn(self) -> bool:
        return await self._database.run(turns.take, TURN, self._worker, TURN_SECONDS)

    def _may_lose(self, film: PlannedFilm) -> bool:
        """What the background would make again stays, and so does what nobody would make again."""
        if film.status == MediaStatus.PROCESSING:
            return self._policy == "on-demand"
        return film.status == MediaStatus.READY

    async def _evict(self, rung: CachedRung) -> bool:
        """False where it is being made, or the film could not be played without it."""
        media_id, digest = rung.film.media_id, rung.film.digest
        # Seen before the jobs are: what a job makes from now on is not among them.
        numbers = await asyncio.to_thread(self._storage.segments_present, media_id, digest, rung.name)
        in_hand = await self._database.read(evictions.lanes_in_hand, media_id)
        if in_hand & {rung.name, *CACHED_LANES}:
            return False
        try:
            plan = await asyncio.to_thread(load_plan, self._storage, media_id, digest)
            if not await asyncio.to_thread(evict, self._storage, media_id, plan, rung.name, numbers):
                return False
        except (OSError, ValueError, HomereelError) as error:
            log.warning("media file %s: %s is not evicted: %s", media_id, rung.name, type(error).__name__)
            return False
        log.info("media file %s: %s is evicted, %d bytes", media_id, rung.name, rung.size_bytes)
        await self._database.run(_record, media_id)
        self._tell()
        return True


def surplus_bytes(cached_bytes: int, limit_bytes: int) -> int:
    """Down to nine tenths, so that the next segment does not begin it again; a limit of 0 is none."""
    return cached_bytes - limit_bytes * 9 // 10 if 0 < limit_bytes < cached_bytes else 0


def shortage_bytes(free_bytes: int, reserve_bytes: int) -> int:
    """Before encoding has to wait, which it does at the reserve."""
    return reserve_bytes * 12 // 10 - free_bytes if free_bytes * 10 < reserve_bytes * 11 else 0


def evict(storage: Storage, media_id: UUID, plan: Plan, name: str, numbers: Collection[int]) -> bool:
    """Of those segments. False where the film could not be played without them.

    Blocks; killed in between, it may be done again.
    """
    offered = servable(plan, rendition_states(storage, media_id, plan)) - {name}
    if not is_playable(plan, offered):
        return False
    segments = sorted(numbers, reverse=True)
    try:
        publish_playlists(storage, media_id, plan, without={name})
    except OSError as error:
        if not is_disk_full(error) or not segments:
            raise
        # Not even a playlist has room: the first segment to go makes some, and who asks for it has it made.
        storage.segment(media_id, plan.digest, name, segments.pop(0)).unlink(missing_ok=True)
        publish_playlists(storage, media_id, plan)
    for number in segments:
        storage.segment(media_id, plan.digest, name, number).unlink(missing_ok=True)
    # Who published in the meantime may have found the rung complete.
    publish_playlists(storage, media_id, plan)
    return True


def _record(media_id: UUID) -> None:
    """The page learns of it, and the next larger rung takes over what the smallest was there for."""
    media_files.touch(media_id)
    with suppress(JobCancelled, NotFound):
        jobs.add(media_id, JobKind.TRICKPLAY, priority=jobs.TRICKPLAY)
