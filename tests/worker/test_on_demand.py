"""`[hls] policy = "on-demand"`: what is made of a film that nobody watches, and when that is enough."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.clips import clip, make
from tests.vod.hls.builders import make_plan, make_rung, make_video
from tests.vod.hls.media import write_fragments
from tests.worker import reel
from tests.worker.cached import PLAN, fill
from tests.worker.conftest import Yard
from tests.worker.office import add_planned_film, row_of, storage_of
from tests.worker.reel import context_for, end, open_jobs
from vod.catalog import jobs
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind, MediaFile, MediaStatus
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher
from vod.hls.plan import LADDER_LANE, PREVIEW_LANE, Plan
from vod.hls.progress import load_plan
from worker import encoding, probing, verifying
from worker.lanes import advance, refresh

ON_DEMAND: Mapping[str, Any] = {"policy": "on-demand"}
IDLE = Launcher(FfmpegSection())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


async def probe(yard: Yard, launcher: Launcher, original: Path) -> tuple[UUID, Plan]:
    film = yard.add_film()
    shutil.copyfile(original, storage_of(yard).original(film, "mp4"))
    job = yard.database.unit(jobs.add, film, JobKind.PROBE)
    await probing.run(job, context_for(yard, launcher, job, hls=ON_DEMAND))
    end(yard, job)
    return film, load_plan(storage_of(yard), film, row_of(yard, film).plan_digest or "")


def encodes(yard: Yard, film: UUID) -> list[tuple[str, int, int]]:
    return [(job.lane, job.first_segment, job.last_segment) for job in open_jobs(yard, film, JobKind.ENCODE)]


async def test_of_a_new_film_the_sound_and_the_preview_are_made(launcher: Launcher, yard: Yard) -> None:
    film, plan = await probe(yard, launcher, clip("b-frames.avi"))
    assert encodes(yard, film) == [("preview", 0, 0), ("audio-0", 0, 1)]
    assert all(storage_of(yard).init_section(film, plan.digest, rung.name).exists() for rung in plan.rungs)


async def test_of_a_film_that_is_handed_on_as_it_is_only_the_preview_s_head_is_made(
    launcher: Launcher, yard: Yard, tmp_path: Path
) -> None:
    film, plan = await probe(yard, launcher, large_clip(tmp_path))
    assert [rendition for rendition in plan.renditions if rendition.startswith("original")]
    assert len(plan.rungs) > 1
    assert encodes(yard, film) == [("preview", 0, 0)]
    assert [job.kind for job in open_jobs(yard, film, JobKind.VERIFY)] == [JobKind.VERIFY]
    assert open_jobs(yard, film, JobKind.TRICKPLAY)


def large_clip(folder: Path) -> Path:
    """With rungs below the copied one."""
    path = folder / "large.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=4")
    make(*picture, "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", str(path))
    return path


async def test_the_preview_goes_on_to_the_end_of_the_film(yard: Yard) -> None:
    film = add_planned_film(yard, PLAN)
    fill(yard, film, "360p", [0])
    job = reel.add_span(yard, film, lane=PREVIEW_LANE, first=0, last=0)
    await advance(job, context_for(yard, IDLE, job, hls=ON_DEMAND), PLAN)
    end(yard, job)
    assert encodes(yard, film) == [("preview", 1, 2)]


async def test_a_film_is_verified_when_all_that_is_kept_is_there(yard: Yard) -> None:
    film = add_planned_film(yard, PLAN)
    fill(yard, film, "360p")
    job = reel.add_span(yard, film, lane=PREVIEW_LANE)
    context = context_for(yard, IDLE, job, hls=ON_DEMAND)
    await refresh(context, film, PLAN)
    assert open_jobs(yard, film, JobKind.VERIFY) == []
    fill(yard, film, "audio-eng")
    await refresh(context, film, PLAN)
    assert len(open_jobs(yard, film, JobKind.VERIFY)) == len(open_jobs(yard, film, JobKind.TRICKPLAY)) == 1


@pytest.mark.parametrize(
    ("policy", "before", "after"), [("on-demand", LADDER_LANE, PREVIEW_LANE), ("eager", PREVIEW_LANE, LADDER_LANE)]
)
async def test_a_policy_that_was_changed_goes_on_its_own_way(yard: Yard, policy: str, before: str, after: str) -> None:
    film = add_planned_film(yard, PLAN)
    job = reel.add_span(yard, film, lane=before, first=0, last=0)
    await advance(job, context_for(yard, IDLE, job, hls={"policy": policy}), PLAN)
    end(yard, job)
    assert {lane for lane, *_ in encodes(yard, film)} == {after}


PICTURES = "-f lavfi -i testsrc2=s=64x48:r=25 -c:v libx264 -bf 2 -g 50 -sc_threshold 0"
SILENT = make_plan(
    video=make_video(
        timescale=12_800,
        cuts=(0, 25_600, 51_200),
        frame_count=100,
        # of rungs as small as these the largest is the preview
        rungs=(make_rung(width=64, height=48), make_rung(name="240p", width=32, height=24)),
    )
)


def add_previewed(yard: Yard) -> tuple[UUID, Path]:
    film = add_planned_film(yard, SILENT)
    folder = storage_of(yard).rendition(film, SILENT.digest, "720p")
    folder.mkdir()
    write_fragments(folder, PICTURES, "4")
    return film, folder


async def verify(yard: Yard, launcher: Launcher, film: UUID, policy: str) -> None:
    job = yard.database.unit(jobs.add, film, JobKind.VERIFY)
    await verifying.run(job, context_for(yard, launcher, job, hls={"policy": policy}))
    end(yard, job)


async def test_a_film_whose_preview_is_right_is_ready(launcher: Launcher, yard: Yard) -> None:
    film, _ = add_previewed(yard)
    await verify(yard, launcher, film, "on-demand")
    assert row_of(yard, film).status == MediaStatus.READY
    assert encodes(yard, film) == []


async def test_a_damaged_preview_is_made_anew_and_nothing_beside_it(launcher: Launcher, yard: Yard) -> None:
    film, folder = add_previewed(yard)
    (folder / "00001.m4s").write_bytes(b"damaged")
    await verify(yard, launcher, film, "on-demand")
    assert row_of(yard, film).status == MediaStatus.PROCESSING
    assert encodes(yard, film) == [("preview", 1, 1)]


async def test_what_was_evicted_of_a_ready_film_is_not_missing(launcher: Launcher, yard: Yard) -> None:
    film, _ = add_previewed(yard)
    yard.database.unit(MediaFile.update(status=MediaStatus.READY).execute)
    await verify(yard, launcher, film, "eager")
    assert encodes(yard, film) == []


async def test_a_rung_that_somebody_asks_for_is_made_as_far_as_he_asks(launcher: Launcher, yard: Yard) -> None:
    film = reel.add_reel(yard)
    job = reel.add_span(yard, film, lane="240p", first=1, last=1)
    await run_encode(yard, launcher, job)
    assert storage_of(yard).segments_present(film, reel.PLAN.digest, "240p") == {1}
    assert encodes(yard, film) == []


async def run_encode(yard: Yard, launcher: Launcher, job: JobSnapshot) -> None:
    await encoding.run(job, context_for(yard, launcher, job, hls=ON_DEMAND))
    end(yard, job)
