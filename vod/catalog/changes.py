"""What changed in the library since somebody last looked. Runs inside a unit of work that only reads."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from peewee import fn

from vod.catalog import media_files
from vod.catalog.media_files import Entry
from vod.catalog.models import Job, JobState, MediaFile, MediaStatus
from vod.errors import NotFound

# A transaction stamps its row before it commits: one that was slow shows up behind newer stamps.
OVERLAP_SECONDS = 5.0
LONGEST_UNFINISHED = 200  # a page shows no more at once
UNFINISHED = (MediaStatus.UPLOADING, MediaStatus.UPLOADED, MediaStatus.PROCESSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`entries` are films whose row or segments may differ from the last look; a worker is at those `running`."""

    entries: tuple[Entry, ...]
    running: frozenset[UUID]
    newest: float


def newest() -> float:
    return float(MediaFile.select(fn.MAX(MediaFile.updated_at)).scalar() or 0.0)


def since(moment: float, ran: frozenset[UUID]) -> Look:
    """`ran` are those that were running at the last look: their end is news, too.

    The overlap repeats some entries; the caller compares.
    """
    query = MediaFile.select(MediaFile.id, MediaFile.updated_at).where(MediaFile.updated_at > moment - OVERLAP_SECONDS)
    stamps = {row.id: row.updated_at for row in query}
    running = _running()
    found = (_entry(media_id) for media_id in stamps.keys() | running | ran)
    return Look(
        entries=tuple(entry for entry in found if entry is not None),
        running=running,
        newest=max((moment, *stamps.values())),
    )


def unfinished() -> list[Entry]:
    """Films that are still being made, the newest first."""
    query = MediaFile.select(MediaFile.id).where(MediaFile.status.in_(UNFINISHED)).order_by(MediaFile.created_at.desc())
    return [media_files.get(row.id) for row in query.limit(LONGEST_UNFINISHED)]


def _running() -> frozenset[UUID]:
    query = Job.select(Job.media_file).where(Job.state == JobState.IN_PROGRESS).distinct()
    return frozenset(job.media_file_id for job in query)


def _entry(media_id: UUID) -> Entry | None:
    try:
        return media_files.get(media_id)
    except NotFound:
        return None
