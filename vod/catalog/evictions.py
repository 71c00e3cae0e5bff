"""What decides whose cached rungs go first: who watches which film, and what is being made. All of it only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from peewee import JOIN, fn

from vod.catalog import demands, jobs
from vod.catalog.database import now
from vod.catalog.models import Job, JobKind, MediaFile, MediaStatus, WatchState

# Of a player that last said where it is: it may be paused for as long, and goes on.
WATCHED_SECONDS = 3600.0
# What was made for a viewer is still to be sent to him; and he may come back for it after a 503.
TAKEN_SECONDS = demands.WANTED_SECONDS + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFilm:
    media_id: UUID
    digest: str
    status: MediaStatus
    watched_at: float  # last; of a film that nobody has watched, when it was ready
    is_watched: bool  # now


def planned_films() -> list[PlannedFilm]:
    """Every film that has a plan, the ones to lose their cached rungs first at the beginning."""
    demanded = {job.media_file_id for job in Job.select(Job.media_file).where(_is_demanded())}
    watched_at = fn.MAX(WatchState.updated_at)
    query = (
        MediaFile.select(
            MediaFile.id,
            MediaFile.plan_digest,
            MediaFile.status,
            fn.COALESCE(watched_at, MediaFile.ready_at, MediaFile.created_at),
            fn.COALESCE(watched_at, 0.0) > now() - WATCHED_SECONDS,
        )
        .join(WatchState, JOIN.LEFT_OUTER)
        .where(MediaFile.plan_digest.is_null(False))
        .group_by(MediaFile.id)
    )
    films = [_film(row, demanded) for row in query.tuples()]
    return sorted(films, key=lambda film: (film.is_watched, film.watched_at, film.media_id))


def lanes_in_hand(media_id: UUID) -> frozenset[str]:
    """Those of the film's `encode` jobs that wait or run, or have just been done for a viewer."""
    is_encode = (Job.media_file == media_id) & (Job.kind == JobKind.ENCODE)
    return frozenset(job.lane for job in Job.select().where(is_encode & (Job.state.in_(jobs.OPEN) | _is_demanded())))


def _film(row: Any, demanded: set[UUID]) -> PlannedFilm:
    media_id, digest, status, watched_at, is_recent = row
    return PlannedFilm(
        media_id=media_id,
        digest=digest,
        status=MediaStatus(status),
        watched_at=watched_at,
        is_watched=bool(is_recent) or media_id in demanded,
    )


def _is_demanded() -> Any:
    return Job.wanted_until.is_null(False) & (Job.state.in_(jobs.OPEN) | (Job.updated_at > now() - TAKEN_SECONDS))
