"""Stills of a two-hour film, beside one `ffmpeg -ss` for each of them.

The film is a clip of a minute, repeated; so is its smallest rung, whose segments are moved to their places. Ours is
the whole job: finding keyframes, reel, sheets, index, I-frame playlist, everything fsynced. The reference seeks in the
original, as a program without rungs would; where `--seeks` are fewer than the stills, its cost is scaled up.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import resource
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from vod import storage as files
from vod.catalog import jobs, media_files
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.catalog.models import JobKind
from vod.catalog.naming import MovieTitling
from vod.config import Config, FfmpegSection, MediaSection
from vod.ffmpeg.probe import probe
from vod.ffmpeg.process import Command, Launcher, Limits
from vod.hls.cutter import Target, cut_video
from vod.hls.encode import Input, Span
from vod.hls.picture import ladder_arguments
from vod.hls.plan import Plan
from vod.hls.planning import make_plan
from vod.storage import Storage
from worker import trickplay
from worker.context import Context, Lease
from worker.probing import plan_settings

CLIP_FRAMES = 1440  # ten segments of six seconds
CLIP_SEGMENTS = 10
RATE = "24000/1001"
LIMITS = Limits(address_space_bytes=4 << 30, wall_seconds=600, output_bytes=1 << 30)


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True, slots=True)
class Film:
    media_id: UUID
    original: Path
    plan: Plan
    context: Context


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--seeks", type=int, default=60, help="of the reference, spread over the film")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="homereel-bench-") as name:
        asyncio.run(_bench(Path(name), options.minutes, options.seeks, options.rounds))


async def _bench(folder: Path, minutes: int, seeks: int, rounds: int) -> None:
    film = await _make_film(folder, minutes)
    costs: dict[str, list[Cost]] = {"a seek each": [], "original": [], "rung": []}
    for _ in range(rounds):
        costs["original"].append(await _job(film))
        await _make_rung(film)
        costs["rung"].append(await _job(film))
        _forget_rung(film)
        stills = _stills(film)
        costs["a seek each"].append(_seek(film, stills, seeks))
    print(f"{stills} stills of {minutes} minutes, {film.original.stat().st_size / 1e9:.1f} GB; {seeks} seeks measured")
    _print(costs)


async def _make_film(folder: Path, minutes: int) -> Film:
    config = Config(media=MediaSection(root=folder / "media", reserve_bytes=0), ffmpeg=FfmpegSection(nice=0))
    storage = Storage(config.media.root)
    storage.prepare()
    launcher = Launcher(config.ffmpeg)
    await launcher.start()
    media_id = uuid4()
    original = storage.original(media_id, "mp4")
    _encode_original(folder / "clip.mp4", original, minutes)
    plan = make_plan(await probe(launcher, original), plan_settings(config.hls))
    if plan.video is None:
        raise SystemExit("the film has no picture")
    # the smallest rung alone, for nothing reads the others
    plan = dataclasses.replace(plan, audio=(), video=dataclasses.replace(plan.video, rungs=plan.rungs[-1:]))
    database = Database(config.database_url, threads=1)
    database.open()
    migrate(database)
    database.unit(_add, media_id, original, plan)
    job = database.unit(jobs.add, media_id, JobKind.TRICKPLAY)
    context = Context(
        config=config,
        storage=storage,
        database=database,
        launcher=launcher,
        worker="bench",
        lease=Lease(job, lambda: None),
    )
    return Film(media_id, original, plan, context)


def _encode_original(clip: Path, original: Path, minutes: int) -> None:
    picture = f"testsrc2=size=1920x1080:rate={RATE},noise=alls=8:allf=t"
    # a keyframe each two seconds, as in the measurements of others
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "26", "-g", "48", "-pix_fmt", "yuv420p")
    made = ("-f", "lavfi", "-i", picture, "-frames:v", str(CLIP_FRAMES), *x264, "-video_track_timescale", "24000")
    subprocess.run(("ffmpeg", "-v", "error", "-y", *made, str(clip)), check=True)
    repeated = ("-stream_loop", str(minutes - 1), "-i", str(clip), "-c", "copy", str(original))
    subprocess.run(("ffmpeg", "-v", "error", "-y", *repeated), check=True)


def _add(media_id: UUID, original: Path, plan: Plan) -> None:
    media_files.add(
        media_id=media_id,
        name=original.name,
        extension="mp4",
        size=original.stat().st_size,
        mime_type="video/mp4",
        titling=MovieTitling(title="bench"),
    )
    media_files.mark_processing(
        media_id, probe={}, duration=float(plan.duration_seconds), width=None, height=None, digest=plan.digest
    )


async def _make_rung(film: Film) -> None:
    """The clip's segments are encoded once and repeated, each with the decode time of its place."""
    if film.plan.video is None:
        return
    storage, rung = film.context.storage, film.plan.rungs[-1]
    files.publish(_folder(film, "plan.json"), film.plan.to_json().encode())
    target = Target(
        folder=storage.rendition(film.media_id, film.plan.digest, rung.name),
        grid=film.plan.grid(rung.name),
        span=Span(first=0, last=CLIP_SEGMENTS - 1),
        tolerance_ticks=film.plan.video.tolerance_ticks,
        gap_allowed=True,
        on_segment=_ignore,
    )
    source = Input(path=film.original, max_pixels=film.context.config.ffmpeg.max_pixels, threads=0)
    arguments = tuple(ladder_arguments(film.plan, film.plan.video, (rung,), target.span, source))
    command = Command(program="ffmpeg", arguments=arguments, reads=(film.original,), outputs=1, limits=LIMITS)
    async with film.context.launcher.stream(command) as running:
        await cut_video(running.outputs[0], target)
        await running.finish()
    _repeat(target)


def _repeat(target: Target) -> None:
    cuts = target.grid.cuts
    for number in range(CLIP_SEGMENTS, target.grid.count):
        like = number % CLIP_SEGMENTS
        content = bytearray((target.folder / files.segment_name(like)).read_bytes())
        place = content.index(b"tfdt") + 8  # behind version and flags
        (decode_time,) = struct.unpack_from(">Q", content, place)
        struct.pack_into(">Q", content, place, decode_time + cuts[number] - cuts[like])
        (target.folder / files.segment_name(number)).write_bytes(content)


async def _ignore(_number: int) -> None:
    pass


def _folder(film: Film, name: str) -> Path:
    folder = film.context.storage.plan_folder(film.media_id, film.plan.digest)
    files.make_folder(folder)
    return folder / name


def _forget_rung(film: Film) -> None:
    for segment in film.context.storage.rendition(film.media_id, film.plan.digest, film.plan.rungs[-1].name).iterdir():
        segment.unlink()


async def _job(film: Film) -> Cost:
    files.publish(_folder(film, "plan.json"), film.plan.to_json().encode())
    film.context.storage.stills(film.media_id, film.plan.digest).unlink(missing_ok=True)
    cost = await _measured(trickplay.run(film.context.lease.job, film.context))
    if not _stills(film):
        raise SystemExit("there are no stills")
    return cost


async def _measured(work: Awaitable[None]) -> Cost:
    cpu, wall = _cpu_seconds(), time.monotonic()
    await work
    return Cost(_cpu_seconds() - cpu, time.monotonic() - wall)


def _cpu_seconds() -> float:
    """Of this process and of every child that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _stills(film: Film) -> int:
    return film.context.storage.stills(film.media_id, film.plan.digest).read_text(encoding="utf-8").count("-->")


def _seek(film: Film, stills: int, seeks: int) -> Cost:
    """As many as asked for, scaled to one for each still."""
    duration = float(film.plan.duration_seconds)
    cpu, wall = _cpu_seconds(), time.monotonic()
    for number in range(seeks):
        seek = ("-ss", f"{duration * (number + 0.5) / seeks:.3f}", "-i", str(film.original), "-frames:v", "1")
        picture = ("-vf", "scale=160:90:flags=area", "-q:v", "5", str(film.original.with_suffix(".jpg")))
        subprocess.run(("ffmpeg", "-nostdin", "-v", "error", "-y", *seek, *picture), check=True)
    return Cost((_cpu_seconds() - cpu) * stills / seeks, (time.monotonic() - wall) * stills / seeks)


def _print(costs: dict[str, list[Cost]]) -> None:
    print(f"{'':12}{'CPU s':>10}{'1/ratio':>9}{'wall s':>10}{'1/ratio':>9}")
    reference = costs["a seek each"]
    for name, found in costs.items():
        cpu = statistics.median(cost.cpu_seconds for cost in found)
        wall = statistics.median(cost.wall_seconds for cost in found)
        cpu_ratio = statistics.median(b.cpu_seconds / a.cpu_seconds for a, b in zip(found, reference, strict=True))
        wall_ratio = statistics.median(b.wall_seconds / a.wall_seconds for a, b in zip(found, reference, strict=True))
        print(f"{name:12}{cpu:10.2f}{cpu_ratio:9.1f}{wall:10.2f}{wall_ratio:9.1f}")


if __name__ == "__main__":
    main()
