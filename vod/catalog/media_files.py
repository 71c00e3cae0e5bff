"""Media files: one original each, its title, and the states it goes through.

    UPLOADED ── mark_processing ──> PROCESSING ── mark_ready ──> READY
        └──────────────┬────────────────┘
                 jobs.fail_media_file ──> FAILED ── jobs.retry, leases.claim ──> UPLOADED | PROCESSING

Every move names the state it comes from, so that it may be repeated and a late one changes nothing.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from peewee import JOIN, fn

from vod.catalog import jobs, titles
from vod.catalog.database import now
from vod.catalog.models import Deletion, Episode, JobKind, MediaFile, MediaStatus, Movie, Season, Series
from vod.catalog.naming import Titling
from vod.errors import Invalid, NotFound

# Long after every worker that held a job of it has stopped and written its last byte.
DELETION_KEPT_SECONDS = 600.0
# Between the name of an original and its row lie milliseconds, or a crash.
EXPECTED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Entry:
    media_file: MediaFile
    titling: Titling | None


@dataclass(frozen=True, slots=True)
class Page:
    entries: tuple[Entry, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    status: MediaStatus | None = None
    kind: Literal["movie", "episode"] | None = None
    query: str = ""  # part of a title, of a series' title or of the file's name


def expect(media_id: UUID, extension: str) -> None:
    """An original of this name is about to appear. Unless `add` follows, it is a deletion: a crash leaks no bytes."""
    Deletion.insert(
        media_id=media_id, extension=extension, requested_at=now() + EXPECTED_SECONDS
    ).on_conflict_ignore().execute()


def add(*, media_id: UUID, name: str, extension: str, size: int, mime_type: str, titling: Titling) -> Entry:
    """The row, its title and its probe job. Adding the same id again changes nothing."""
    inserted = (
        MediaFile.insert(
            id=media_id,
            original_name=name,
            extension=extension,
            size=size,
            mime_type=mime_type,
            created_at=now(),
            updated_at=now(),
        )
        .on_conflict_ignore()
        .returning(MediaFile.id)
        .execute()
    )
    if list(inserted):
        Deletion.delete().where(Deletion.media_id == media_id).execute()
        titles.add(media_id, titling)
        jobs.add(media_id, JobKind.PROBE, priority=jobs.PROBE)
    return get(media_id)


def get(media_id: UUID) -> Entry:
    """Raises NotFound."""
    for row in _rows().where(MediaFile.id == media_id).objects():
        return Entry(row, titles.of_row(row))
    raise NotFound("There is no such film.")


def page(filters: Filters, *, limit: int, cursor: str | None = None) -> Page:
    """Newest first. Raises Invalid for a cursor that no page gave out."""
    query = _filtered(_rows(), filters).order_by(MediaFile.created_at.desc(), MediaFile.id.desc())
    if cursor is not None:
        query = query.where(_after(cursor))
    rows = list(query.limit(limit + 1).objects())
    entries = tuple(Entry(row, titles.of_row(row)) for row in rows[:limit])
    return Page(entries, _cursor(entries[-1].media_file) if len(rows) > limit else None)


def rename(media_id: UUID, titling: Titling) -> None:
    """Raises NotFound."""
    titles.rename(media_id, titling)
    touch(media_id)


def delete(media_id: UUID) -> str:
    """Take the row away, and with it jobs and title; returns the extension for `Storage.delete_media`.

    A worker in the middle of it loses its lease and stops. The bytes are the caller's to remove; what a crash
    or a late writer leaves, a worker's sweeper removes, for `deletions` remembers. Raises NotFound.
    """
    deleted = MediaFile.delete().where(MediaFile.id == media_id).returning(MediaFile.extension).execute()
    for row in list(deleted):
        Deletion.insert(media_id=media_id, extension=row.extension, requested_at=now()).execute()
        titles.prune()
        return str(row.extension)
    raise NotFound("There is no such film.")


def deletions() -> list[tuple[UUID, str]]:
    """Media ids whose bytes have to be gone, with their extensions."""
    return [(row.media_id, row.extension) for row in Deletion.select().where(Deletion.requested_at <= now())]


def plans() -> list[tuple[UUID, str]]:
    """Media id and digest of every film that has a plan."""
    planned = MediaFile.select(MediaFile.id, MediaFile.plan_digest).where(MediaFile.plan_digest.is_null(False))
    return [(row.id, str(row.plan_digest)) for row in planned]


def forget_deletions() -> None:
    Deletion.delete().where(Deletion.requested_at < now() - DELETION_KEPT_SECONDS).execute()


def mark_processing(
    media_id: UUID, *, probe: dict[str, Any], duration: float, width: int | None, height: int | None, digest: str
) -> bool:
    """False when the film was deleted or cancelled meanwhile; so with each move below."""
    return _move(
        media_id,
        (MediaStatus.UPLOADED, MediaStatus.PROCESSING),
        status=MediaStatus.PROCESSING,
        probe=probe,
        duration=duration,
        width=width,
        height=height,
        plan_digest=digest,
    )


def mark_playable(media_id: UUID) -> bool:
    """One rung and its audio are complete. True only the first time."""
    return _move(media_id, MediaStatus, unless=MediaFile.playable_at.is_null(False), playable_at=now())


def mark_ready(media_id: UUID) -> bool:
    return _move(media_id, (MediaStatus.PROCESSING,), status=MediaStatus.READY, ready_at=now(), error_message=None)


def mark_unfinished(media_id: UUID) -> bool:
    """A READY film is to be made anew; it stays playable."""
    return _move(media_id, (MediaStatus.READY,), status=MediaStatus.PROCESSING, ready_at=None)


def is_ready(media_id: UUID) -> bool:
    return bool(MediaFile.select().where((MediaFile.id == media_id) & (MediaFile.status == MediaStatus.READY)).exists())


def mark_artwork(media_id: UUID) -> bool:
    return _move(media_id, MediaStatus, has_artwork=True)


def counts() -> dict[MediaStatus, int]:
    rows: Any = MediaFile.select(MediaFile.status, fn.COUNT(MediaFile.id)).group_by(MediaFile.status).tuples()
    return {MediaStatus(status): count for status, count in rows}


def touch(media_id: UUID) -> bool:
    """Something that is not in the row changed: whoever watches `updated_at` looks again."""
    return _move(media_id, MediaStatus)


def _move(media_id: UUID, sources: Any, unless: Any = None, **changes: Any) -> bool:
    query = MediaFile.update(updated_at=now(), **changes).where(
        (MediaFile.id == media_id) & MediaFile.status.in_(list(sources))
    )
    moved: int = (query if unless is None else query.where(~unless)).execute()
    return moved == 1


def _rows() -> Any:
    return (
        MediaFile.select(
            MediaFile,
            Movie.title.alias("movie_title"),
            Movie.release_date,
            Movie.description.alias("movie_description"),
            Series.title.alias("series_title"),
            Season.number.alias("season_number"),
            Episode.number.alias("episode_number"),
            Episode.title.alias("episode_title"),
        )
        .join(Movie, JOIN.LEFT_OUTER)
        .join_from(MediaFile, Episode, JOIN.LEFT_OUTER)
        .join(Season, JOIN.LEFT_OUTER)
        .join(Series, JOIN.LEFT_OUTER)
    )


def _filtered(query: Any, filters: Filters) -> Any:
    if filters.status is not None:
        query = query.where(MediaFile.status == filters.status)
    if filters.kind is not None:
        query = query.where((Movie if filters.kind == "movie" else Episode).id.is_null(False))
    if text := filters.query.strip():
        named = (Movie.title, Series.title, Episode.title, MediaFile.original_name)
        found = named[0].contains(text)
        for column in named[1:]:
            found |= column.contains(text)
        query = query.where(found)
    return query


def _cursor(row: MediaFile) -> str:
    return base64.urlsafe_b64encode(f"{row.created_at!r} {row.id}".encode()).decode().rstrip("=")


def _after(cursor: str) -> Any:
    try:
        moment, media_id = base64.urlsafe_b64decode(f"{cursor}==").decode().split(" ")
        created_at, last = float(moment), UUID(media_id)
    except (ValueError, binascii.Error):
        raise Invalid("The cursor is not one of this list's.") from None
    same = (MediaFile.created_at == created_at) & (MediaFile.id < last)
    return (MediaFile.created_at < created_at) | same
