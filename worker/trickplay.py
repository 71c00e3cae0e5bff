"""The trickplay job: stills for the seek bar, and an I-frame playlist for players that wind with pictures of their own.

A film plays without either, so what the original is to blame for is noted and the job ends. Stills are made once: a
present `stills.vtt` is final. Asking again makes what became possible since, and the I-frame playlist of a rung that
was repaired.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from fractions import Fraction
from logging import getLogger
from pathlib import Path
from uuid import UUID

from vod import storage as files
from vod.catalog import media_files
from vod.catalog.jobs import JobSnapshot
from vod.errors import DiskFull, OutputRefused, ProcessFailed
from vod.ffmpeg.process import Command, Limits
from vod.hls import trickplay
from vod.hls.iframes import iframe_playlist_name, is_current, render_iframe_playlist
from vod.hls.keyframes import Keyframe, read_keyframes, write_reel
from vod.hls.plan import Plan, Rung, VideoPlan
from vod.hls.progress import load_plan, rendition_states
from vod.hls.trickplay import Layout
from vod.storage import Storage
from worker.context import Context
from worker.lanes import publish_playlists

log = getLogger(__name__)

# An 8K frame, its scaler and a tone map in floats
ADDRESS_SPACE_BYTES = 4 << 30
# Reading a whole Matroska from a slow disk for its keyframes: four times real time and ten minutes.
WALL_FACTOR, WALL_MARGIN_SECONDS = 0.25, 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    media_id: UUID
    original: Path
    plan: Plan
    video: VideoPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The smallest rung whose segments are files, and its keyframes."""

    rung: Rung
    keyframes: list[Keyframe]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stills:
    ticks: list[int]  # when each is shown, on the plan's clock
    sheets: list[bytes]  # JPEG


async def run(job: JobSnapshot, context: Context) -> None:
    media = (await context.database.run(media_files.get, job.media_file_id)).media_file
    plan = await asyncio.to_thread(load_plan, context.storage, media.id, media.plan_digest or "")
    if plan.video is None:
        return
    original = context.storage.original(media.id, media.extension)
    film = Film(media_id=media.id, original=original, plan=plan, video=plan.video)
    if await asyncio.to_thread(_is_done, context.storage, film):
        return
    index = await asyncio.to_thread(_index, context.storage, film)
    if index is not None:
        await asyncio.to_thread(_publish_iframes, context.storage, film, index)
    if not await asyncio.to_thread(context.storage.stills(film.media_id, plan.digest).exists):
        await _make_stills(context, film, index)
    await context.database.run(media_files.touch, film.media_id)


def _is_done(storage: Storage, film: Film) -> bool:
    """The index of a long film is not read to find that out."""
    rungs = _complete_rungs(storage, film)
    has_stills = storage.stills(film.media_id, film.plan.digest).exists()
    return has_stills and all(_has_iframes(storage, film, rung) for rung in rungs[:1])


def _complete_rungs(storage: Storage, film: Film) -> list[Rung]:
    """Smallest first."""
    states = rendition_states(storage, film.media_id, film.plan)
    return [rung for rung in reversed(film.video.rungs) if states[rung.name].complete]


def _has_iframes(storage: Storage, film: Film, rung: Rung) -> bool:
    folder = storage.rendition(film.media_id, film.plan.digest, rung.name)
    return is_current(_iframes(storage, film, rung), folder, film.plan.grid(rung.name))


def _iframes(storage: Storage, film: Film, rung: Rung) -> Path:
    return storage.media_playlist(film.media_id, film.plan.digest, iframe_playlist_name(rung.name))


def _index(storage: Storage, film: Film) -> Index | None:
    for rung in _complete_rungs(storage, film):
        folder = storage.rendition(film.media_id, film.plan.digest, rung.name)
        try:
            keyframes = read_keyframes(folder, film.plan.grid(rung.name))
        except FileNotFoundError:
            continue  # evicted this moment, or never a file
        except ValueError as fault:
            raise OutputRefused(f"A segment of {rung.name}: {fault}.") from None
        return Index(rung=rung, keyframes=keyframes)
    return None


def _publish_iframes(storage: Storage, film: Film, index: Index) -> None:
    if _has_iframes(storage, film, index.rung):
        return
    path = _iframes(storage, film, index.rung)
    files.publish(path, render_iframe_playlist(film.plan, index.rung.name, index.keyframes).encode())
    files.sync_folder(path.parent)
    publish_playlists(storage, film.media_id, film.plan)


async def _make_stills(context: Context, film: Film, index: Index | None) -> None:
    try:
        found = await find_stills(context, film, index)
    except ProcessFailed as error:
        if index is not None:
            raise  # our own rung cannot be read
        log.warning("media file %s: no stills: %s", film.media_id, error.detail)
        return
    if found.ticks:
        await asyncio.to_thread(_publish_stills, context.storage, film, found)
    else:
        log.info("media file %s: no picture in it can be shown by itself", film.media_id)


async def find_stills(context: Context, film: Film, index: Index | None) -> Stills:
    """From the rung where there is one, else from the original."""
    layout = trickplay.layout(film.plan)
    max_pixels = context.launcher.settings.max_pixels
    if index is None:
        arguments = trickplay.original_arguments(film.plan, film.video, film.original, layout, max_pixels)
        return await _look(context, film, film.original, arguments, layout)
    reel = context.storage.trickplay(film.media_id, film.plan.digest) / f".reel.{os.urandom(4).hex()}.part"
    try:
        await asyncio.to_thread(_write_reel, context, film, index, reel, layout)
        arguments = trickplay.reel_arguments(reel, film.video, layout, max_pixels)
        return await _look(context, film, reel, arguments, layout)
    finally:
        await asyncio.to_thread(reel.unlink, missing_ok=True)


def _write_reel(context: Context, film: Film, index: Index, reel: Path, layout: Layout) -> None:
    """And remove those of workers that were killed."""
    files.make_folder(reel.parent)
    for left in reel.parent.glob(".reel.*.part"):
        left.unlink(missing_ok=True)
    chosen = trickplay.choose(index.keyframes, layout, film.video.timescale)
    wanted_bytes = sum(keyframe.size for keyframe in chosen)
    if context.storage.free_bytes() - wanted_bytes < context.config.media.reserve_bytes:
        raise DiskFull("There is too little free disk for stills; they are made when there is room.")
    write_reel(reel, context.storage.rendition(film.media_id, film.plan.digest, index.rung.name), chosen)


async def _look(context: Context, film: Film, path: Path, arguments: tuple[str, ...], layout: Layout) -> Stills:
    command = Command(
        program="ffmpeg", arguments=arguments, reads=(path,), outputs=1, limits=_limits(context, film, layout)
    )
    async with context.launcher.stream(command, lambda done: _report(context, film, done)) as running:
        stream = await running.outputs[0].read()
        finished = await running.finish()
    ticks = trickplay.still_ticks(finished.stdout)
    return Stills(ticks=ticks, sheets=trickplay.split_sheets(stream, len(ticks), layout))


def _report(context: Context, film: Film, seconds: Fraction) -> None:
    context.lease.report(float(seconds / film.plan.duration_seconds))


def _limits(context: Context, film: Film, layout: Layout) -> Limits:
    return Limits(
        address_space_bytes=ADDRESS_SPACE_BYTES,
        wall_seconds=WALL_MARGIN_SECONDS + WALL_FACTOR * float(film.plan.duration_seconds),
        stall_seconds=context.config.ffmpeg.stall_seconds,
        output_bytes=(layout.most_sheets + 1) * trickplay.LARGEST_SHEET_BYTES,
    )


def _publish_stills(storage: Storage, film: Film, found: Stills) -> None:
    """The index last: whoever finds it finds the sheets."""
    folder = storage.trickplay(film.media_id, film.plan.digest)
    layout = trickplay.layout(film.plan)
    files.make_folder(folder)
    for number, sheet in enumerate(found.sheets):
        files.publish(folder / trickplay.sheet_name(number), sheet)
    index = trickplay.render_stills_vtt(found.ticks, film.video.timescale, layout, film.plan.duration_seconds)
    files.publish(storage.stills(film.media_id, film.plan.digest), index.encode())
    files.sync_folder(folder)
    publish_playlists(storage, film.media_id, film.plan)
