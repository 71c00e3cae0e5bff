"""The `probe` job: what is this original, and what will be made of it?

Ends with the plan and its full-length playlists on disk, the row at PROCESSING and the first spans open.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from vod import storage as files
from vod.catalog import jobs, media_files
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind
from vod.config import HlsSection
from vod.containers.samples import NotCopyable
from vod.ffmpeg.packets import Streams
from vod.ffmpeg.probe import probe
from vod.ffmpeg.source import Source
from vod.hls.plan import COPY_LANE, LADDER_LANE, SOFTWARE, Plan
from vod.hls.planning import PlanSettings, make_plan
from vod.hls.playlist import render_media_playlist
from vod.hls.policy import kept_lanes
from vod.storage import Storage
from worker.context import Context
from worker.copies import OriginalIndex, read_index, write_copies
from worker.init_sections import make_init_sections
from worker.lanes import open_head, open_spans, refresh
from worker.remuxing import with_remuxable_picture
from worker.subtitling import ask_for_subtitles

# Of a lane's first span; sound is as urgent as the preview.
PRIORITIES = {LADDER_LANE: jobs.LADDER, COPY_LANE: jobs.COPY}

log = logging.getLogger(__name__)


async def run(job: JobSnapshot, context: Context) -> None:
    """Raises SourceError where the original cannot be used."""
    media_id = job.media_file_id
    media = (await context.database.run(media_files.get, media_id)).media_file
    original = context.storage.original(media_id, media.extension)
    reading = asyncio.create_task(asyncio.to_thread(_read_index, context, media_id, original))
    source = await probe(context.launcher, original, partial(_packets, reading))
    index = await reading
    if await asyncio.to_thread(_may_copy, context, media_id):
        index = await with_remuxable_picture(context.launcher, source, index)
    plan = await asyncio.to_thread(_plan, context, media_id, source, index)
    await context.database.run(_record, media_id, source, plan)
    if plan.copies:
        await refresh(context, media_id, plan)  # it may play already
    await open_head(context, media_id, plan)
    for lane in kept_lanes(plan, context.config.hls.policy):
        priority = PRIORITIES.get(lane, jobs.HEAD)
        await open_spans(context, media_id, plan, lane, priority=priority)
    context.tell()
    await make_init_sections(context, media_id, plan)
    await ask_for_subtitles(context, media_id, plan)
    await refresh(context, media_id, plan)


def _read_index(context: Context, media_id: UUID, original: Path) -> OriginalIndex:
    return read_index(original) if _may_copy(context, media_id) else OriginalIndex(path=original)


def _may_copy(context: Context, media_id: UUID) -> bool:
    return context.config.hls.copy_originals and not context.storage.refused_copies(media_id).exists()


async def _packets(reading: Awaitable[OriginalIndex]) -> Streams:
    return (await reading).packets


def _plan(context: Context, media_id: UUID, source: Source, index: OriginalIndex) -> Plan:
    """Stored, with the copies that it holds; what turns out to be no copy after all is encoded."""
    settings = plan_settings(context.config.hls, _encoder(context, media_id))
    plan = make_plan(source, settings, index.tracks, copied_on_demand=index.outlined is not None)
    try:
        write_copies(context.storage, media_id, plan, index)
    except NotCopyable as refusal:
        log.info("media file %s is not copied: %s", media_id, refusal)
        plan = make_plan(source, settings)
    _store(context.storage, media_id, plan)
    return plan


def _encoder(context: Context, media_id: UUID) -> str:
    return SOFTWARE if context.storage.refused_hardware(media_id).exists() else context.encoder


def plan_settings(hls: HlsSection, encoder: str = SOFTWARE) -> PlanSettings:
    return PlanSettings(
        segment_seconds=Fraction(str(hls.segment_seconds)),
        preset=hls.preset,
        crf=hls.crf,
        max_lines=hls.max_lines,
        encoder=encoder,
    )


def _store(storage: Storage, media_id: UUID, plan: Plan) -> None:
    """Playlists first: whoever finds the plan finds them."""
    folder = storage.plan_folder(media_id, plan.digest)
    files.make_folder(folder)
    for name in plan.renditions:
        files.publish(storage.media_playlist(media_id, plan.digest, name), render_media_playlist(plan, name).encode())
    files.publish(storage.plan(media_id, plan.digest), plan.to_json().encode())
    files.sync_folder(folder)


def _record(media_id: UUID, source: Source, plan: Plan) -> None:
    picture = plan.pictures[0] if plan.pictures else None
    moved = media_files.mark_processing(
        media_id,
        probe=facts(source),
        duration=float(plan.duration_seconds),
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        digest=plan.digest,
    )
    if moved:
        jobs.add(media_id, JobKind.ARTWORK, priority=jobs.ARTWORK)


def facts(source: Source) -> dict[str, Any]:
    """What the row keeps of the probe, as plain JSON; frame times stay in the plan."""
    record: dict[str, Any] = _plain(dataclasses.replace(source, frame_times=None))
    return record


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
