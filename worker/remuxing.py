"""Originals whose pictures players take, in containers that nothing can be handed on from in place (MPEG-TS, FLV)."""

from __future__ import annotations

import asyncio
import logging
from array import array
from dataclasses import replace
from pathlib import Path

from vod.containers import boxes
from vod.containers.flv import settings_change
from vod.containers.samples import IndexedTrack, Samples, Track
from vod.errors import OutputRefused, ProcessError
from vod.ffmpeg.process import Command, Launcher, Limits
from vod.ffmpeg.source import Source, StoredOrder, VideoStream
from vod.hls.copyable_codecs import length_bytes
from vod.hls.cutter import read_moov
from vod.hls.encode import Input
from vod.hls.idr import LENGTH_BYTES
from vod.hls.remux import remux_header_arguments
from worker.copies import OriginalIndex

LIMITS = Limits(address_space_bytes=1 << 30, wall_seconds=60, output_bytes=64 << 20)

FLASH = "flv"

log = logging.getLogger(__name__)


async def with_remuxable_picture(launcher: Launcher, source: Source, index: OriginalIndex) -> OriginalIndex:
    """`index`, with a track whose samples are told and not placed, where its container has no index read here."""
    video, stored = source.video, source.frame_times.stored if source.frame_times else None
    if video is None or stored is None or not _is_candidate(video, stored) or video.index in index.tracks:
        return index
    try:
        if source.format_name == FLASH and await asyncio.to_thread(settings_change, index.path):
            raise ValueError("its encoder's settings change")
        moov = await _read_moov(launcher, index.path, source, video.index)
        track = _track(video, moov)
    except (ProcessError, OSError, ValueError) as fault:
        log.info("%s is not remuxed: %s", index.path.stem, fault)
        return index
    indexed = IndexedTrack(track=track, samples=_samples(source, stored), in_place=False)
    return replace(index, tracks={**index.tracks, video.index: indexed}, remuxed_moov=moov)


def _is_candidate(video: VideoStream, stored: StoredOrder) -> bool:
    """What `vod.hls.copies` would refuse without a look at the bytes is not looked at."""
    upright = not (video.rotation or video.interlaced)
    return video.codec == "h264" and upright and video.time_base.numerator == 1 and bool(stored.keyframes)


async def _read_moov(launcher: Launcher, path: Path, source: Source, stream_index: int) -> bytes:
    settings = launcher.settings
    original = Input(path=path, max_pixels=settings.max_pixels, threads=settings.threads)
    command = Command(
        program="ffmpeg",
        arguments=tuple(remux_header_arguments(source, stream_index, original)),
        reads=(path,),
        outputs=1,
        limits=LIMITS,
        urgent=True,
    )
    async with launcher.stream(command) as running:
        moov = await read_moov(running.outputs[0])
        await running.finish()
    if not moov:
        raise OutputRefused("ffmpeg cannot repack its pictures.")
    return moov


def _track(video: VideoStream, moov: bytes) -> Track:
    """Raises ValueError where the sample description is damaged."""
    stsd = boxes.require(moov, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    (entry,) = boxes.children(moov, stsd)
    track = Track(
        index=video.index,
        track_id=1,
        kind="video",
        codec=entry.kind.decode("latin-1"),
        sample_entry=bytes(moov[entry.start : entry.end]),
        timescale=video.time_base.denominator,
    )
    if length_bytes(track) != LENGTH_BYTES:  # of FLV, which has lengths of its own
        raise ValueError("the lengths of its NAL units are not four bytes long")
    return track


def _samples(source: Source, stored: StoredOrder) -> Samples:
    """From the first keyframe on: what a recording begins with before it cannot be shown."""
    first, count = stored.keyframes[0], len(stored.pts) - stored.keyframes[0]
    return Samples(
        offsets=array("q", bytes(8 * count)),
        sizes=array("I", [1]) * count,
        decode_times=stored.dts[first:],
        times=stored.pts[first:],
        keyframes=array("I", (position - first for position in stored.keyframes)),
        end=source.frame_times.end_ticks if source.frame_times else 0,
    )
