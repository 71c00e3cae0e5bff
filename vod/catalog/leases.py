"""Who does which job: claims, heartbeats, fences, and how a job ends.

    PENDING ── claim ──> IN_PROGRESS ── complete ──────────────> COMPLETED   (swept after a day)
       ^                    │  │  └──── fail, last attempt ────> FAILED ── jobs.retry ──> PENDING
       └── give_back, wait, fail_attempt, free

A claim is a lease that its worker renews. `attempts` counts claims and is the fence: every later UPDATE
names worker and attempt, so one whose lease was taken away changes nothing. A worker that dies says little about
the film, whose ffmpeg is a process of its own: deaths are counted apart, and only many of them fail a job.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from peewee import Case, fn

from vod.catalog.database import now, skipping_locked
from vod.catalog.jobs import ESSENTIAL, FAILED_JOB, JobSnapshot, fail_media_file, snapshot
from vod.catalog.models import Job, JobKind, JobState, MediaFile, MediaStatus

LONGEST_BACKOFF_SECONDS = 450.0
MOST_DEATHS = 9  # in a row without a result: then it is the film that kills its workers
WORKER_DIED = "The worker stopped unexpectedly in the middle of this job, every time."
KEPT_SECONDS = 24 * 3600.0  # a completed job, for people to look at


@dataclass(frozen=True, slots=True)
class HeldLease:
    """`until` changes with every heartbeat: whoever watches it stand still knows that the worker is gone."""

    job_id: int
    attempts: int
    worker: str
    until: float


@dataclass(frozen=True, slots=True)
class Renewal:
    """What the database answered to a heartbeat, as job ids."""

    lost: frozenset[int]
    cancelled: frozenset[int]
    unwanted: frozenset[int] = frozenset()


def claim(
    worker: str, lease_seconds: float, kinds: Collection[JobKind] | None = None, *, least_priority: int = 0
) -> JobSnapshot | None:
    """Take the most urgent due job, whoever else is looking; None when nothing is due."""
    candidate = Job.alias()
    due = candidate.select(candidate.id).where((candidate.state == JobState.PENDING) & _is_due(candidate.run_at))
    due = due.where((candidate.priority >= least_priority) & _is_wanted(candidate.wanted_until))
    if kinds is not None:
        due = due.where(candidate.kind.in_(list(kinds)))
    due = due.order_by(candidate.priority.desc(), candidate.run_at, candidate.id).limit(1)
    claimed = (
        Job.update(
            state=JobState.IN_PROGRESS,
            worker=worker,
            attempts=Job.attempts + 1,
            fruitless=Job.fruitless + 1,
            lease_until=now() + lease_seconds,
            progress=0.0,
            error="",
            updated_at=now(),
        )
        .where(Job.id == skipping_locked(due))
        .returning(Job)
        .execute()
    )
    taken = [_taken(job) for job in list(claimed)]
    return taken[0] if taken else None


def held(job_id: int, attempts: int, worker: str) -> JobSnapshot | None:
    """The job if this claim still holds it."""
    job = Job.get_or_none(_fence(job_id, attempts, worker))
    return snapshot(job) if job else None


def renew(
    worker: str,
    held: Mapping[int, int],
    lease_seconds: float,
    progress: Mapping[int, float],
    achieved: Collection[int] = (),
) -> Renewal:
    """Prolong the leases of `held` (job id -> attempts) and say which of them must stop."""
    lost, cancelled, unwanted = set(), set(), set()
    for job_id, attempts in held.items():
        changes: dict[str, Any] = {"lease_until": now() + lease_seconds, "updated_at": now()}
        if job_id in progress:
            changes["progress"] = progress[job_id]
        if job_id in achieved:
            changes |= {"fruitless": 0, "deaths": 0}
        query = Job.update(**changes).where(_fence(job_id, attempts, worker)).returning(*_asked()).tuples()
        answer = [(bool(cancel), bool(wanted)) for cancel, wanted in query.execute()]
        if not answer:
            lost.add(job_id)
        elif answer[0][0]:
            cancelled.add(job_id)
        elif not answer[0][1]:
            unwanted.add(job_id)
    return Renewal(frozenset(lost), frozenset(cancelled), frozenset(unwanted))


def complete(job: JobSnapshot, worker: str) -> bool:
    """False when the job was taken away; then nothing changed."""
    if not _end(job, worker, state=JobState.COMPLETED, progress=1.0, fruitless=0):
        return False
    _tell(job.media_file_id, None)
    return True


def give_back(job: JobSnapshot, worker: str, *, achieved: bool = False) -> bool:
    """Preempted or drained: due again at once, and the attempt does not count."""
    fruitless = 0 if achieved else max(job.fruitless - 1, 0)
    return _end(job, worker, state=JobState.PENDING, fruitless=fruitless, run_at=now())


def wait(job: JobSnapshot, worker: str, reason: str, seconds: float, *, achieved: bool) -> bool:
    """Nothing is wrong with the job, only something else is short: the attempt does not count, and people are told."""
    fruitless = 0 if achieved else max(job.fruitless - 1, 0)
    if not _end(job, worker, state=JobState.PENDING, fruitless=fruitless, error=reason, run_at=now() + seconds):
        return False
    _tell(job.media_file_id, reason)
    return True


def fail_attempt(job: JobSnapshot, worker: str, error: str, *, achieved: bool, max_attempts: int) -> JobState | None:
    """Try again later, or FAILED after `max_attempts` fruitless ones in a row. None when the job was taken away."""
    fruitless = 0 if achieved else job.fruitless
    if fruitless >= max_attempts:
        return JobState.FAILED if fail(job, worker, error) else None
    later = now() + backoff_seconds(fruitless)
    ended = _end(job, worker, state=JobState.PENDING, fruitless=fruitless, error=error, run_at=later)
    return JobState.PENDING if ended else None


def fail(job: JobSnapshot, worker: str, error: str) -> bool:
    """The end of this job, no matter how many attempts are left. False when it was taken away."""
    if not _end(job, worker, state=JobState.FAILED, error=error):
        return False
    if job.kind in ESSENTIAL and job.wanted_until is None:
        fail_media_file(job.media_file_id, error)
    return True


def backoff_seconds(fruitless: int) -> float:
    """1-3 s after the first failure, doubling to 2.5-7.5 minutes; spread, so that retries do not meet."""
    return float(min(300, 2**fruitless)) * (0.5 + random.random())  # noqa: S311  no secret hangs on it


def all_held() -> list[HeldLease]:
    query = Job.select().where(Job.state == JobState.IN_PROGRESS)
    return [HeldLease(job.id, job.attempts, job.worker, job.lease_until or 0.0) for job in query]


def free(lease: HeldLease) -> JobState | None:
    """Take the job from a worker that is gone. None when it has moved since, and then nothing changed."""
    job = Job.get_or_none(_fence(lease.job_id, lease.attempts, lease.worker) & (Job.lease_until == lease.until))
    if job is None:
        return None
    gone, deaths = snapshot(job), job.deaths + 1
    if deaths >= MOST_DEATHS:
        return JobState.FAILED if fail(gone, lease.worker, WORKER_DIED) else None
    fruitless = max(gone.fruitless - 1, 0)
    again = {"state": JobState.PENDING, "fruitless": fruitless, "deaths": deaths, "error": WORKER_DIED}
    return JobState.PENDING if _end(gone, lease.worker, run_at=now() + backoff_seconds(0), **again) else None


def delete_completed() -> int:
    old = (Job.state == JobState.COMPLETED) & (Job.updated_at < now() - KEPT_SECONDS)
    deleted: int = Job.delete().where(old).execute()
    return deleted


def _taken(job: Job) -> JobSnapshot:
    if not job.cancel_requested:
        _resume_media_file(job.media_file_id)
    return snapshot(job)


def _resume_media_file(media_file_id: UUID) -> None:
    """A retried film leaves FAILED when work on it begins and nothing that it needs is still failed."""
    blocked = Job.select().where(
        (Job.media_file == media_file_id) & FAILED_JOB & Job.kind.in_(ESSENTIAL) & Job.wanted_until.is_null()
    )
    resumed = Case(None, ((MediaFile.plan_digest.is_null(), MediaStatus.UPLOADED),), MediaStatus.PROCESSING)
    MediaFile.update(status=resumed, error_message=None, updated_at=now()).where(
        (MediaFile.id == media_file_id) & (MediaFile.status == MediaStatus.FAILED) & ~fn.EXISTS(blocked)
    ).execute()


def _tell(media_file_id: UUID, message: str | None) -> None:
    """Why a film that is being made does not get on; None once it does."""
    unfinished = MediaFile.status.in_((MediaStatus.UPLOADED, MediaStatus.PROCESSING))
    is_news = fn.COALESCE(MediaFile.error_message, "") != (message or "")
    MediaFile.update(error_message=message, updated_at=now()).where(
        (MediaFile.id == media_file_id) & unfinished & is_news
    ).execute()


def _end(job: JobSnapshot, worker: str, **changes: Any) -> bool:
    ended: int = (
        Job.update(lease_until=None, updated_at=now(), **changes).where(_fence(job.id, job.attempts, worker)).execute()
    )
    return ended == 1


def _asked() -> tuple[Any, ...]:
    """What a heartbeat asks of each row."""
    # No IS NULL here: SQLite 3.40 answers it wrongly in RETURNING (seen: 0 for a column that is NULL).
    is_wanted = fn.COALESCE(Job.wanted_until, now() + 1) > now()
    return Job.cancel_requested, Case(None, ((is_wanted, 1),), 0)


def _is_wanted(wanted_until: Any) -> Any:
    return wanted_until.is_null() | (wanted_until > now())


def _fence(job_id: int, attempts: int, worker: str) -> Any:
    mine = (Job.id == job_id) & (Job.worker == worker) & (Job.attempts == attempts)
    return mine & (Job.state == JobState.IN_PROGRESS)


def _is_due(run_at: Any) -> Any:
    # Further off than any backoff: the clock was set back since, and waiting for it to catch up may take days.
    return (run_at <= now()) | (run_at > now() + LONGEST_BACKOFF_SECONDS)
