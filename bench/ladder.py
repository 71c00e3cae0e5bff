"""CPU seconds and wall seconds of a whole ladder, beside one plain ffmpeg pass made from the same plan.

The reference decodes once and writes every rung and every track to files, with the argv that a single span over the
whole film would have. Ours is everything from the last byte to READY: probe, preview, spans, sound, poster, stills,
verification, the workers' own start. Rounds are interleaved; medians are printed, with both commands.

With `--copied` the original is the top rung as it stands, and the reference is one full run for each rung instead.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from vod.catalog import media_files
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.catalog.models import MediaFile, MediaStatus
from vod.catalog.naming import MovieTitling
from vod.config import Config, FfmpegSection
from vod.ffmpeg.probe import probe
from vod.ffmpeg.process import Launcher
from vod.hls.encode import FIRST_PIPE, Input, Span
from vod.hls.picture import ladder_arguments
from vod.hls.plan import LADDER_LANE, Plan
from vod.hls.planning import make_plan
from vod.hls.sound import audio_arguments
from vod.queue import Bell
from vod.storage import Storage
from worker.probing import plan_settings

LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_seconds: float
    wall_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--film", type=Path, help="an original; else one of --seconds is made")
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--copied", action="store_true", help="hand on the original's own pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="homereel-bench-") as name:
        folder = Path(name)
        film = (options.film or _make_film(folder, options.seconds)).resolve()
        plan = asyncio.run(_plan(film))
        references = _alone(plan, film, folder) if options.copied else []
        references += [
            _reference(plan, lane, film, folder) for lane in plan.lanes if not references or lane != LADDER_LANE
        ]
        for command in references:
            print("reference:", shlex.join(command))
        costs: dict[str, list[Cost]] = {"reference": [], **{f"{count} workers": [] for count in options.workers}}
        for _ in range(options.rounds):
            costs["reference"].append(_run(references))
            for count in options.workers:
                costs[f"{count} workers"].append(_homereel(film, folder, count, copied=options.copied))
        _print(costs)


def _make_film(folder: Path, seconds: int) -> Path:
    path = folder / "film.mp4"
    picture = f"testsrc2=size=1920x1080:rate=24000/1001:duration={seconds},noise=alls=12:allf=t"
    sound = f"anoisesrc=color=pink:sample_rate=48000:duration={seconds}"
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-g", "240", "-pix_fmt", "yuv420p")
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)
    subprocess.run(("ffmpeg", "-v", "error", "-y", *inputs, *x264, "-c:a", "aac", str(path)), check=True)
    return path


async def _plan(film: Path) -> Plan:
    launcher = Launcher(FfmpegSection(sandbox="off"))
    await launcher.start()
    return make_plan(await probe(launcher, film), plan_settings(Config().hls))


def _reference(plan: Plan, lane: str, film: Path, folder: Path) -> list[str]:
    """One pass over the whole film, its outputs as files."""
    config = Config()
    source = Input(path=film, max_pixels=config.ffmpeg.max_pixels, threads=config.ffmpeg.threads)
    parts = plan.lanes[lane]
    span = Span(first=0, last=plan.grid(parts[0].name).count - 1)
    if plan.video is not None and parts[0] in plan.rungs:
        arguments = ladder_arguments(plan, plan.video, plan.rungs, span, source)
    else:
        arguments = audio_arguments(plan, next(audio for audio in plan.audio if audio.lane == lane), span, source)
    outputs = {f"pipe:{FIRST_PIPE + n}": str(folder / f"reference-{part.name}.mp4") for n, part in enumerate(parts)}
    return ["ffmpeg", "-nostdin", "-v", "error", "-y", *(outputs.get(word, word) for word in arguments)]


def _alone(plan: Plan, film: Path, folder: Path) -> list[list[str]]:
    """Each rung by a run of its own, which decodes and scales the original for itself."""
    source = Input(path=film, max_pixels=Config().ffmpeg.max_pixels, threads=Config().ffmpeg.threads)
    if plan.video is None:
        raise SystemExit("a film without pictures has no rungs")
    span = Span(first=0, last=plan.grid(plan.rungs[0].name).count - 1)
    runs = []
    for rung in plan.rungs:
        output = {f"pipe:{FIRST_PIPE}": str(folder / f"reference-{rung.name}.mp4")}
        arguments = ladder_arguments(plan, plan.video, [rung], span, source)
        runs.append(["ffmpeg", "-nostdin", "-v", "error", "-y", *(output.get(word, word) for word in arguments)])
    return runs


def _run(commands: Sequence[Sequence[str]]) -> Cost:
    """All at once, as a household's machine would run them."""
    started = time.monotonic()
    processes = [subprocess.Popen(command) for command in commands]
    cpu_seconds = sum(_reaped(process) for process in processes)
    return Cost(cpu_seconds, time.monotonic() - started)


def _homereel(film: Path, folder: Path, workers: int, *, copied: bool) -> Cost:
    root = folder / uuid4().hex
    environment = os.environ | {
        "HOMEREEL_MEDIA_ROOT": str(root),
        "HOMEREEL_LOG_LEVEL": "WARNING",
        "HOMEREEL_HLS_COPY_ORIGINALS": str(copied).lower(),
    }
    storage = Storage(root)
    storage.prepare()
    database = Database(f"sqlite:///{root / 'homereel.db'}", threads=1)
    database.open()
    migrate(database)
    processes = [subprocess.Popen([sys.executable, "-m", "worker"], env=environment) for _ in range(workers)]
    try:
        _until(lambda: len(list((root / "run").glob("*"))) >= workers)
        wall_seconds = _time_to_ready(film, storage, database)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        cpu_seconds = sum(_reaped(process) for process in processes)
        database.close()
        shutil.rmtree(root)
    return Cost(cpu_seconds, wall_seconds)


def _time_to_ready(film: Path, storage: Storage, database: Database) -> float:
    identifier = uuid4()
    shutil.copyfile(film, storage.original(identifier, "mp4"))
    started = time.monotonic()
    database.unit(
        media_files.add,
        media_id=identifier,
        name=film.name,
        extension="mp4",
        size=film.stat().st_size,
        mime_type="video/mp4",
        titling=MovieTitling(title="bench"),
    )
    Bell(storage.root / "run").ring()
    _until(lambda: _status(database, identifier) in {MediaStatus.READY, MediaStatus.FAILED})
    if _status(database, identifier) == MediaStatus.FAILED:
        raise SystemExit("the film failed")
    return time.monotonic() - started


def _status(database: Database, identifier: UUID) -> str:
    found: MediaFile = database.unit(MediaFile.get_by_id, identifier)
    return str(found.status)


def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(LOOK_SECONDS)


def _reaped(process: subprocess.Popen[bytes]) -> float:
    """CPU seconds of the process and of every child that it has waited for."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{process.args!r} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def _print(costs: dict[str, list[Cost]]) -> None:
    print(f"{'':12}{'CPU s':>10}{'ratio':>8}{'wall s':>10}{'ratio':>8}")
    reference = costs["reference"]
    for name, found in costs.items():
        cpu = statistics.median(cost.cpu_seconds for cost in found)
        wall = statistics.median(cost.wall_seconds for cost in found)
        cpu_ratio = statistics.median(a.cpu_seconds / b.cpu_seconds for a, b in zip(found, reference, strict=True))
        wall_ratio = statistics.median(a.wall_seconds / b.wall_seconds for a, b in zip(found, reference, strict=True))
        print(f"{name:12}{cpu:10.1f}{cpu_ratio:8.3f}{wall:10.1f}{wall_ratio:8.3f}")


if __name__ == "__main__":
    main()
