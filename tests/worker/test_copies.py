"""The copy lane in the worker: what it writes plays like the original, and what is damaged is given up."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import UUID

import pytest_asyncio

from tests.clips import clip
from tests.worker.conftest import Yard
from tests.worker.office import row_of, storage_of
from tests.worker.reel import context_for, end, open_jobs
from tests.worker.test_probing import add_original, probe
from vod.catalog import jobs
from vod.catalog.models import JobKind, MediaStatus
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher
from vod.hls.plan import Plan
from vod.hls.segment_index import SegmentIndex
from worker import verifying
from worker.copies import read_index


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


async def verify(yard: Yard, launcher: Launcher, film: UUID) -> None:
    job = yard.database.unit(jobs.add, film, JobKind.VERIFY)
    await verifying.run(job, context_for(yard, launcher, job))
    end(yard, job)


def rendition(yard: Yard, film: UUID, plan: Plan, name: str) -> bytes:
    """As a player appends it."""
    storage = storage_of(yard)
    index = SegmentIndex.open(storage.segment_index(film, plan.digest, name))
    original = storage.original(film, "mp4").read_bytes()
    whole = storage.init_section(film, plan.digest, name).read_bytes()
    for number in range(len(index)):
        segment = index.segment(number)
        whole += segment.head + b"".join(original[offset : offset + length] for offset, length in segment.ranges)
    index.close()
    return whole


def frames(path: Path, stream: str) -> list[tuple[float, str]]:
    """Time in seconds on the file's own clock, and hash, of every decoded frame."""
    # -1: the encoder's clock is the demuxer's, so nothing is rounded
    passing = ("-map", f"0:{stream}", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framemd5", "-")
    command = ("ffmpeg", "-v", "error", "-copyts", "-i", path, *passing)
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    base = next(line for line in output.splitlines() if line.startswith("#tb 0:"))
    numerator, denominator = map(int, base.removeprefix("#tb 0:").strip().split("/"))
    rows = [line.split(",") for line in output.splitlines() if not line.startswith("#")]
    return [(round(int(row[2]) * numerator / denominator, 4), row[5].strip()) for row in rows]


async def test_a_player_sees_the_original_s_frames_at_their_times(
    launcher: Launcher, yard: Yard, tmp_path: Path
) -> None:
    film = add_original(yard, clip("h264-23.976.mp4"))
    plan = await probe(yard, launcher, film)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(rendition(yard, film, plan, "original"))
    assert frames(copy, "v") == frames(clip("h264-23.976.mp4"), "v")


async def test_a_copied_film_is_ready_once_it_is_verified(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("h264-25.mp4"))
    await probe(yard, launcher, film)
    await verify(yard, launcher, film)
    assert row_of(yard, film).status == MediaStatus.READY


async def test_a_copy_that_does_not_stand_the_verification_is_planned_anew(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, clip("h264-25.mp4"))
    plan = await probe(yard, launcher, film)
    index = storage_of(yard).segment_index(film, plan.digest, "original")
    damaged = bytearray(index.read_bytes())
    damaged[-40] ^= 1
    index.write_bytes(damaged)
    await verify(yard, launcher, film)
    assert row_of(yard, film).status == MediaStatus.PROCESSING
    assert storage_of(yard).refused_copies(film).exists()
    assert len(open_jobs(yard, film, JobKind.PROBE)) == 1


def test_a_file_that_only_calls_itself_mp4_has_no_index(tmp_path: Path) -> None:
    named = tmp_path / "words.mp4"
    named.write_bytes(b"These are only words.\n" * 100)
    assert not read_index(named).tracks
