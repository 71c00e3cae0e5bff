"""Where a user stopped watching. Everything here runs inside a unit of work."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from vod.catalog.models import MediaFile, WatchState
from vod.errors import NotFound


@dataclass(frozen=True, slots=True)
class Position:
    seconds: float
    updated_at: float


def remember(user_id: int, media_file_id: UUID, seconds: float, now: float) -> None:
    """The last screen that reports wins. Raises NotFound."""
    _check_exists(media_file_id)
    WatchState.insert(user=user_id, media_file=media_file_id, position_seconds=seconds, updated_at=now).on_conflict(
        conflict_target=(WatchState.user, WatchState.media_file),
        update={WatchState.position_seconds: seconds, WatchState.updated_at: now},
    ).execute()


def position(user_id: int, media_file_id: UUID) -> Position:
    """0 for what was never watched. Raises NotFound."""
    _check_exists(media_file_id)
    state = WatchState.get_or_none((WatchState.user == user_id) & (WatchState.media_file == media_file_id))
    return Position(state.position_seconds, state.updated_at) if state else Position(0.0, 0.0)


def _check_exists(media_file_id: UUID) -> None:
    if not MediaFile.select().where(MediaFile.id == media_file_id).exists():
        raise NotFound("There is no such media file.")
