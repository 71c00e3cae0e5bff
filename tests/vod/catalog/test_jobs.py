from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from vod.catalog import jobs, leases, media_files
from vod.catalog.database import Database
from vod.catalog.models import JobKind, JobState, MediaStatus
from vod.errors import Conflict, JobCancelled, NotFound


def add_span(database: Database, film: UUID, first: int = 0, *, priority: int = jobs.LADDER) -> jobs.JobSnapshot:
    return database.unit(
        jobs.add, film, JobKind.ENCODE, lane="ladder", first_segment=first, last_segment=first + 9, priority=priority
    )


def claim(database: Database) -> jobs.JobSnapshot:
    job = database.unit(leases.claim, "worker", 60)
    assert job is not None
    return job


def status(database: Database, film: UUID) -> str:
    return str(database.unit(media_files.get, film).media_file.status)


def test_adding_an_open_job_again_finds_it(database: Database, film: UUID) -> None:
    assert add_span(database, film).id == add_span(database, film).id


def test_adding_a_running_job_again_finds_it(database: Database, film: UUID) -> None:
    first = add_span(database, film)
    claim(database)
    assert add_span(database, film).id == first.id


def test_adding_again_can_only_make_more_urgent(database: Database, film: UUID) -> None:
    add_span(database, film, priority=jobs.HEAD)
    assert add_span(database, film, priority=jobs.VIEWER).priority == jobs.VIEWER
    assert add_span(database, film, priority=jobs.LADDER).priority == jobs.VIEWER


def test_a_completed_job_may_be_added_anew(database: Database, film: UUID) -> None:
    first = add_span(database, film)
    database.unit(leases.complete, claim(database), "worker")
    assert add_span(database, film).id != first.id


def test_other_spans_are_other_jobs(database: Database, film: UUID) -> None:
    assert add_span(database, film, 0).id != add_span(database, film, 10).id


def test_a_deleted_film_gets_no_job(database: Database) -> None:
    with pytest.raises(NotFound):
        database.unit(jobs.add, uuid4(), JobKind.PROBE)


def test_an_unfinished_film_that_nobody_is_at_work_on_is_looked_at_anew(database: Database, film: UUID) -> None:
    database.unit(
        media_files.mark_processing, film, probe={}, duration=1.0, width=None, height=None, digest="0123456789abcdef"
    )
    add_span(database, film)
    assert database.unit(jobs.take_up, -1) == []
    while (job := database.unit(leases.claim, "worker", 60)) is not None:
        database.unit(leases.complete, job, "worker")
    assert database.unit(jobs.take_up, 60) == []
    assert database.unit(jobs.take_up, -1) == [film]
    assert [job.kind for job in database.unit(jobs.open_jobs, film)] == [JobKind.PROBE]


def test_a_film_that_is_ready_or_failed_is_not_taken_up(database: Database, film: UUID) -> None:
    database.unit(jobs.fail_media_file, film, "No.")
    assert database.unit(jobs.take_up, -1) == []


def test_cancelling_ends_waiting_jobs_and_the_film(database: Database, film: UUID) -> None:
    add_span(database, film, 0)
    add_span(database, film, 10)
    assert database.unit(jobs.cancel, film) == 2
    assert database.unit(jobs.open_jobs, film) == []
    assert status(database, film) == MediaStatus.FAILED
    assert database.unit(media_files.get, film).media_file.error_message == jobs.CANCELLED


def test_cancelling_asks_a_running_job_to_stop(database: Database, film: UUID) -> None:
    add_span(database, film)
    job = claim(database)
    database.unit(jobs.cancel, film)
    renewal = database.unit(leases.renew, "worker", {job.id: job.attempts}, 60, {})
    assert renewal.cancelled == {job.id}


def test_no_job_grows_back_while_a_film_is_being_cancelled(database: Database, film: UUID) -> None:
    add_span(database, film)
    claim(database)
    database.unit(jobs.cancel, film)
    with pytest.raises(JobCancelled):
        add_span(database, film, 10)


def test_cancelling_nothing_leaves_the_film_alone(database: Database, film: UUID) -> None:
    assert database.unit(jobs.cancel, film) == 0
    assert status(database, film) == MediaStatus.UPLOADED


def test_a_retry_opens_the_failed_jobs_and_the_claim_moves_the_film_on(database: Database, film: UUID) -> None:
    add_span(database, film)
    database.unit(jobs.cancel, film)
    assert database.unit(jobs.retry, film) == 1
    assert status(database, film) == MediaStatus.FAILED
    assert claim(database).fruitless == 1
    assert status(database, film) == MediaStatus.UPLOADED
    assert database.unit(media_files.get, film).media_file.error_message is None


def test_a_retried_film_stays_failed_while_another_lane_is(database: Database, film: UUID) -> None:
    add_span(database, film, 0)
    database.unit(leases.fail, claim(database), "worker", "It broke.")
    add_span(database, film, 10)
    claim(database)
    assert status(database, film) == MediaStatus.FAILED


def test_a_retry_waits_for_a_cancelled_job_to_stop(database: Database, film: UUID) -> None:
    add_span(database, film)
    claim(database)
    database.unit(jobs.cancel, film)
    with pytest.raises(Conflict):
        database.unit(jobs.retry, film)


def test_a_failed_film_without_failed_jobs_starts_from_its_probe(database: Database, film: UUID) -> None:
    database.unit(jobs.fail_media_file, film, "It broke.")
    assert database.unit(jobs.retry, film) == 1
    assert claim(database).kind is JobKind.PROBE


def test_a_retry_of_a_sound_film_does_nothing(database: Database, film: UUID) -> None:
    assert database.unit(jobs.retry, film) == 0


def test_jobs_are_counted_by_kind_and_state(database: Database, film: UUID) -> None:
    add_span(database, film, 0)
    add_span(database, film, 10)
    claim(database)
    assert database.unit(jobs.counts) == {
        (JobKind.ENCODE, JobState.PENDING): 1,
        (JobKind.ENCODE, JobState.IN_PROGRESS): 1,
    }


def test_pages_of_jobs_are_newest_first(database: Database, film: UUID) -> None:
    ids = [add_span(database, film, first).id for first in range(0, 50, 10)]
    first = database.unit(jobs.page, limit=3)
    rest = database.unit(jobs.page, limit=3, before=first[-1].id)
    assert [job.id for job in first + rest] == ids[::-1]
    assert database.unit(jobs.page, limit=3, states=[JobState.FAILED]) == []
