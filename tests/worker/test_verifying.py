from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from tests.vod.hls.builders import make_audio, make_plan, make_rung, make_video
from tests.vod.hls.media import write_fragments
from tests.worker.conftest import Yard
from tests.worker.office import add_planned_film, assignment, row_of, storage_of
from vod.catalog import jobs
from vod.catalog.models import Job, JobKind, JobState, MediaStatus
from vod.config import FfmpegSection
from vod.errors import OutputRefused, SourceError
from vod.ffmpeg.process import Launcher
from vod.hls.plan import Plan
from worker import verifying
from worker.verifying import verify_decodes

PICTURES = "-f lavfi -i testsrc2=s=64x48:r=25 -c:v libx264 -bf 2 -g 50 -sc_threshold 0"
SOUND = "-f lavfi -i sine=r=48000 -c:a aac -frag_duration 2000000"
FILM = make_plan(
    video=make_video(
        timescale=12_800, cuts=(0, 25_600, 51_200), frame_count=100, rungs=(make_rung(width=64, height=48),)
    ),
    audio=(make_audio(cuts=(0, 96_256, 192_512)),),
)


@pytest.fixture
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


async def test_pictures_that_decode_are_accepted(launcher: Launcher, tmp_path: Path) -> None:
    write_fragments(tmp_path, PICTURES, "4")
    await verify_decodes(launcher, tmp_path, FILM, "720p")


async def test_sound_that_decodes_is_accepted(launcher: Launcher, tmp_path: Path) -> None:
    write_fragments(tmp_path, SOUND, "4")
    await verify_decodes(launcher, tmp_path, FILM, "audio-eng")


@pytest.mark.parametrize("number", [0, 1])
async def test_damaged_pictures_are_refused(launcher: Launcher, tmp_path: Path, number: int) -> None:
    write_fragments(tmp_path, PICTURES, "4")
    segment = tmp_path / f"0000{number}.m4s"
    content = segment.read_bytes()
    segment.write_bytes(content[:-400] + bytes(byte ^ 0x5A for byte in content[-400:]))
    with pytest.raises(OutputRefused, match=f"Segment {number} of 720p") as refusal:
        await verify_decodes(launcher, tmp_path, FILM, "720p")
    assert refusal.value.stderr_tail


async def test_a_segment_of_another_encoder_setting_is_refused(launcher: Launcher, tmp_path: Path) -> None:
    write_fragments(tmp_path, PICTURES, "4")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    write_fragments(foreign, f"{PICTURES} -profile:v baseline -refs 1", "4")
    (foreign / "00001.m4s").rename(tmp_path / "00001.m4s")
    with pytest.raises(OutputRefused, match="Segment 1 of 720p"):
        await verify_decodes(launcher, tmp_path, FILM, "720p")


SILENT = make_plan(
    video=make_video(
        timescale=12_800, cuts=(0, 25_600, 51_200), frame_count=100, rungs=(make_rung(width=64, height=48),)
    )
)


def write_rendition(yard: Yard, plan: Plan) -> tuple[UUID, Path]:
    film = add_planned_film(yard, plan)
    folder = storage_of(yard).rendition(film, plan.digest, "720p")
    folder.mkdir()
    write_fragments(folder, PICTURES, "4")
    return film, folder


async def test_a_film_whose_renditions_are_right_is_ready(launcher: Launcher, yard: Yard) -> None:
    film, _ = write_rendition(yard, SILENT)
    job, context = assignment(yard, launcher, film, JobKind.VERIFY)
    await verifying.run(job, context)
    assert row_of(yard, film).status == MediaStatus.READY
    assert context.lease.progress == 1


async def test_a_segment_that_is_missing_or_damaged_is_asked_for_again(launcher: Launcher, yard: Yard) -> None:
    film, folder = write_rendition(yard, SILENT)
    (folder / "00001.m4s").write_bytes(b"damaged")
    await verifying.run(*assignment(yard, launcher, film, JobKind.VERIFY))
    assert row_of(yard, film).status == MediaStatus.PROCESSING
    assert not (folder / "00001.m4s").exists()
    (span,) = [job for job in yard.database.unit(jobs.open_jobs, film) if job.kind == JobKind.ENCODE]
    assert (span.lane, span.first_segment, span.last_segment) == ("ladder", 1, 1)


async def test_a_segment_that_a_running_job_may_have_seen_before_is_asked_for_alone(
    launcher: Launcher, yard: Yard
) -> None:
    film, folder = write_rendition(yard, SILENT)
    running = yard.database.unit(jobs.add, film, JobKind.ENCODE, lane="ladder", last_segment=2)
    yard.database.unit(Job.update(state=JobState.IN_PROGRESS).where(Job.id == running.id).execute)
    (folder / "00001.m4s").write_bytes(b"damaged")
    await verifying.run(*assignment(yard, launcher, film, JobKind.VERIFY))
    waiting = [job for job in yard.database.unit(jobs.open_jobs, film) if job.state == JobState.PENDING]
    assert [(job.lane, job.first_segment, job.last_segment) for job in waiting if job.kind == JobKind.ENCODE] == [
        ("720p", 1, 1)
    ]


async def test_a_segment_that_is_refused_a_second_time_is_the_originals_fault(launcher: Launcher, yard: Yard) -> None:
    film, folder = write_rendition(yard, SILENT)
    (folder / "00001.m4s").write_bytes(b"damaged")
    job, context = assignment(yard, launcher, film, JobKind.VERIFY)
    await verifying.run(job, context)
    (folder / "00001.m4s").write_bytes(b"damaged again")
    with pytest.raises(SourceError, match="Segment 1 of 720p"):
        await verifying.run(job, context)


async def test_a_worker_killed_between_refusing_and_asking_again_costs_nothing(launcher: Launcher, yard: Yard) -> None:
    film, folder = write_rendition(yard, SILENT)
    (folder / "00001.m4s").rename(folder / ".00001.m4s.refused")
    await verifying.run(*assignment(yard, launcher, film, JobKind.VERIFY))
    assert [job.first_segment for job in yard.database.unit(jobs.open_jobs, film) if job.kind == JobKind.ENCODE] == [1]


async def test_what_was_refused_is_gone_once_the_film_is_ready(launcher: Launcher, yard: Yard) -> None:
    film, folder = write_rendition(yard, SILENT)
    (folder / ".00001.m4s.refused").touch()
    await verifying.run(*assignment(yard, launcher, film, JobKind.VERIFY))
    assert row_of(yard, film).status == MediaStatus.READY
    assert not list(folder.glob(".*"))
