"""The first job of every film: from an original to a plan, playlists and the first spans."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from tests.clips import clip
from tests.worker.conftest import Yard
from tests.worker.office import row_of, storage_of
from tests.worker.reel import context_for, end, open_jobs
from vod.catalog import jobs, media_files
from vod.catalog.models import JobKind, MediaStatus
from vod.config import FfmpegSection
from vod.errors import NotFound, SourceError
from vod.ffmpeg.process import Launcher
from vod.hls.plan import Plan
from vod.hls.playlist import render_media_playlist
from vod.hls.progress import load_plan
from worker import probing


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


def add_original(yard: Yard, original: Path) -> UUID:
    film = yard.add_film()
    shutil.copyfile(original, storage_of(yard).original(film, "mp4"))
    return film


async def probe(yard: Yard, launcher: Launcher, film: UUID) -> Plan:
    job = yard.database.unit(jobs.add, film, JobKind.PROBE)
    await probing.run(job, context_for(yard, launcher, job))
    end(yard, job)
    return load_plan(storage_of(yard), film, row_of(yard, film).plan_digest or "")


async def test_a_film_gets_its_plan_and_all_its_playlists(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("b-frames.avi"))
    plan = await probe(yard, launcher, film)
    assert list(plan.renditions) == ["180p", "audio-und"]
    for name in plan.renditions:
        playlist = storage_of(yard).media_playlist(film, plan.digest, name)
        assert playlist.read_text() == render_media_playlist(plan, name)
    assert not storage_of(yard).master(film).exists()


async def test_a_film_that_players_take_as_it_is_plays_after_its_probe(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("h264-25.mp4"))
    plan = await probe(yard, launcher, film)
    assert [copied.name for copied in plan.copies] == list(plan.renditions) == ["original", "audio-und"]
    assert row_of(yard, film).playable_at is not None
    assert encodes(yard, film) == []
    assert [job.kind for job in open_jobs(yard, film, JobKind.VERIFY)] == [JobKind.VERIFY]


async def test_a_copied_film_is_not_written_again(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("h264-25.mp4"))
    await probe(yard, launcher, film)
    written = sum(path.stat().st_size for path in storage_of(yard).hls(film).rglob("*") if path.is_file())
    assert written < clip("h264-25.mp4").stat().st_size / 4


async def test_what_did_not_stand_the_verification_is_encoded(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("h264-25.mp4"))
    await probe(yard, launcher, film)
    storage_of(yard).refused_copies(film).write_text("A reason.")
    plan = await probe(yard, launcher, film)
    assert list(plan.renditions) == ["180p", "audio-und"]
    assert plan.copies == ()


async def test_the_row_tells_what_the_film_is(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("h264-25.mp4"))
    plan = await probe(yard, launcher, film)
    row = row_of(yard, film)
    assert (row.status, row.width, row.height, row.plan_digest) == (MediaStatus.PROCESSING, 320, 180, plan.digest)
    assert row.duration == pytest.approx(4, abs=0.05)
    assert (row.probe["video"]["codec"], row.probe["video"]["frame_rate"]) == ("h264", 25)
    assert row.probe["frame_times"] is None
    assert json.loads(json.dumps(row.probe)) == row.probe


async def test_each_lane_s_head_and_the_cover_are_asked_for(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("b-frames.avi"))
    await probe(yard, launcher, film)
    heads = [(job.lane, job.first_segment, job.last_segment, job.priority) for job in encodes(yard, film)]
    assert heads == [("preview", 0, 0, jobs.HEAD), ("audio-0", 0, 1, jobs.HEAD), ("ladder", 0, 0, jobs.LADDER)]
    assert [job.priority for job in open_jobs(yard, film, JobKind.ARTWORK)] == [jobs.ARTWORK]


async def test_sound_alone_is_a_film_too(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("audio-only.m4a"))
    plan = await probe(yard, launcher, film)
    row = row_of(yard, film)
    assert (plan.video, row.width, row.height, row.status) == (None, None, None, MediaStatus.PROCESSING)
    assert list(plan.renditions) == ["audio-und"]
    assert row.playable_at is not None


async def test_probing_again_changes_nothing(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("b-frames.avi"))
    plan = await probe(yard, launcher, film)
    before = [job.id for job in encodes(yard, film)]
    assert await probe(yard, launcher, film) == plan
    assert [job.id for job in encodes(yard, film)] == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(lambda: b"", "The file is empty.", id="empty"),
        pytest.param(lambda: b"These are only words.\n" * 100, "not a film", id="words"),
        pytest.param(lambda: clip("h264-25.mp4").read_bytes()[:3000], "index is missing", id="cut short"),
    ],
)
async def test_an_unusable_original_is_refused_and_leaves_no_plan(
    launcher: Launcher, yard: Yard, tmp_path: Path, content: Callable[[], bytes], reason: str
) -> None:
    original = tmp_path / "unusable"
    original.write_bytes(content())
    film = add_original(yard, original)
    with pytest.raises(SourceError, match=reason) as refusal:
        await probe(yard, launcher, film)
    assert refusal.value.detail.endswith(".")
    assert str(original) not in refusal.value.detail
    assert row_of(yard, film).status == MediaStatus.UPLOADED
    assert encodes(yard, film) == []
    assert not storage_of(yard).hls(film).exists()


async def test_a_film_deleted_meanwhile_gets_no_jobs(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("h264-25.mp4"))
    job = yard.database.unit(jobs.add, film, JobKind.PROBE)
    yard.database.unit(media_files.delete, film)
    with pytest.raises(NotFound):
        await probing.run(job, context_for(yard, launcher, job))


def encodes(yard: Yard, film: UUID) -> list[jobs.JobSnapshot]:
    return open_jobs(yard, film, JobKind.ENCODE)
