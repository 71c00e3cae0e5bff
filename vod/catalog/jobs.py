"""The queue is these rows: what there is to do to which media file, and how it stands.

This side asks for work; `vod.catalog.leases` is the side of those who do it. The broker's message is a hint.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from peewee import SQL, Case, IntegrityError, fn

from vod.catalog.database import now
from vod.catalog.models import OPEN_JOB, Job, JobKind, JobState, MediaFile, MediaStatus
from vod.errors import Conflict, JobCancelled, NotFound

# How soon, higher first; spaced for what later features put between.
VIEWER = 100
PROBE = 85
HEAD = 80  # the first spans of a new film
URGENT = HEAD  # from here on somebody waits: done beside everything else, with the machine's full speed
ARTWORK = 75
VERIFY = 70
COPY = 60  # reading where the original's segments lie: little work, and then it plays anywhere
SUBTITLES = 60
LADDER = 40
TRICKPLAY = 30

# Without these a film cannot play: when one is out of attempts, the media file is FAILED.
ESSENTIAL = (JobKind.PROBE, JobKind.ENCODE, JobKind.VERIFY)

OPEN = (JobState.PENDING, JobState.IN_PROGRESS)
FAILED_JOB = Job.state == JobState.FAILED
CANCELLED = "Processing was cancelled."


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSnapshot:
    """A job as one unit of work saw it; (id, attempts) stays true as a fence, the rest ages."""

    id: int
    media_file_id: UUID
    kind: JobKind
    lane: str
    first_segment: int
    last_segment: int  # inclusive
    state: JobState
    priority: int
    attempts: int
    fruitless: int
    worker: str
    cancel_requested: bool
    progress: float  # 0..1
    error: str
    created_at: float
    updated_at: float
    wanted_until: float | None = None

    @property
    def is_urgent(self) -> bool:
        return self.priority >= URGENT


def add(
    media_file_id: UUID,
    kind: JobKind,
    *,
    lane: str = "",
    first_segment: int = 0,
    last_segment: int = 0,
    priority: int = LADDER,
) -> JobSnapshot:
    """The open job at this place, made where there is none; an open one becomes as urgent as asked.

    Raises JobCancelled while the media file's jobs are being cancelled, so that none grows back, and NotFound
    once it is deleted.
    """
    if _is_being_cancelled(media_file_id):
        raise JobCancelled(CANCELLED)
    values = {
        "media_file": media_file_id,
        "kind": kind,
        "lane": lane,
        "first_segment": first_segment,
        "last_segment": last_segment,
        "priority": priority,
        "run_at": now(),
        "created_at": now(),
        "updated_at": now(),
    }
    query = Job.insert(**values).on_conflict(
        conflict_target=(Job.media_file, Job.kind, Job.lane, Job.first_segment),
        conflict_where=SQL(OPEN_JOB),
        update={Job.priority: Case(None, ((Job.priority < priority, priority),), Job.priority)},
    )
    try:
        (job,) = query.returning(Job).execute()
    except IntegrityError:
        raise NotFound("There is no such film.") from None
    return snapshot(job)


def cancel(media_file_id: UUID) -> int:
    """Stop every open job: waiting ones now, running ones within a heartbeat. Returns how many there were.

    No worker may ever look at a film whose jobs all waited, so its state is moved here.
    """
    of_this = Job.media_file == media_file_id
    stopped: int = (
        Job.update(state=JobState.FAILED, error=CANCELLED, updated_at=now())
        .where(of_this & (Job.state == JobState.PENDING))
        .execute()
    )
    stopping: int = (
        Job.update(cancel_requested=True, updated_at=now())
        .where(of_this & (Job.state == JobState.IN_PROGRESS))
        .execute()
    )
    if stopped or stopping:
        fail_media_file(media_file_id, CANCELLED)
    return stopped + stopping


def retry(media_file_id: UUID) -> int:
    """Open the failed jobs again; the worker that claims one moves the media file on. Returns how many.

    A film that failed and left no failed job starts again from its probe. Raises Conflict while a cancelled
    job still runs.
    """
    if _is_being_cancelled(media_file_id):
        raise Conflict("Processing is still being stopped. Try again in a moment.")
    failed = list(Job.delete().where((Job.media_file == media_file_id) & FAILED_JOB).returning(Job).execute())
    failed = [job for job in failed if job.wanted_until is None]  # what a viewer waited for is over
    for job in failed:
        add(
            media_file_id,
            JobKind(job.kind),
            lane=job.lane,
            first_segment=job.first_segment,
            last_segment=job.last_segment,
            priority=job.priority,
        )
    if failed or open_jobs(media_file_id) or not _has_failed(media_file_id):
        return len(failed)
    add(media_file_id, JobKind.PROBE, priority=PROBE)
    return 1


def open_jobs(media_file_id: UUID) -> list[JobSnapshot]:
    """Most urgent first."""
    query = Job.select().where((Job.media_file == media_file_id) & Job.state.in_(OPEN))
    return [snapshot(job) for job in query.order_by(Job.priority.desc(), Job.id)]


def take_up(idle_seconds: float) -> list[UUID]:
    """Films with nothing left to do that are not READY: two plans have crossed. A probe finds what each lacks."""
    at_work = Job.select().where((Job.media_file == MediaFile.id) & Job.state.in_(OPEN))
    idle = (MediaFile.status == MediaStatus.PROCESSING) & (MediaFile.updated_at < now() - idle_seconds)
    found = [film.id for film in MediaFile.select(MediaFile.id).where(idle & ~fn.EXISTS(at_work))]
    for media_file_id in found:
        with suppress(NotFound, JobCancelled):  # deleted, or cancelled, a moment ago
            add(media_file_id, JobKind.PROBE, priority=PROBE)
    return found


def page(*, limit: int, before: int | None = None, states: Collection[JobState] = ()) -> list[JobSnapshot]:
    """Newest first; `before` is the last id of the page above."""
    query = Job.select().order_by(Job.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Job.id < before)
    if states:
        query = query.where(Job.state.in_(list(states)))
    return [snapshot(job) for job in query]


def counts() -> dict[tuple[JobKind, JobState], int]:
    rows: Any = Job.select(Job.kind, Job.state, fn.COUNT(Job.id)).group_by(Job.kind, Job.state).tuples()
    return {(JobKind(kind), JobState(state)): count for kind, state, count in rows}


def fail_media_file(media_file_id: UUID, error: str) -> None:
    """The first reason stays; a film that is READY stays READY, for it plays."""
    unfinished = MediaFile.status.in_((MediaStatus.UPLOADED, MediaStatus.PROCESSING))
    MediaFile.update(status=MediaStatus.FAILED, error_message=error, updated_at=now()).where(
        (MediaFile.id == media_file_id) & unfinished
    ).execute()


def snapshot(job: Job) -> JobSnapshot:
    return JobSnapshot(
        id=job.id,
        media_file_id=job.media_file_id,
        kind=JobKind(job.kind),
        lane=job.lane,
        first_segment=job.first_segment,
        last_segment=job.last_segment,
        state=JobState(job.state),
        priority=job.priority,
        attempts=job.attempts,
        fruitless=job.fruitless,
        worker=job.worker,
        cancel_requested=job.cancel_requested,
        progress=job.progress,
        error=job.error,
        created_at=job.created_at,
        updated_at=job.updated_at,
        wanted_until=job.wanted_until,
    )


def _is_being_cancelled(media_file_id: UUID) -> bool:
    of_this = (Job.media_file == media_file_id) & Job.state.in_(OPEN)
    return bool(Job.select().where(of_this & Job.cancel_requested).exists())


def _has_failed(media_file_id: UUID) -> bool:
    return bool(
        MediaFile.select().where((MediaFile.id == media_file_id) & (MediaFile.status == MediaStatus.FAILED)).exists()
    )
