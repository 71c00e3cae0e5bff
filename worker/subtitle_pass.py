"""One ffmpeg process over an original, and what becomes of the subtitle tracks that come out of its pipes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from logging import getLogger
from math import ceil
from pathlib import Path
from uuid import UUID

from vod import storage as files
from vod.errors import OutputRefused
from vod.ffmpeg.process import Command, Launcher, Limits, Running
from vod.hls.plan import Plan, SubtitlePlan
from vod.hls.subtitle_files import PICTURE_INDEX, PICTURES, mark_empty, publish_cues
from vod.storage import Storage
from vod.subtitles.ass import plain_cues, read_script, written
from vod.subtitles.cues import SubtitlesRefused, tidy
from vod.subtitles.extraction import TEXT, Wanted, extraction_arguments, output_count
from vod.subtitles.packets import PacketFeed
from vod.subtitles.pictures import Head, PictureKind, PictureWriter
from vod.subtitles.srt import read_srt, read_webvtt
from vod.subtitles.text import LARGEST_BYTES, decoded

log = getLogger(__name__)

ADDRESS_SPACE_BYTES = 2 << 30
# The whole original may have to be read, from a slow network disk.
SLOWEST_BYTES_A_SECOND, MARGIN_SECONDS = 4_000_000, 600
# Forty tracks of pictures of a long film.
MOST_OUTPUT_BYTES = 2 << 30
PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitlePass:
    launcher: Launcher
    storage: Storage
    media_id: UUID
    plan: Plan
    original: Path
    tracks: Sequence[SubtitlePlan]

    @property
    def texts(self) -> list[SubtitlePlan]:
        return [track for track in self.tracks if track.kind != "picture"]

    @property
    def pictures(self) -> list[SubtitlePlan]:
        return [track for track in self.tracks if track.kind == "picture"]

    @property
    def shift_ms(self) -> int:
        return round(self.plan.start_seconds * 1000)


async def make(work: SubtitlePass) -> None:
    """Publishes what comes; raises ProcessError where ffmpeg does not get through, and then publishes nothing."""
    command = await asyncio.to_thread(_command, work)
    async with _writers(work) as writers, work.launcher.stream(command) as running:
        contents = await _read(running, work, writers)
        await running.finish()
    for track, writer in zip(work.pictures, writers, strict=True):
        await asyncio.to_thread(_publish_index, work, track, writer)
    for track, content in zip(work.texts, contents, strict=True):
        await asyncio.to_thread(_publish_text, work, track, content)


def _command(work: SubtitlePass) -> Command:
    wanted = [Wanted(stream_index=track.stream_index, codec=track.codec) for track in work.tracks]
    arguments = extraction_arguments(
        work.original,
        wanted,
        format_name=work.plan.format_name,
        max_pixels=work.launcher.settings.max_pixels,
        lines=work.plan.rungs[0].height if work.plan.rungs else 0,
    )
    size = work.original.stat().st_size
    limits = Limits(
        address_space_bytes=ADDRESS_SPACE_BYTES,
        wall_seconds=MARGIN_SECONDS + size / SLOWEST_BYTES_A_SECOND,
        output_bytes=MOST_OUTPUT_BYTES,
    )
    return Command(
        program="ffmpeg",
        arguments=arguments,
        reads=(work.original,),
        outputs=output_count(wanted),
        limits=limits,
    )


async def _read(running: Running, work: SubtitlePass, writers: list[PictureWriter]) -> list[bytes]:
    """All pipes at once: ffmpeg waits for the slowest."""
    texts = len(work.texts)
    try:
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(_read_text(reader)) for reader in running.outputs[:texts]]
            for reader in running.outputs[texts:]:
                group.create_task(_read_pictures(reader, writers))
    except ExceptionGroup as failures:
        # not `except*`: before Python 3.11.4 it wraps what is raised in it
        raise failures.exceptions[0] from None
    return [task.result() for task in reading]


async def _read_text(reader: asyncio.StreamReader) -> bytes:
    """A little more than any script has at most; the rest is read and dropped, so that the others go on."""
    kept = bytearray()
    while data := await reader.read(PIECE_BYTES):
        if len(kept) <= LARGEST_BYTES:
            kept += data
    return bytes(kept)


async def _read_pictures(reader: asyncio.StreamReader, writers: list[PictureWriter]) -> None:
    feed = PacketFeed()
    while data := await reader.read(PIECE_BYTES):
        await asyncio.to_thread(_write, feed, data, writers)


def _write(feed: PacketFeed, data: bytes, writers: list[PictureWriter]) -> None:
    try:
        for packet in feed.feed(data):
            writer = writers[packet.track]
            if writer.kind == "vobsub" and not writer.runs:
                writer.head = Head.of_idx(feed.heads.get(packet.track, b""))
            writer.add(packet)
    except (ValueError, IndexError) as error:
        raise OutputRefused(f"ffmpeg wrote subtitles that are none: {error}") from None


@asynccontextmanager
async def _writers(work: SubtitlePass) -> AsyncIterator[list[PictureWriter]]:
    """Their files appear when the block ends, unless it raises."""
    stack = ExitStack()
    try:
        yield await asyncio.to_thread(_open_writers, work, stack)
    except BaseException as error:
        await asyncio.to_thread(stack.__exit__, type(error), error, error.__traceback__)
        raise
    await asyncio.to_thread(stack.close)


def _open_writers(work: SubtitlePass, stack: ExitStack) -> list[PictureWriter]:
    writers = []
    for track in work.pictures:
        folder = work.storage.rendition(work.media_id, work.plan.digest, track.name)
        files.make_folder(folder)
        file = stack.enter_context(files.publishing(folder / PICTURES))
        kind: PictureKind = "pgs" if track.codec == "hdmv_pgs_subtitle" else "vobsub"
        writers.append(PictureWriter(kind, file, work.shift_ms))
    return writers


def _publish_index(work: SubtitlePass, track: SubtitlePlan, writer: PictureWriter) -> None:
    if not writer.runs:
        log.info("media file %s: no picture in subtitle track %s", work.media_id, track.name)
        mark_empty(work.storage, work.media_id, work.plan, track.name)
        return
    folder = work.storage.rendition(work.media_id, work.plan.digest, track.name)
    files.publish_once(folder / PICTURE_INDEX, writer.index().encode())
    files.sync_folder(folder)


def _publish_text(work: SubtitlePass, track: SubtitlePlan, content: bytes) -> None:
    try:
        text, styled = decoded(content), ""
        if track.kind == "ass":
            script = read_script(text, standard_events=True)
            found, styled = plain_cues(script), written(script, shift_ms=work.shift_ms)
        else:
            found = read_webvtt(text) if TEXT[track.codec][0] == "webvtt" else read_srt(text)
    except SubtitlesRefused as error:
        log.warning("media file %s: subtitle track %s is left out: %s", work.media_id, track.name, error.detail)
        mark_empty(work.storage, work.media_id, work.plan, track.name)
        return
    cues = tidy(found, shift_ms=work.shift_ms, duration_ms=ceil(work.plan.duration_seconds * 1000))
    if not cues:
        log.info("media file %s: not a line in subtitle track %s", work.media_id, track.name)
        mark_empty(work.storage, work.media_id, work.plan, track.name)
    publish_cues(work.storage, work.media_id, work.plan, track.name, cues, styled)
