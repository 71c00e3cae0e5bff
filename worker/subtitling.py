"""The `subtitles` job: every subtitle track of an original, in one pass over it, and the files that people added.

A film plays without them, so a track that cannot be read is nobody's failure: it is noted and left out. Where the pass
over all tracks fails, smaller ones follow, for one damaged track must not cost the others.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace
from logging import getLogger
from uuid import UUID

from vod.catalog import jobs, media_files
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind
from vod.containers.matroska_attachments import find_fonts
from vod.containers.samples import NotCopyable
from vod.errors import DiskFull, NotFound, ProcessError, ProcessTimeout
from vod.hls.fonts import has_fonts, publish_fonts
from vod.hls.plan import Plan, SubtitlePlan
from vod.hls.progress import load_plan
from vod.hls.sidecars import SIDECAR_PREFIX, sidecar_content, stored_sidecars
from vod.hls.subtitle_files import is_empty, mark_empty, marker, publish_cues
from vod.storage import Storage
from vod.subtitles.extraction import is_copied
from worker import subtitle_pass
from worker.context import Context
from worker.lanes import publish_playlists
from worker.subtitle_pass import SubtitlePass

log = getLogger(__name__)

# What the subtitles of a long film weigh, a track.
TEXT_BYTES, PICTURE_BYTES = 8 << 20, 64 << 20


async def run(job: JobSnapshot, context: Context) -> None:
    """Raises DiskFull; everything else that goes wrong costs the track at fault alone."""
    media = (await context.database.run(media_files.get, job.media_file_id)).media_file
    plan = await asyncio.to_thread(load_plan, context.storage, media.id, media.plan_digest or "")
    missing = await asyncio.to_thread(_missing, context.storage, media.id, plan)
    if any(track.kind == "ass" for track in plan.subtitles):
        await asyncio.to_thread(_bring_fonts, context, media.id, plan, media.extension)
    if missing:
        await asyncio.to_thread(_check_disk, context, missing)
        work = SubtitlePass(
            launcher=context.launcher,
            storage=context.storage,
            media_id=media.id,
            plan=plan,
            original=context.storage.original(media.id, media.extension),
            tracks=missing,
        )
        await _make(work)
    await asyncio.to_thread(publish_sidecars, context.storage, media.id, plan)
    await asyncio.to_thread(publish_playlists, context.storage, media.id, plan)
    await context.database.run(media_files.touch, media.id)


def _bring_fonts(context: Context, media_id: UUID, plan: Plan, extension: str) -> None:
    """Of a Matroska file. Styled subtitles can be read without them, too."""
    storage = context.storage
    original = storage.original(media_id, extension)
    if not plan.format_name.startswith("matroska") or has_fonts(storage, media_id, plan):
        return
    try:
        fonts = find_fonts(original)
        if storage.free_bytes() - sum(font.size for font in fonts) >= context.config.media.reserve_bytes:
            publish_fonts(storage, media_id, plan, original, fonts)
    except (NotCopyable, OSError) as refusal:
        log.info("media file %s: its fonts are left out: %s", media_id, type(refusal).__name__)


async def ask_for_subtitles(context: Context, media_id: UUID, plan: Plan) -> None:
    """Where there are any to make; after a new plan also those that people added."""
    sidecars = await asyncio.to_thread(stored_sidecars, context.storage, media_id)
    if plan.subtitles or sidecars:
        await context.database.run(_add_job, media_id)


def publish_sidecars(storage: Storage, media_id: UUID, plan: Plan) -> None:
    """The renditions of the plan become those of the files that are there: missing ones made, orphans removed."""
    sidecars = stored_sidecars(storage, media_id)
    for sidecar in sidecars:
        try:
            cues, styled = sidecar_content(storage, media_id, sidecar)
        except NotFound:
            continue
        publish_cues(storage, media_id, plan, sidecar.name, cues, styled)
    wanted = {sidecar.name for sidecar in sidecars}
    for playlist in storage.plan_folder(media_id, plan.digest).glob(f"{SIDECAR_PREFIX}*.m3u8"):
        if playlist.stem not in wanted:
            playlist.unlink(missing_ok=True)
            shutil.rmtree(playlist.with_suffix(""), ignore_errors=True)


def _add_job(media_id: UUID) -> None:
    jobs.add(media_id, JobKind.SUBTITLES, priority=jobs.SUBTITLES)


def _missing(storage: Storage, media_id: UUID, plan: Plan) -> list[SubtitlePlan]:
    return [
        track
        for track in plan.subtitles
        if not marker(storage, media_id, plan, track).exists() and not is_empty(storage, media_id, plan, track.name)
    ]


async def _make(work: SubtitlePass) -> None:
    try:
        await subtitle_pass.make(work)
    except ProcessTimeout as error:
        log.warning("media file %s: no subtitles: %s", work.media_id, error.detail)
    except ProcessError as error:
        await _make_apart(work, error)


async def _make_apart(work: SubtitlePass, error: ProcessError) -> None:
    if len(work.tracks) == 1:
        (track,) = work.tracks
        log.warning("media file %s: subtitle track %s is left out: %s", work.media_id, track.name, error.detail)
        await asyncio.to_thread(mark_empty, work.storage, work.media_id, work.plan, track.name)
        return
    log.info("media file %s: its subtitle tracks are tried apart: %s", work.media_id, error.stderr_tail[-500:])
    for tracks in _smaller(work.tracks):
        await _make(replace(work, tracks=tracks))


def _smaller(tracks: Sequence[SubtitlePlan]) -> list[list[SubtitlePlan]]:
    """A decoder is what fails; tracks that are copied stay together, for each pass may read the whole original."""
    copied = [track for track in tracks if is_copied(track.codec)]
    together = [copied] if 0 < len(copied) < len(tracks) else [[track] for track in copied]
    return together + [[track] for track in tracks if not is_copied(track.codec)]


def _check_disk(context: Context, missing: list[SubtitlePlan]) -> None:
    needed = sum(PICTURE_BYTES if track.kind == "picture" else TEXT_BYTES for track in missing)
    if context.storage.free_bytes() - needed < context.config.media.reserve_bytes:
        raise DiskFull("There is too little free disk for the subtitles; they are made when there is room.")
