"""One span of one lane: what is missing is made, what is there stays, and the lane goes on."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from functools import partial
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest
import pytest_asyncio

from tests.clips import clips_folder, make
from tests.vod.hls.spans import FRAME, samples_of
from tests.worker.conftest import Yard
from tests.worker.office import row_of, storage_of
from tests.worker.reel import PLAN, SOUND_LANE, add_reel, add_span, context_for, end, open_jobs
from vod.catalog import jobs, media_files
from vod.catalog.models import JobKind, MediaStatus
from vod.config import FfmpegSection
from vod.errors import DiskFull, NotFound, ProcessFailed
from vod.ffmpeg.process import Launcher
from vod.hls.plan import LADDER_LANE, Plan
from vod.hls.progress import load_plan
from vod.hls.verify import verify_rendition
from vod.storage import make_folder
from worker import encoding, probing

Files = dict[str, tuple[int, int]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


async def encode(yard: Yard, launcher: Launcher, film: UUID, lane: str = LADDER_LANE) -> None:
    job = add_span(yard, film, lane)
    await encoding.run(job, context_for(yard, launcher, job))
    end(yard, job)


def files(yard: Yard, film: UUID, rendition: str) -> Files:
    """Inode and time of each file: they tell whether it was written again."""
    folder = storage_of(yard).rendition(film, PLAN.digest, rendition)
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in folder.iterdir()}


def delete(yard: Yard, film: UUID, rendition: str, *numbers: int) -> None:
    for number in numbers:
        storage_of(yard).segment(film, PLAN.digest, rendition, number).unlink()


def new(before: Files, after: Files) -> set[str]:
    return {name for name, mark in after.items() if before.get(name) != mark}


async def test_every_rung_of_the_span_is_made(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard)
    job = add_span(yard, film, first=1, last=2)
    context = context_for(yard, launcher, job)
    await encoding.run(job, context)
    for rung in PLAN.rungs:
        assert sorted(files(yard, film, rung.name)) == ["00001.m4s", "00002.m4s", "init.mp4"]
    assert context.lease.has_achieved
    assert context.lease.progress == 1


async def test_only_what_is_missing_is_made(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard)
    await encode(yard, launcher, film)
    delete(yard, film, "720p", 1)
    delete(yard, film, "240p", 0, 2)
    before = {rung.name: files(yard, film, rung.name) for rung in PLAN.rungs}
    await encode(yard, launcher, film)
    made = {name: new(before[name], files(yard, film, name)) for name in before}
    assert made == {"720p": {"00001.m4s"}, "240p": {"00000.m4s", "00002.m4s"}}
    for name in before:
        verify_rendition(storage_of(yard).rendition(film, PLAN.digest, name), PLAN, name)


async def test_a_span_that_is_there_starts_nothing(launcher: Launcher, yard: Yard) -> None:
    """The original is gone: any attempt to read it would fail."""
    film = add_reel(yard)
    await encode(yard, launcher, film)
    storage_of(yard).original(film, "mp4").unlink()
    job = add_span(yard, film)
    context = context_for(yard, launcher, job)
    await encoding.run(job, context)
    assert not context.lease.has_achieved


async def test_segments_that_were_there_before_are_no_achievement(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard)
    await encode(yard, launcher, film)
    delete(yard, film, "720p", 1)
    (storage_of(yard).rendition(film, PLAN.digest, "720p") / "init.mp4").write_bytes(b"another encoder's")
    job = add_span(yard, film)
    context = context_for(yard, launcher, job)
    with pytest.raises(Exception, match="other headers"):
        await encoding.run(job, context)
    assert not context.lease.has_achieved


async def test_the_next_spans_open_while_the_lane_lacks_something(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard)
    job = add_span(yard, film, first=0, last=0)
    await encoding.run(job, context_for(yard, launcher, job))
    end(yard, job)
    assert [(job.first_segment, job.last_segment) for job in open_jobs(yard, film, JobKind.ENCODE)] == [(1, 2)]
    assert row_of(yard, film).playable_at is None


async def test_the_last_lane_to_end_asks_for_one_verification(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard)
    await encode(yard, launcher, film)
    assert open_jobs(yard, film, JobKind.VERIFY) == []
    for lane in (SOUND_LANE, SOUND_LANE, LADDER_LANE):
        await encode(yard, launcher, film, lane)
        assert len(open_jobs(yard, film, JobKind.VERIFY)) == 1
    assert open_jobs(yard, film, JobKind.ENCODE) == []
    assert row_of(yard, film).playable_at is not None
    for name in PLAN.renditions:
        verify_rendition(storage_of(yard).rendition(film, PLAN.digest, name), PLAN, name)


async def test_a_job_that_ends_under_another_plan_makes_its_part_of_that(launcher: Launcher, yard: Yard) -> None:
    """The probe that made it had found this job at work, and opened nothing in its place."""
    film = add_reel(yard)
    job = add_span(yard, film, SOUND_LANE)
    context = context_for(yard, launcher, job)
    other = dataclasses.replace(PLAN, preset="slower")
    make_folder(storage_of(yard).plan_folder(film, other.digest))
    storage_of(yard).plan(film, other.digest).write_text(other.to_json(), encoding="utf-8")
    await encoding.run(job, dataclasses.replace(context, tell=partial(give_plan, yard, film, other)))
    name = PLAN.audio[0].name
    assert len(storage_of(yard).segments_present(film, other.digest, name)) == PLAN.grid(name).count


def give_plan(yard: Yard, film: UUID, plan: Plan) -> None:
    facts = {"probe": {}, "duration": 1.0, "width": None, "height": None, "digest": plan.digest}
    elsewhere = Thread(target=yard.database.unit, args=(media_files.mark_processing, film), kwargs=facts)
    elsewhere.start()
    elsewhere.join()


async def test_the_reserve_of_the_disk_is_not_eaten(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard)
    job = add_span(yard, film)
    with pytest.raises(DiskFull):
        await encoding.run(job, context_for(yard, launcher, job, media={"reserve_bytes": 1 << 62}))
    assert storage_of(yard).segments_present(film, PLAN.digest, "720p") == set()


async def test_an_encoder_that_fails_is_told_in_its_own_words(launcher: Launcher, yard: Yard, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"this is no film")
    film = add_reel(yard, original=damaged)
    job = add_span(yard, film)
    with pytest.raises(ProcessFailed, match="ended with status") as failure:
        await encoding.run(job, context_for(yard, launcher, job))
    assert "Invalid data" in failure.value.stderr_tail


async def test_a_film_without_its_plan_is_not_found(launcher: Launcher, yard: Yard) -> None:
    film = yard.add_film()
    job = add_span(yard, film)
    with pytest.raises(NotFound):
        await encoding.run(job, context_for(yard, launcher, job))


async def test_a_gap_in_the_original_is_accepted_after_looking_further_back(launcher: Launcher, yard: Yard) -> None:
    gap = clips_folder() / "gap.mp4"
    make(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=6", "-vf", "select='not(between(n,48,55))'"),
        *("-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast", "-g", "40", "-pix_fmt", "yuv420p", str(gap)),
    )
    film = add_reel(yard, original=gap)
    job = add_span(yard, film, first=1, last=1)
    await encoding.run(job, context_for(yard, launcher, job))
    samples = samples_of(storage_of(yard).segment(film, PLAN.digest, "720p", 1))
    assert sorted(sample.time for sample in samples) == [FRAME * n for n in range(56, 100)]
    assert samples[0].decode_time == FRAME * 50


IRREGULAR = "select='lt(mod(n,10),6)'"
# Rate, seconds of picture and of sound, filter.
ODD: dict[str, tuple[str, float, float, str]] = {
    "sound goes on.mkv": ("24000/1001", 3, 9, "null"),
    "sound goes on, picture irregular.mp4": (
        "25",
        3,
        8,
        f"{IRREGULAR},settb=1/90000,setpts=PTS+mod(N*1237\\,3001)",
    ),
    "one frame.mp4": ("25", 0.04, 7, "null"),
    "one long frame.mkv": ("1/6", 6, 7, "null"),
    "picture comes late.mkv": ("25", 5, 9, "setpts=PTS+3.5/TB"),
    "picture comes late and irregular.mkv": ("25", 5, 9, f"{IRREGULAR},setpts=PTS+3.5/TB"),
    "long pauses.mkv": ("25", 12, 12, "select='lt(mod(n,125),9)'"),
}


def odd(name: str) -> Path:
    rate, seen, heard, filtering = ODD[name]
    path = clips_folder() / name
    pictures = ("-f", "lavfi", "-i", f"testsrc2=size=64x48:rate={rate}:duration={seen}")
    sound = ("-f", "lavfi", "-i", f"anoisesrc=color=pink:sample_rate=48000:duration={heard}")
    times = ("-vf", filtering, "-fps_mode", "passthrough", "-enc_time_base", "1/90000")
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "aac")
    make(*pictures, *sound, *times, *coding, "-video_track_timescale", "90000", str(path))
    return path


@pytest.mark.parametrize("name", ODD)
async def test_odd_films_are_whole_once_every_span_is_made(launcher: Launcher, yard: Yard, name: str) -> None:
    film = add_reel(yard, original=odd(name))
    job = yard.database.unit(jobs.add, film, JobKind.PROBE)
    changes: dict[str, dict[str, object]] = {
        "media": {"reserve_bytes": 0},
        "hls": {"segment_seconds": 2.0, "span_seconds": 6, "preset": "ultrafast"},
    }
    await probing.run(job, context_for(yard, launcher, job, **changes))
    end(yard, job)
    plan = load_plan(storage_of(yard), film, row_of(yard, film).plan_digest or "")
    while spans := open_jobs(yard, film, JobKind.ENCODE):
        for span in spans:
            await encoding.run(span, context_for(yard, launcher, span, **changes))
            end(yard, span)
    for rendition in plan.renditions:
        verify_rendition(storage_of(yard).rendition(film, plan.digest, rendition), plan, rendition)
    assert len(open_jobs(yard, film, JobKind.VERIFY)) == 1
    assert row_of(yard, film).status == MediaStatus.PROCESSING
    longest = max(plan.grid(next(iter(plan.renditions))).durations)
    assert longest <= (6 if "comes late" in name or "pauses" in name else Fraction(5, 2))
