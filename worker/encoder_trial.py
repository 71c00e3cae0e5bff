"""The trial that an encoder in hardware must pass on this machine before any film is planned for it.

It is a short film of our own, planned, encoded and cut by the code that makes all films, in two spans by two
processes. What an encoder has to keep to shows in what comes of it: the same headers from both, keyframes where the
plan says, every frame at its time, no more bits than allowed, and pictures that are those of the film.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import re
import shutil
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import BinaryIO

from vod.config import Config
from vod.errors import HomereelError, OutputRefused, ProcessError
from vod.ffmpeg.guards import guard_arguments, input_guards
from vod.ffmpeg.probe import probe
from vod.ffmpeg.process import Command, Launcher, Limits
from vod.hls.cutter import Target, cut_video
from vod.hls.doctor.segments import read_file, read_init
from vod.hls.encode import Input, Span
from vod.hls.encoders import CANDIDATES
from vod.hls.picture import ladder_arguments
from vod.hls.plan import SOFTWARE, Plan, Rung, VideoPlan
from vod.hls.planning import PlanSettings, make_plan
from vod.hls.verify import verify_rendition
from vod.storage import INIT_SECTION, segment_name
from worker.hardware import hardware_for
from worker.verifying import verify_decodes

SEGMENT_SECONDS = 1
# the second with a cut inside: what begins a process is a keyframe of itself
SPANS = (Span(first=0, last=0), Span(first=1, last=2))
FILM = (
    *("-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=25:duration={SEGMENT_SECONDS * 3}"),
    *("-c:v", "mpeg4", "-q:v", "3", "-f", "matroska", "pipe:3"),
)
# A driver that hangs would hold up the start of the worker.
LIMITS = Limits(address_space_bytes=2 << 30, wall_seconds=60, output_bytes=256 << 20)
# x264 reaches 0.97; green pictures, or those of other frames, stay below 0.6.
LEAST_SSIM = 0.85
# Of what a rung is allowed at its peak: rate control that knows no bounds is found, one that is inexact is not.
MOST_BITS = 1.5
SSIM = re.compile(rb"All:([\d.]+)")
HIGH_PROFILE = "avc1.64"

log = logging.getLogger(__name__)


async def find_encoder(launcher: Launcher, config: Config, lock: Path) -> str:
    """The first that `[hls] encoder` allows and that passes the trial; x264 where none does.

    One worker at a time: chips encode only so much at once, and each trial is all the rungs of a film.
    """
    if config.hls.encoder == "software":
        return SOFTWARE
    with await asyncio.to_thread(_locked, lock):
        return await _find(launcher, config.hls.encoder)


def _locked(path: Path) -> BinaryIO:
    """Blocks; until it is closed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("wb")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


async def _find(launcher: Launcher, setting: str) -> str:
    for encoder in CANDIDATES[setting]:
        try:
            await try_encoder(launcher, encoder)
        except (HomereelError, OSError, ValueError, ExceptionGroup) as failure:  # never a reason not to start
            # of "auto" it is no surprise that most are lacking
            log.log(
                logging.INFO if setting == "auto" else logging.WARNING,
                "encoder %s: not used, %s",
                encoder,
                reason(failure),
            )
        else:
            log.info("encoder %s: passed its trial; new films are encoded with it", encoder)
            return encoder
    log.warning("encoder %s: none that works was found; films are encoded by x264", setting)
    return SOFTWARE


async def try_encoder(launcher: Launcher, encoder: str) -> None:
    """Raises ProcessError, alone or in a group, with what the encoder did not do."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="homereel-encoder-"))
    try:
        trial = await _prepare(launcher, encoder, folder)
        for span in SPANS:
            await trial.encode(span)
        for rung in trial.plan.rungs:
            await trial.judge(rung)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _prepare(launcher: Launcher, encoder: str, folder: Path) -> _Trial:
    film = folder / "film.mkv"
    await _make_film(launcher, film)
    settings = PlanSettings(
        segment_seconds=Fraction(SEGMENT_SECONDS), preset="veryfast", crf=23, max_lines=1080, encoder=encoder
    )
    plan = make_plan(await probe(launcher, film), settings)
    if plan.video is None:
        raise OutputRefused("The film of the trial has no picture.")
    return _Trial(launcher, folder, film, plan, plan.video)


async def _make_film(launcher: Launcher, path: Path) -> None:
    async with launcher.stream(Command(program="ffmpeg", arguments=FILM, outputs=1, limits=LIMITS)) as running:
        await asyncio.to_thread(path.write_bytes, await running.outputs[0].read())
        await running.finish()


@dataclass(frozen=True, slots=True)
class _Trial:
    launcher: Launcher
    folder: Path
    film: Path
    plan: Plan
    video: VideoPlan

    async def encode(self, span: Span) -> None:
        settings = self.launcher.settings
        source = Input(path=self.film, max_pixels=settings.max_pixels, threads=settings.threads, device=settings.device)
        command = Command(
            program="ffmpeg",
            arguments=tuple(ladder_arguments(self.plan, self.video, self.plan.rungs, span, source)),
            reads=(self.film,),
            outputs=len(self.plan.rungs),
            hardware=hardware_for(self.plan.encoder, settings.device),
            limits=LIMITS,
            urgent=True,
        )
        async with self.launcher.stream(command) as running:
            try:
                async with asyncio.TaskGroup() as group:
                    for rung, output in zip(self.plan.rungs, running.outputs, strict=True):
                        group.create_task(cut_video(output, self._target(rung, span)))
            finally:
                await running.finish()  # what the process says of itself is the better reason

    def _target(self, rung: Rung, span: Span) -> Target:
        return Target(
            folder=self.folder / rung.name,
            grid=self.plan.grid(rung.name),
            span=span,
            tolerance_ticks=self.video.tolerance_ticks,
            gap_allowed=False,
            on_segment=_nobody_waits,
        )

    async def judge(self, rung: Rung) -> None:
        folder = self.folder / rung.name
        await asyncio.to_thread(verify_rendition, folder, self.plan, rung.name)
        await asyncio.to_thread(_judge_files, folder, rung, self.video)
        await verify_decodes(self.launcher, folder, self.plan, rung.name)
        similarity = await self._similarity(folder, rung)
        if similarity < LEAST_SSIM:
            raise OutputRefused(f"The pictures of {rung.name} are not those of the film (SSIM {similarity:.2f}).")

    async def _similarity(self, folder: Path, rung: Rung) -> float:
        """Of the first segment's pictures and the film's own, 0 to 1."""
        init, segment = folder / INIT_SECTION, folder / segment_name(0)
        guards = input_guards(max_pixels=self.launcher.settings.max_pixels)
        encoded = guard_arguments(guards | {"protocol_whitelist": "concat,file"})
        scaled = f"[1:v]trim=end={SEGMENT_SECONDS},scale={rung.width}:{rung.height}:flags=bicubic,format=yuv420p[film]"
        arguments = (
            *(*encoded, "-i", f"concat:{init}|{segment}", *guard_arguments(guards), "-i", f"file:{self.film}"),
            *("-lavfi", f"{scaled};[0:v][film]ssim=stats_file=-", "-f", "null", "pipe:2"),
        )
        reads = (init, segment, self.film)
        command = Command(program="ffmpeg", arguments=arguments, reads=reads, limits=LIMITS)
        finished = await self.launcher.run(command)
        return fmean([float(frame) for frame in SSIM.findall(finished.stdout)] or [0.0])


def _judge_files(folder: Path, rung: Rung, video: VideoPlan) -> None:
    """Raises OutputRefused for what films are allowed to be, and a trial is not."""
    init, name = read_init((folder / INIT_SECTION).read_bytes()), rung.name
    if not init.codec.startswith(HIGH_PROFILE) or int(init.codec[-2:], 16) > round(10 * float(rung.level)):
        raise OutputRefused(f"{name} is {init.codec}, and was to be High@{rung.level}.")
    segments = [read_file(folder / segment_name(number), name, init) for number in range(len(video.cuts) - 1)]
    if not all(segment.begins_with_idr for segment in segments):
        raise OutputRefused(f"A segment of {name} begins with a picture that is no IDR.")
    if (frames := sum(segment.count for segment in segments)) != video.frame_count:
        raise OutputRefused(f"{name} has {frames} frames of {video.frame_count}.")
    bps = sum(segment.size_bytes for segment in segments) * 8 / (SEGMENT_SECONDS * len(segments))
    if bps > MOST_BITS * rung.peak_bps:
        raise OutputRefused(f"{name} takes {bps / 1e6:.1f} Mb/s of {rung.peak_bps / 1e6:.1f}.")


async def _nobody_waits(_number: int) -> None:
    return


def reason(failure: Exception) -> str:
    """For people. The first line that ffmpeg has to say of it is the driver's own."""
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    said = failure.stderr_tail.splitlines() if isinstance(failure, ProcessError) else []
    return ": ".join((str(failure), *(line.strip() for line in said[:1])))
