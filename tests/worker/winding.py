"""Films whose colour tells the time, their ladders, and what a person sees who winds through their stills."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID

import numpy as np
from PIL import Image

from tests.clips import clips_folder, make
from tests.worker.conftest import Yard
from tests.worker.office import add_planned_film, storage_of
from tests.worker.reel import context_for
from vod.catalog import jobs
from vod.catalog.models import JobKind
from vod.config import Config
from vod.ffmpeg.probe import probe
from vod.ffmpeg.process import Command, Launcher, Limits
from vod.hls.cutter import Target, cut_video
from vod.hls.encode import Input, Span
from vod.hls.picture import ladder_arguments
from vod.hls.plan import Plan
from vod.hls.planning import make_plan
from worker import trickplay
from worker.probing import plan_settings

LIMITS = Limits(address_space_bytes=4 << 30, wall_seconds=120, output_bytes=1 << 28)
COLOURS = ("red", "lime", "blue", "yellow", "white", "magenta")
RGB = {
    "red": (255, 0, 0),
    "lime": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
    "magenta": (255, 0, 255),
}
COLOUR_SECONDS = 4
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
CUE = re.compile(r"([\d:.]+) --> ([\d:.]+)\n(sheet-\d\d\.jpg)#xywh=(\d+),(\d+),(\d+),(\d+)")


@cache
def colours(name: str = "colours.mp4", *options: str, size: str = "320x180") -> Path:
    """24 s at 25 frames a second, four of each colour; `options` say how it is encoded."""
    path = clips_folder() / name
    inputs = [w for c in COLOURS for w in ("-f", "lavfi", "-i", f"color={c}:s={size}:r=25:d={COLOUR_SECONDS}")]
    graph = "".join(f"[{n}:v]" for n in range(len(COLOURS))) + f"concat=n={len(COLOURS)}"
    make(*inputs, "-filter_complex", graph, *X264, *options, str(path))
    return path


@dataclass(frozen=True)
class Cue:
    start: float  # seconds
    end: float
    picture: Image.Image

    @property
    def colour(self) -> str:
        """The nearest of COLOURS in the middle of the picture."""
        mean = np.asarray(self.picture.convert("RGB"))[20:-20, 20:-20].reshape(-1, 3).mean(axis=0)
        return min(RGB, key=lambda name: float(np.abs(mean - RGB[name]).sum()))


async def plan_of(launcher: Launcher, original: Path) -> Plan:
    return make_plan(await probe(launcher, original), plan_settings(Config().hls))


async def add_film(yard: Yard, launcher: Launcher, original: Path, *, made: bool) -> tuple[UUID, Plan]:
    """`made`: with every rung of it."""
    plan = await plan_of(launcher, original)
    film = add_planned_film(yard, plan)
    storage = storage_of(yard)
    storage.original(film, "mp4").write_bytes(original.read_bytes())
    if made:
        await make_ladder(launcher, plan, original, storage.plan_folder(film, plan.digest))
    return film, plan


async def make_ladder(launcher: Launcher, plan: Plan, original: Path, folder: Path) -> None:
    assert plan.video is not None
    span = Span(first=0, last=len(plan.video.cuts) - 2)
    source = Input(path=original, max_pixels=launcher.settings.max_pixels, threads=1)
    arguments = ladder_arguments(plan, plan.video, plan.rungs, span, source)
    command = Command(
        program="ffmpeg", arguments=tuple(arguments), reads=(original,), outputs=len(plan.rungs), limits=LIMITS
    )
    async with launcher.stream(command) as running:
        pairs = zip(plan.rungs, running.outputs, strict=True)
        await asyncio.gather(*(cut_video(out, _target(plan, rung.name, span, folder)) for rung, out in pairs))
        await running.finish()


def _target(plan: Plan, name: str, span: Span, folder: Path) -> Target:
    assert plan.video is not None
    return Target(
        folder=folder / name,
        grid=plan.grid(name),
        span=span,
        tolerance_ticks=plan.video.tolerance_ticks,
        gap_allowed=True,
        on_segment=_ignore,
    )


async def _ignore(_number: int) -> None:
    pass


async def wind(yard: Yard, launcher: Launcher, film: UUID, *, reserve_bytes: int = 0) -> None:
    """As a worker does the job."""
    job = yard.database.unit(jobs.add, film, JobKind.TRICKPLAY)
    await trickplay.run(job, context_for(yard, launcher, job, media={"reserve_bytes": reserve_bytes}))


def cues_of(yard: Yard, film: UUID, plan: Plan) -> list[Cue]:
    folder = storage_of(yard).trickplay(film, plan.digest)
    text = storage_of(yard).stills(film, plan.digest).read_text()
    assert text.startswith("WEBVTT\n\n")
    return [_cue(folder, *found) for found in CUE.findall(text)]


def _cue(folder: Path, start: str, end: str, sheet: str, *xywh: str) -> Cue:
    left, top, width, height = map(int, xywh)
    picture = Image.open(io.BytesIO((folder / sheet).read_bytes()))
    assert left + width <= picture.width and top + height <= picture.height
    return Cue(_seconds(start), _seconds(end), picture.crop((left, top, left + width, top + height)))


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
