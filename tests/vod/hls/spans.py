"""A span's bytes from a real ffmpeg, cut into files: what the worker does, without its cage."""

from __future__ import annotations

import asyncio
import subprocess
from fractions import Fraction
from functools import cache
from pathlib import Path

from tests.clips import clips_folder, make
from tests.vod.hls.builders import make_audio, make_plan, make_rung, make_video
from vod.containers import boxes
from vod.hls.cutter import Target
from vod.hls.encode import FIRST_PIPE, Input, Span
from vod.hls.fragments import SampleDefaults, SampleEntry, read_entries
from vod.hls.grid import Grid
from vod.hls.picture import ladder_arguments
from vod.hls.plan import Plan
from vod.hls.sound import audio_arguments

FRAME = 512
FRAMES = 150
SEGMENT_FRAMES = 50
AAC_SAMPLES = 1024
RUNG = make_rung(width=64, height=48)
# Six seconds in three segments of pictures and of sound.
FILM = make_plan(
    video=make_video(
        timescale=12_800,
        cuts=tuple(SEGMENT_FRAMES * FRAME * k for k in range(4)),
        frames_end_ticks=FRAMES * FRAME,
        frame_rate=Fraction(25),
        frame_count=FRAMES,
        rungs=(RUNG,),
    ),
    audio=(make_audio(cuts=tuple(94 * AAC_SAMPLES * k for k in range(4))),),
)
WHOLE = Span(first=0, last=2)


@cache
def original() -> Path:
    path = clips_folder() / "span.mp4"
    pictures = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=6")
    sound = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=6")
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "40", "-pix_fmt", "yuv420p", "-c:a", "aac")
    make(*pictures, *sound, *coding, str(path))
    return path


@cache
def encoded(plan: Plan, rendition: str, span: Span = WHOLE, path: Path | None = None) -> bytes:
    """What comes out of the first pipe."""
    source = Input(path=path or original(), max_pixels=1_000_000, threads=1)
    if plan.video is not None and rendition in {rung.name for rung in plan.rungs}:
        argv = ladder_arguments(plan, plan.video, plan.rungs, span, source)
    else:
        argv = audio_arguments(plan, next(a for a in plan.audio if a.name == rendition), span, source)
    words = ("pipe:1" if word == f"pipe:{FIRST_PIPE}" else word for word in argv)
    return subprocess.run(("ffmpeg", "-nostdin", "-v", "error", *words), check=True, capture_output=True).stdout


def pipe(content: bytes) -> asyncio.StreamReader:
    """All of it, and then the end."""
    reader = asyncio.StreamReader()
    reader.feed_data(content)
    reader.feed_eof()
    return reader


def target(folder: Path, grid: Grid, span: Span = WHOLE, *, tolerance_ticks: int = 0, gap: bool = False) -> Target:
    return Target(
        folder=folder,
        grid=grid,
        span=span,
        tolerance_ticks=tolerance_ticks,
        gap_allowed=gap,
        on_segment=nothing_to_tell,
    )


async def nothing_to_tell(_number: int) -> None:
    pass


def samples_of(segment: Path) -> list[SampleEntry]:
    data = segment.read_bytes()
    moof = boxes.require(data, b"moof")
    return list(read_entries(data[moof.start : moof.end], SampleDefaults()))
