"""A film that was planned for graphics hardware plays also where that is gone, or fails."""

from __future__ import annotations

import dataclasses
from uuid import UUID

import pytest
import pytest_asyncio

from tests.clips import clip
from tests.worker.conftest import Yard
from tests.worker.office import row_of, storage_of
from tests.worker.reel import PLAN, SOUND_LANE, add_reel, add_span, context_for, end, open_jobs
from vod.catalog import jobs, media_files
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind, MediaStatus
from vod.config import FfmpegSection
from vod.errors import ProcessFailed
from vod.ffmpeg.process import Launcher
from vod.hls.encoders import ENCODERS
from vod.hls.plan import LADDER_LANE, PREVIEW_LANE, SOFTWARE
from vod.hls.progress import load_plan
from worker import encoding, probing, verifying
from worker.context import Context

FOR_HARDWARE = dataclasses.replace(PLAN, encoder="broken")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


@pytest.fixture(autouse=True)
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardware that takes part until it is asked for a picture."""
    encoder = dataclasses.replace(ENCODERS[SOFTWARE], codec="h264_v4l2m2m")
    monkeypatch.setitem(ENCODERS, "broken", encoder)


def context_of(yard: Yard, launcher: Launcher, job: JobSnapshot, encoder: str) -> Context:
    return dataclasses.replace(context_for(yard, launcher, job), encoder=encoder)


async def encode(yard: Yard, launcher: Launcher, film: UUID, lane: str, encoder: str, fruitless: int = 1) -> None:
    job = dataclasses.replace(add_span(yard, film, lane), fruitless=fruitless)
    try:
        await encoding.run(job, context_of(yard, launcher, job, encoder))
    finally:
        end(yard, job)


def is_to_be_planned_anew(yard: Yard, film: UUID) -> bool:
    return storage_of(yard).refused_hardware(film).exists() and len(open_jobs(yard, film, JobKind.PROBE)) == 1


@pytest.mark.parametrize("lane", [LADDER_LANE, PREVIEW_LANE, "240p"])
async def test_a_worker_without_the_hardware_has_the_film_planned_anew(
    launcher: Launcher, yard: Yard, lane: str
) -> None:
    film = add_reel(yard, FOR_HARDWARE)
    await encode(yard, launcher, film, lane, SOFTWARE)
    assert is_to_be_planned_anew(yard, film)


async def test_a_worker_without_the_hardware_leaves_what_is_there_alone(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard, FOR_HARDWARE)
    await _make_with_x264(yard, launcher, film)
    await encode(yard, launcher, film, LADDER_LANE, SOFTWARE)
    assert not storage_of(yard).refused_hardware(film).exists()


async def test_sound_does_not_need_the_hardware(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard, FOR_HARDWARE)
    await encode(yard, launcher, film, SOUND_LANE, SOFTWARE)
    assert storage_of(yard).segments_present(film, FOR_HARDWARE.digest, "audio-eng")
    assert not storage_of(yard).refused_hardware(film).exists()


async def test_hardware_that_fails_is_asked_a_second_time_and_then_no_more(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard, FOR_HARDWARE)
    with pytest.raises(ProcessFailed):
        await encode(yard, launcher, film, LADDER_LANE, "broken", fruitless=1)
    assert not storage_of(yard).refused_hardware(film).exists()
    await encode(yard, launcher, film, LADDER_LANE, "broken", fruitless=2)
    assert is_to_be_planned_anew(yard, film)


async def test_a_film_that_is_ready_is_made_anew_where_its_hardware_is_gone(launcher: Launcher, yard: Yard) -> None:
    """Somebody asks for a quality that was evicted."""
    film = add_reel(yard, FOR_HARDWARE)
    yard.database.unit(media_files.mark_ready, film)
    await encode(yard, launcher, film, "240p", SOFTWARE)
    assert row_of(yard, film).status == MediaStatus.PROCESSING
    (job,) = open_jobs(yard, film, JobKind.PROBE)
    await probing.run(job, context_of(yard, launcher, job, SOFTWARE))
    digest = row_of(yard, film).plan_digest or ""
    assert digest != FOR_HARDWARE.digest
    assert load_plan(storage_of(yard), film, digest).encoder == SOFTWARE


async def test_what_x264_fails_on_fails_as_ever(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard)
    storage_of(yard).original(film, "mp4").write_bytes(b"this is no film")
    with pytest.raises(ProcessFailed):
        await encode(yard, launcher, film, LADDER_LANE, "broken", fruitless=3)
    assert open_jobs(yard, film, JobKind.PROBE) == []


async def test_a_film_is_planned_for_what_the_worker_has_unless_that_failed_on_it(
    launcher: Launcher, yard: Yard
) -> None:
    film = yard.add_film()
    storage = storage_of(yard)
    storage.original(film, "mp4").write_bytes(clip("b-frames.avi").read_bytes())
    encoders = []
    for _ in range(2):
        job = yard.database.unit(jobs.add, film, JobKind.PROBE)
        await probing.run(job, context_of(yard, launcher, job, "broken"))
        end(yard, job)
        encoders.append(load_plan(storage, film, row_of(yard, film).plan_digest or "").encoder)
        storage.refused_hardware(film).write_text("A reason.")
    assert encoders == ["broken", SOFTWARE]


async def test_a_segment_that_comes_out_damaged_twice_is_left_to_x264(launcher: Launcher, yard: Yard) -> None:
    film = add_reel(yard, FOR_HARDWARE)
    for _ in range(2):
        await _make_with_x264(yard, launcher, film)
        storage_of(yard).segment(film, FOR_HARDWARE.digest, "720p", 1).write_bytes(b"green")
        job = yard.database.unit(jobs.add, film, JobKind.VERIFY)
        await verifying.run(job, context_of(yard, launcher, job, "broken"))
        end(yard, job)
    assert is_to_be_planned_anew(yard, film)
    assert row_of(yard, film).status == MediaStatus.PROCESSING


async def _make_with_x264(yard: Yard, launcher: Launcher, film: UUID) -> None:
    """As hardware that works, but for the segment which the test then damages."""
    ENCODERS["broken"] = ENCODERS[SOFTWARE]  # type: ignore[index]
    for lane in (LADDER_LANE, SOUND_LANE):
        await encode(yard, launcher, film, lane, "broken")
