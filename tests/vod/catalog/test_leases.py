from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from tests.vod.catalog import processes
from tests.vod.catalog.test_jobs import add_span, claim, status
from vod.catalog import jobs, leases, media_files
from vod.catalog.database import Database, now
from vod.catalog.models import Job, JobKind, JobState, MediaStatus

MAX_ATTEMPTS = 3


def row(database: Database) -> Any:
    return database.unit(Job.get)


def make_due(database: Database) -> None:
    database.unit(lambda: Job.update(run_at=now()).execute())


def fail_attempt(database: Database, *, achieved: bool = False) -> JobState | None:
    make_due(database)
    return database.unit(
        leases.fail_attempt, claim(database), "worker", "It broke.", achieved=achieved, max_attempts=MAX_ATTEMPTS
    )


def test_two_processes_claim_each_job_once(database: Database, url: str, film: UUID) -> None:
    ids = [add_span(database, film, first).id for first in range(400)]
    others = [processes.start("claim", url) for _ in range(2)]
    claimed = [job_id for other in others for job_id in processes.printed(other)]
    assert Counter(map(int, claimed)) == Counter(ids)


def test_the_most_urgent_is_claimed_first_and_then_the_oldest(database: Database, film: UUID) -> None:
    for first, priority in enumerate([jobs.LADDER, jobs.VIEWER, jobs.LADDER, jobs.HEAD]):
        add_span(database, film, first, priority=priority)
    assert [claim(database).first_segment for _ in range(4)] == [1, 3, 0, 2]


def test_only_wanted_kinds_are_claimed(database: Database, film: UUID) -> None:
    add_span(database, film)
    assert database.unit(leases.claim, "worker", 60, [JobKind.PROBE]) is None


def test_a_job_is_not_claimed_before_its_time(database: Database, film: UUID) -> None:
    add_span(database, film)
    database.unit(lambda: Job.update(run_at=now() + 60).execute())
    assert database.unit(leases.claim, "worker", 60) is None


def test_a_clock_set_back_by_days_does_not_hold_jobs_up(database: Database, film: UUID) -> None:
    add_span(database, film)
    database.unit(lambda: Job.update(run_at=now() + 2 * 24 * 3600).execute())
    assert database.unit(leases.claim, "worker", 60) is not None


def test_whoever_lost_a_job_can_change_nothing(database: Database, film: UUID) -> None:
    add_span(database, film)
    zombie = claim(database)
    (lease,) = database.unit(leases.all_held)
    database.unit(leases.free, lease)
    make_due(database)
    taken_over = claim(database)
    assert database.unit(leases.renew, "worker", {zombie.id: zombie.attempts}, 60, {}).lost == {zombie.id}
    assert database.unit(leases.complete, zombie, "worker") is False
    assert database.unit(leases.give_back, zombie, "worker") is False
    assert database.unit(leases.fail, zombie, "worker", "late") is False
    assert (row(database).state, row(database).attempts) == (JobState.IN_PROGRESS, taken_over.attempts)


def test_another_worker_cannot_end_a_job(database: Database, film: UUID) -> None:
    add_span(database, film)
    assert database.unit(leases.complete, claim(database), "another") is False


def test_a_heartbeat_shows_progress_and_prolongs_the_lease(database: Database, film: UUID) -> None:
    add_span(database, film)
    job = claim(database)
    before = row(database).lease_until
    renewal = database.unit(leases.renew, "worker", {job.id: job.attempts}, 120, {job.id: 0.5})
    assert renewal == leases.Renewal(frozenset(), frozenset())
    assert row(database).progress == 0.5
    assert row(database).lease_until > before + 30


def test_three_fruitless_attempts_in_a_row_fail_job_and_film(database: Database, film: UUID) -> None:
    add_span(database, film)
    assert [fail_attempt(database) for _ in range(3)] == [JobState.PENDING, JobState.PENDING, JobState.FAILED]
    assert status(database, film) == MediaStatus.FAILED
    assert database.unit(media_files.get, film).media_file.error_message == "It broke."


def test_an_attempt_that_achieved_something_starts_the_count_anew(database: Database, film: UUID) -> None:
    add_span(database, film)
    for achieved in (False, False, True, False, False):
        assert fail_attempt(database, achieved=achieved) is JobState.PENDING
    assert fail_attempt(database) is JobState.FAILED


def test_what_was_given_back_is_due_at_once_and_does_not_count(database: Database, film: UUID) -> None:
    add_span(database, film)
    fail_attempt(database)
    for _ in range(leases.MOST_DEATHS + 1):
        make_due(database)
        job = claim(database)
        assert job.fruitless == 2
        database.unit(leases.give_back, job, "worker")
    assert row(database).fruitless == 1


@pytest.mark.parametrize("fruitless", range(1, 12))
def test_the_pause_before_another_attempt_doubles_up_to_its_limit(fruitless: int) -> None:
    seconds = leases.backoff_seconds(fruitless)
    assert min(300, 2**fruitless) * 0.5 <= seconds <= min(300, 2**fruitless) * 1.5 <= leases.LONGEST_BACKOFF_SECONDS


def test_a_film_that_kills_its_workers_is_given_up(database: Database, film: UUID) -> None:
    add_span(database, film)
    states = []
    for _ in range(leases.MOST_DEATHS):
        make_due(database)
        claim(database)
        (lease,) = database.unit(leases.all_held)
        states.append(database.unit(leases.free, lease))
    assert states == [*[JobState.PENDING] * (leases.MOST_DEATHS - 1), JobState.FAILED]
    assert database.unit(media_files.get, film).media_file.error_message == leases.WORKER_DIED


def test_a_dead_worker_s_attempt_is_not_the_film_s(database: Database, film: UUID) -> None:
    add_span(database, film)
    for _ in range(MAX_ATTEMPTS):
        make_due(database)
        claim(database)
        (lease,) = database.unit(leases.all_held)
        database.unit(leases.free, lease)
    make_due(database)
    assert fail_attempt(database) is JobState.PENDING


def test_a_lack_of_something_is_waited_out_however_long_and_people_are_told(database: Database, film: UUID) -> None:
    add_span(database, film)
    for _ in range(MAX_ATTEMPTS + 1):
        make_due(database)
        assert database.unit(leases.wait, claim(database), "worker", "No room.", 60, achieved=False)
    assert (row(database).state, row(database).fruitless, row(database).error) == (JobState.PENDING, 0, "No room.")
    assert database.unit(leases.claim, "worker", 60) is None
    assert database.unit(media_files.get, film).media_file.error_message == "No room."


def test_a_film_that_gets_on_again_says_so(database: Database, film: UUID) -> None:
    add_span(database, film)
    database.unit(leases.wait, claim(database), "worker", "No room.", 60, achieved=False)
    make_due(database)
    database.unit(leases.complete, claim(database), "worker")
    assert database.unit(media_files.get, film).media_file.error_message is None


def test_a_worker_that_died_after_publishing_is_forgiven(database: Database, film: UUID) -> None:
    add_span(database, film)
    for _ in range(leases.MOST_DEATHS + 1):
        make_due(database)
        job = claim(database)
        database.unit(leases.renew, "worker", {job.id: job.attempts}, 60, {}, [job.id])
        (lease,) = database.unit(leases.all_held)
        assert database.unit(leases.free, lease) is JobState.PENDING


def test_a_lease_renewed_since_it_was_looked_at_is_not_taken(database: Database, film: UUID) -> None:
    add_span(database, film)
    job = claim(database)
    (lease,) = database.unit(leases.all_held)
    database.unit(leases.renew, "worker", {job.id: job.attempts}, 60, {})
    assert database.unit(leases.free, lease) is None


def test_an_unneeded_job_fails_without_its_film(database: Database, film: UUID) -> None:
    database.unit(jobs.add, film, JobKind.ARTWORK)
    database.unit(leases.fail, claim(database), "worker", "No picture.")
    assert status(database, film) == MediaStatus.UPLOADED


def test_a_film_that_is_ready_stays_ready(database: Database, film: UUID) -> None:
    database.unit(media_files.mark_processing, film, probe={}, duration=1.0, width=None, height=None, digest="0" * 16)
    database.unit(media_files.mark_ready, film)
    add_span(database, film)
    database.unit(leases.fail, claim(database), "worker", "It broke.")
    assert status(database, film) == MediaStatus.READY


def test_completed_jobs_are_kept_for_a_day(database: Database, film: UUID) -> None:
    for first in (0, 10):
        add_span(database, film, first)
        database.unit(leases.complete, claim(database), "worker")
    database.unit(lambda: Job.update(updated_at=now() - 25 * 3600).where(Job.first_segment == 0).execute())
    assert database.unit(leases.delete_completed) == 1
    assert row(database).first_segment == 10
