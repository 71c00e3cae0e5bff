"""What the job engine promises, kept by real processes on a real database."""

from __future__ import annotations

import signal
import time

from tests.worker.conftest import Yard
from vod.catalog import jobs, media_files
from vod.catalog.models import Job, JobKind, JobState


async def test_a_ring_wakes_an_idle_worker_at_once(yard: Yard) -> None:
    film = yard.add_film()
    first = yard.add_job(film, "quick")
    station = await yard.start()
    assert await station.tells() == ["started", str(first), "1"]
    await yard.until(lambda: yard.job(first).state == JobState.COMPLETED)
    rung = time.monotonic()
    second = yard.add_job(film, "hang")
    assert await station.tells() == ["started", str(second), "1"]
    # Polling comes once a minute; a tenth of a second is the promise, the rest is for a busy machine.
    assert time.monotonic() - rung < 2


async def test_sigterm_gives_the_job_back_uncounted_and_ends_well(yard: Yard) -> None:
    job_id = yard.add_job(yard.add_film(), "hang")
    station = await yard.start()
    await station.tells()
    station.send(signal.SIGTERM)
    assert await station.tells() == ["stopped", str(job_id), "drained"]
    assert await station.ends() == 0
    job = yard.job(job_id)
    assert (job.state, job.attempts, job.fruitless, job.error) == (JobState.PENDING, 1, 0, "")


async def test_a_job_that_is_nearly_done_is_ended_before_the_worker_stops(yard: Yard) -> None:
    job_id = yard.add_job(yard.add_film(), "told", JobKind.PROBE)
    station = await yard.start()
    await station.tells()
    station.send(signal.SIGTERM)
    station.tell_to_end()
    assert await station.ends() == 0
    assert yard.job(job_id).state == JobState.COMPLETED


async def test_an_idle_worker_stops_at_once(yard: Yard) -> None:
    job_id = yard.add_job(yard.add_film(), "quick")
    station = await yard.start()
    await yard.until(lambda: yard.job(job_id).state == JobState.COMPLETED)
    station.send(signal.SIGTERM)
    assert await station.ends() == 0


async def test_another_worker_takes_over_from_one_that_was_killed(yard: Yard) -> None:
    job_id = yard.add_job(yard.add_film(), "hang")
    killed = await yard.start()
    await killed.tells()
    killed.send(signal.SIGKILL)
    other = await yard.start()
    await yard.until(lambda: yard.job(job_id).state == JobState.PENDING)
    yard.end_backoff()
    assert await other.tells() == ["started", str(job_id), "2"]


async def test_a_worker_that_was_frozen_too_long_stops_and_changes_nothing(yard: Yard) -> None:
    job_id = yard.add_job(yard.add_film(), "hang")
    frozen = await yard.start()
    await frozen.tells()
    frozen.send(signal.SIGSTOP)
    other = await yard.start()
    await yard.until(lambda: yard.job(job_id).state == JobState.PENDING)
    yard.end_backoff()
    assert await other.tells() == ["started", str(job_id), "2"]
    frozen.send(signal.SIGCONT)
    assert await frozen.tells() == ["stopped", str(job_id), "lost"]
    await yard.until(lambda: yard.job(job_id).progress == 0.0)
    job = yard.job(job_id)
    assert (job.state, job.attempts) == (JobState.IN_PROGRESS, 2)


async def test_a_long_job_keeps_its_lease_while_another_worker_watches(yard: Yard) -> None:
    job_id = yard.add_job(yard.add_film(), "achieve")
    station = await yard.start()
    await station.tells()
    await yard.start()
    begun = lease_until(yard, job_id)
    await yard.until(lambda: lease_until(yard, job_id) > begun + 3 * yard.config.queue.lease_seconds)
    assert yard.job(job_id).attempts == 1


async def test_a_cancelled_job_stops_and_fails(yard: Yard) -> None:
    film = yard.add_film()
    job_id = yard.add_job(film, "hang")
    station = await yard.start()
    await station.tells()
    yard.database.unit(jobs.cancel, film)
    assert await station.tells() == ["stopped", str(job_id), "cancelled"]
    await yard.until(lambda: yard.job(job_id).state == JobState.FAILED)
    assert yard.job(job_id).error == jobs.CANCELLED


async def test_deleting_a_film_stops_its_job_and_removes_its_bytes(yard: Yard) -> None:
    film = yard.add_film()
    job_id = yard.add_job(film, "hang")
    station = await yard.start()
    await station.tells()
    segment = yard.config.media.root / "hls" / str(film) / "0123456789abcdef" / "720p" / "00000.m4s"
    segment.parent.mkdir(parents=True)
    segment.write_bytes(b"late")
    yard.database.unit(media_files.delete, film)
    assert await station.tells() == ["stopped", str(job_id), "lost"]
    await yard.until(lambda: not segment.parents[2].exists())


async def test_progress_and_achievement_are_recorded_while_a_job_runs(yard: Yard) -> None:
    job_id = yard.add_job(yard.add_film(), "achieve")
    await yard.start()
    await yard.until(lambda: yard.job(job_id).progress == 0.5)
    assert yard.job(job_id).fruitless == 0


async def test_a_failed_attempt_is_put_off_with_its_reason(yard: Yard) -> None:
    job_id = yard.add_job(yard.add_film(), "fail")
    await yard.start()
    await yard.until(lambda: yard.job(job_id).error != "")
    job = yard.job(job_id)
    assert (job.state, job.fruitless, job.error) == (JobState.PENDING, 1, "ffmpeg gave up.")
    assert job.run_at > job.updated_at


async def test_the_third_fruitless_attempt_fails_the_film(yard: Yard) -> None:
    film = yard.add_film()
    job_id = yard.add_job(film, "stumble")
    yard.database.unit(lambda: Job.update(fruitless=2).execute())
    await yard.start()
    await yard.until(lambda: yard.job(job_id).state == JobState.FAILED)
    media_file = yard.database.unit(media_files.get, film).media_file
    assert media_file.error_message == "An internal error, noted in the worker's log."


async def test_an_unusable_original_fails_at_once(yard: Yard) -> None:
    film = yard.add_film()
    job_id = yard.add_job(film, "refuse")
    await yard.start()
    await yard.until(lambda: yard.job(job_id).state == JobState.FAILED)
    assert yard.job(job_id).attempts == 1
    assert yard.database.unit(media_files.get, film).media_file.error_message == "This is not a film."


async def test_two_workers_share_a_film(yard: Yard) -> None:
    film = yard.add_film()
    spans = [yard.add_job(film, does) for does in ("hang", "achieve")]
    for station in (await yard.start(), await yard.start()):
        await station.tells()
    assert len({yard.job(span).worker for span in spans}) == 2


def lease_until(yard: Yard, job_id: int) -> float:
    moment = yard.job(job_id).lease_until
    assert moment is not None
    return moment
