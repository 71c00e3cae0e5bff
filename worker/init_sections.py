"""The init sections of rungs of which nothing is made yet: a player asks for one before it asks for any segment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

from vod.catalog import media_files
from vod.errors import ProcessError
from vod.ffmpeg.process import GIB, Command, Limits
from vod.hls.cutter import cut_header
from vod.hls.encode import Input
from vod.hls.picture import header_arguments
from vod.hls.plan import Plan, Rung
from worker.context import Context
from worker.hardware import hardware_for

log = logging.getLogger(__name__)

# One frame of 4K HDR, on a busy machine.
LIMITS = Limits(address_space_bytes=4 * GIB, wall_seconds=120, output_bytes=64 << 20)


async def make_init_sections(context: Context, media_id: UUID, plan: Plan) -> None:
    """For every rung that has none. Where the encoders fail, their own jobs say so; the film may play without them."""
    missing = await asyncio.to_thread(_missing, context, media_id, plan)
    if plan.video is None or not missing:
        return
    media = (await context.database.run(media_files.get, media_id)).media_file
    settings = context.config.ffmpeg
    original = context.storage.original(media_id, media.extension)
    source = Input(path=original, max_pixels=settings.max_pixels, threads=settings.threads, device=settings.device)
    command = Command(
        program="ffmpeg",
        arguments=tuple(header_arguments(plan, plan.video, missing, source)),
        reads=(original,),
        outputs=len(missing),
        hardware=hardware_for(plan.encoder, settings.device),
        limits=LIMITS,
        urgent=True,
    )
    try:
        await _make(context, media_id, plan, missing, command)
    except (ProcessError, ExceptionGroup) as failure:
        log.warning("media file %s: no init sections yet: %s", media_id, failure)


async def _make(context: Context, media_id: UUID, plan: Plan, rungs: Sequence[Rung], command: Command) -> None:
    async with context.launcher.stream(command) as running, asyncio.TaskGroup() as group:
        for rung, reader in zip(rungs, running.outputs, strict=True):
            folder = context.storage.rendition(media_id, plan.digest, rung.name)
            group.create_task(cut_header(reader, folder, plan.grid(rung.name)))
        await running.finish()


def _missing(context: Context, media_id: UUID, plan: Plan) -> Sequence[Rung]:
    return [rung for rung in plan.rungs if not context.storage.init_section(media_id, plan.digest, rung.name).exists()]
