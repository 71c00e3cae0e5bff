"""What viewers wait for: jobs for the segments at their playheads, which end when nobody wants them any more.

A demand is an `encode` job of one rendition alone (its lane is the rendition's name) with a time until which it is
wanted. Whoever plays on keeps renewing it; a worker lets go of one whose time has passed, and keeps what it made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vod.catalog import jobs
from vod.catalog.database import now
from vod.catalog.models import Job, JobKind, JobState, MediaFile, MediaStatus

# Of a viewer who asks no more: his player holds a buffer of half a minute and asks again within a segment or two.
WANTED_SECONDS = 8.0
# A job that began so little before a place will be there sooner than another one.
NEAR_SEGMENTS = 5
# Films whose holes are filled for viewers; what was cancelled or failed stays as it is until somebody retries it.
FILLED = (MediaStatus.PROCESSING, MediaStatus.READY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Segments `first`..`last` of one rendition; any number of viewers of a place share one."""

    media_id: UUID
    lane: str  # the rendition's name
    first: int
    last: int
    others: tuple[str, ...] = ()  # further lanes that make this rendition


def want(demand: Demand) -> Demand | None:
    """The open demand at `demand.first`, renewed, or made where there is none; the head of a new film is one, too.

    None where the film is not being filled. Raises JobCancelled and NotFound as `jobs.add` does.
    """
    found = _covering(demand)
    if found is not None:
        if found.wanted_until is not None:
            _renew(found.id)
        return _of(found)
    if not _is_filled(demand.media_id):
        return None
    made = jobs.add(
        demand.media_id,
        JobKind.ENCODE,
        lane=demand.lane,
        first_segment=demand.first,
        last_segment=demand.last,
        priority=jobs.VIEWER,
    )
    _renew(made.id)
    return _of(made)


def renew(demand: Demand) -> None:
    """Somebody plays on there; nothing happens where all of it is made."""
    later = now() + WANTED_SECONDS
    Job.update(wanted_until=later).where(_at(demand) & Job.state.in_(jobs.OPEN)).execute()


def let_go(demand: Demand) -> None:
    """Nobody waits here any more: a waiting job is taken back, a running one ends with its worker's next beat."""
    Job.delete().where(_at(demand) & (Job.state == JobState.PENDING)).execute()
    Job.update(wanted_until=now()).where(_at(demand) & (Job.state == JobState.IN_PROGRESS)).execute()


def delete_unwanted() -> int:
    """Demands that no worker took while they were wanted."""
    unwanted = Job.wanted_until.is_null(False) & (Job.wanted_until < now())
    deleted: int = Job.delete().where(unwanted & (Job.state == JobState.PENDING)).execute()
    return deleted


def _at(demand: Demand) -> Any:
    here = (Job.media_file == demand.media_id) & (Job.lane == demand.lane) & (Job.first_segment == demand.first)
    return here & Job.wanted_until.is_null(False)


def _covering(demand: Demand) -> Job | None:
    query = Job.select().where(
        (Job.media_file == demand.media_id)
        & (Job.kind == JobKind.ENCODE)
        & Job.lane.in_([demand.lane, *demand.others])
        & (Job.priority >= jobs.URGENT)
        & Job.first_segment.between(demand.first - NEAR_SEGMENTS, demand.first)
        & (Job.last_segment >= demand.first)
        & Job.state.in_(jobs.OPEN)
    )
    found: Job | None = query.order_by(Job.first_segment.desc()).first()
    return found


def _renew(job_id: int) -> None:
    later = now() + WANTED_SECONDS
    Job.update(wanted_until=later).where((Job.id == job_id) & Job.state.in_(jobs.OPEN)).execute()


def _of(job: Job | jobs.JobSnapshot) -> Demand:
    return Demand(media_id=job.media_file_id, lane=job.lane, first=job.first_segment, last=job.last_segment)


def _is_filled(media_id: UUID) -> bool:
    return bool(MediaFile.select().where((MediaFile.id == media_id) & MediaFile.status.in_(FILLED)).exists())
