"""A film made for the tests by a real ffmpeg, and its HLS package made by the parts of `vod` without any job."""

from __future__ import annotations

import asyncio
import subprocess
from fractions import Fraction
from pathlib import Path

from vod.ffmpeg.process import Command, Launcher, Limits
from vod.ffmpeg.source import AudioStream, Colour, FrameTimes, Source, VideoStream
from vod.hls.bandwidth import measure
from vod.hls.cutter import Target, cut_audio, cut_video
from vod.hls.encode import Input, Span
from vod.hls.multivariant import render_multivariant
from vod.hls.picture import ladder_arguments
from vod.hls.plan import AudioPlan, Plan
from vod.hls.planning import PlanSettings, make_plan
from vod.hls.playlist import render_media_playlist
from vod.hls.sound import audio_arguments

SETTINGS = PlanSettings(segment_seconds=Fraction(6), preset="ultrafast", crf=30, max_lines=1080)
LIMITS = Limits(address_space_bytes=4 << 30, wall_seconds=120, output_bytes=1 << 30)
FILM_RATE = Fraction(24_000, 1001)
LANGUAGES = ("en", "fr")


def encode_original(path: Path, *, frames: int = 340) -> Path:
    """14.2 s of 960x540 at 23.976 frames a second in two languages."""
    seconds = str(float(frames / FILM_RATE))
    picture = ("-f", "lavfi", "-i", f"testsrc2=s=960x540:r={FILM_RATE}")
    sound = [word for pitch in (300, 500) for word in ("-f", "lavfi", "-i", f"sine=f={pitch}:r=48000")]
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-c:a", "aac", "-video_track_timescale", "24000")
    maps = ("-map", "0", "-map", "1", "-map", "2")
    command = ["ffmpeg", "-v", "error", "-y", *picture, *sound, *maps, *coding, "-pix_fmt", "yuv420p", "-t", seconds]
    subprocess.run([*command, str(path)], check=True)
    return path


def plan_original(*, frames: int = 340) -> Plan:
    return make_plan(make_source(frames=frames), SETTINGS)


def make_source(*, frames: int = 340) -> Source:
    """What a probe says of `encode_original`'s film."""
    duration = frames / FILM_RATE
    times = FrameTimes(
        first_ticks=0,
        end_ticks=frames * 1001,
        frame_count=frames,
        frame_duration=1 / FILM_RATE,
        ticks=tuple(1001 * n for n in range(frames)),
        longest_gop_seconds=Fraction(11),
    )
    video = VideoStream(
        index=0,
        codec="h264",
        profile="High",
        pixel_format="yuv420p",
        bit_depth=8,
        width=960,
        height=540,
        sample_aspect=Fraction(1),
        rotation=0,
        interlaced=False,
        colour=Colour(),
        transfer="sdr",
        time_base=Fraction(1, 24_000),
        frame_rate=FILM_RATE,
    )
    return Source(
        format_name="mov,mp4,m4a,3gp,3g2,mj2",
        indexed=True,
        size_bytes=1,
        start_seconds=Fraction(0),
        duration_seconds=duration,
        video=video,
        frame_times=times,
        audio=tuple(_audio(n + 1, language, duration) for n, language in enumerate(LANGUAGES)),
    )


async def make_package(launcher: Launcher, plan: Plan, original: Path, folder: Path) -> None:
    """`folder` becomes what `hls/{id}/` is: master.m3u8 above the plan's folder. Every segment is a span of its own."""
    below = folder / plan.digest
    source = Input(path=original, max_pixels=launcher.settings.max_pixels, threads=1)
    for name in plan.renditions:
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{name}.m3u8").write_text(render_media_playlist(plan, name), encoding="utf-8")
    for lane, renditions in plan.lanes.items():
        for number in reversed(range(plan.grid(renditions[0].name).count)):
            await _make_span(launcher, plan, lane, Span(first=number, last=number), source, below)
    measured = {name: measure(below / name, plan.grid(name), rendition) for name, rendition in plan.renditions.items()}
    (folder / "master.m3u8").write_text(render_multivariant(plan, measured, f"{plan.digest}/"), encoding="utf-8")


async def _make_span(launcher: Launcher, plan: Plan, lane: str, span: Span, source: Input, below: Path) -> None:
    renditions = plan.lanes[lane]
    first = renditions[0]
    if isinstance(first, AudioPlan):
        arguments = audio_arguments(plan, first, span, source)
    else:
        assert plan.video is not None
        arguments = ladder_arguments(plan, plan.video, plan.rungs, span, source)
    command = Command(
        program="ffmpeg",
        arguments=tuple(arguments),
        reads=(source.path,),
        outputs=len(renditions),
        limits=LIMITS,
    )
    cut = cut_audio if isinstance(first, AudioPlan) else cut_video
    async with launcher.stream(command) as running:
        readers = zip(renditions, running.outputs, strict=True)
        await asyncio.gather(*(cut(reader, _target(plan, part.name, span, below)) for part, reader in readers))
        await running.finish()


def _target(plan: Plan, name: str, span: Span, below: Path) -> Target:
    return Target(
        folder=below / name,
        grid=plan.grid(name),
        span=span,
        tolerance_ticks=plan.video.tolerance_ticks if plan.video and name in {r.name for r in plan.rungs} else 0,
        gap_allowed=True,
        on_segment=_ignore,
    )


async def _ignore(_number: int) -> None:
    pass


def _audio(index: int, language: str, duration: Fraction) -> AudioStream:
    return AudioStream(
        index=index,
        codec="aac",
        profile="LC",
        sample_rate=48_000,
        channels=1,
        layout="mono",
        time_base=Fraction(1, 48_000),
        start_ticks=0,
        frame_samples=1024,
        language=language,
        title="",
        default=index == 1,
        commentary=False,
        visually_impaired=False,
        duration_seconds=duration,
    )
