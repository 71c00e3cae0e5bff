"""What the pages show of the library: films, series and how far somebody has watched, read in one go each.

Everything here runs inside a unit of work that only reads, and returns frozen records, so that no template
ever touches the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from peewee import JOIN

from vod.catalog.models import Episode, MediaFile, Movie, Season, Series, WatchState
from vod.errors import NotFound

MOVIES_A_PAGE = 120
RESUMABLE_AT_MOST = 12
STARTED_SECONDS = 5.0  # less than this is a look, not a watch
FINISHED_PART = 0.95  # the credits


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One title as a grid shows it. `duration` and `position` are seconds."""

    media_id: UUID
    title: str
    subtitle: str
    duration: float | None
    status: str
    playable: bool
    has_artwork: bool
    position: float

    @property
    def watched(self) -> float:
        """0..1; 0 where it was hardly begun, or seen to its end."""
        if not self.duration or self.position < STARTED_SECONDS:
            return 0.0
        part = self.position / self.duration
        return part if part < FINISHED_PART else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesCard:
    id: int
    title: str
    episodes: int
    cover: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    resumable: tuple[Card, ...]
    series: tuple[SeriesCard, ...]
    movies: tuple[Card, ...]
    next_page: int | None

    @property
    def empty(self) -> bool:
        return not (self.series or self.movies)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonShelf:
    number: int
    episodes: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesShelf:
    id: int
    title: str
    description: str
    seasons: tuple[SeasonShelf, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieShelf:
    card: Card
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One media file as its watch page shows it. `own_title` is what renaming changes."""

    media_id: UUID
    title: str
    own_title: str
    subtitle: str
    release_date: str
    description: str
    movie_id: int | None
    series_id: int | None
    series_title: str
    duration: float | None
    width: int | None
    height: int | None
    status: str
    has_artwork: bool
    position: float


def library(user_id: int, query: str = "", page: int = 1) -> Shelves:
    """Newest films first, series by name. Series and what is being watched stand on the first page only."""
    movies = _movies(user_id, query, page)
    first = page == 1
    return Shelves(
        resumable=_resumable(user_id) if first and not query else (),
        series=_series_cards(user_id, query) if first else (),
        movies=tuple(_movie_card(row) for row in movies[:MOVIES_A_PAGE]),
        next_page=page + 1 if len(movies) > MOVIES_A_PAGE else None,
    )


def movie(movie_id: int, user_id: int) -> MovieShelf:
    row = _titled(user_id).where(Movie.id == movie_id).first()
    if row is None:
        raise NotFound("There is no such film.")
    return MovieShelf(card=_movie_card(row), description=row["description"])


def series(series_id: int, user_id: int) -> SeriesShelf:
    record = Series.get_or_none(Series.id == series_id)
    if record is None:
        raise NotFound("There is no such series.")
    rows = _titled(user_id).where(Series.id == series_id).order_by(Season.number, Episode.number, Episode.id)
    seasons = (
        SeasonShelf(number=number, episodes=tuple(_episode_card(row) for row in episodes))
        for number, episodes in groupby(rows, key=lambda row: row["season"])
    )
    return SeriesShelf(id=record.id, title=record.title, description=record.description, seasons=tuple(seasons))


def film(media_id: UUID, user_id: int) -> Film:
    row = _titled(user_id).where(MediaFile.id == media_id).first()
    if row is None:
        raise NotFound("There is no such film.")
    return Film(
        media_id=media_id,
        title=_own_title(row) or _numbered(row),
        own_title=_own_title(row),
        subtitle=_place(row) if row["series_id"] else _year(row),
        release_date=row["release_date"] or "",
        description=row["description"] or "",
        movie_id=row["movie_id"],
        series_id=row["series_id"],
        series_title=row["series_title"] or "",
        duration=row["duration"],
        width=row["width"],
        height=row["height"],
        status=row["status"],
        has_artwork=row["has_artwork"],
        position=row["position"] or 0.0,
    )


def _titled(user_id: int) -> Any:
    """Every media file with its title and this user's place in it, as dictionaries."""
    return (
        MediaFile.select(
            *(MediaFile.id, MediaFile.original_name, MediaFile.duration, MediaFile.width, MediaFile.height),
            *(MediaFile.status, MediaFile.playable_at, MediaFile.has_artwork),
            *(Movie.id.alias("movie_id"), Movie.title.alias("movie_title"), Movie.description, Movie.release_date),
            *(Episode.title.alias("episode_title"), Episode.number.alias("episode"), Season.number.alias("season")),
            *(Series.id.alias("series_id"), Series.title.alias("series_title")),
            WatchState.position_seconds.alias("position"),
        )
        .join(Movie, JOIN.LEFT_OUTER)
        .switch(MediaFile)
        .join(Episode, JOIN.LEFT_OUTER)
        .join(Season, JOIN.LEFT_OUTER)
        .join(Series, JOIN.LEFT_OUTER)
        .join(
            WatchState,
            JOIN.LEFT_OUTER,
            on=(WatchState.media_file == MediaFile.id) & (WatchState.user == user_id),
        )
        .dicts()
    )


def _movies(user_id: int, query: str, page: int) -> list[dict[str, Any]]:
    """One more than a page holds, where there are more."""
    rows = _titled(user_id).where(Movie.id.is_null(False))
    if query:
        rows = rows.where(Movie.title.contains(query))
    newest_first = rows.order_by(MediaFile.created_at.desc(), MediaFile.id)
    return list(newest_first.limit(MOVIES_A_PAGE + 1).offset((page - 1) * MOVIES_A_PAGE))


def _resumable(user_id: int) -> tuple[Card, ...]:
    begun = (
        _titled(user_id)
        .where(WatchState.position_seconds >= STARTED_SECONDS, MediaFile.playable_at.is_null(False))
        .where(WatchState.position_seconds < MediaFile.duration * FINISHED_PART)
        .order_by(WatchState.updated_at.desc())
    )
    return tuple(_resume_card(row) for row in begun.limit(RESUMABLE_AT_MOST))


def _series_cards(user_id: int, query: str) -> tuple[SeriesCard, ...]:
    rows = _titled(user_id).where(Series.id.is_null(False))
    if query:
        rows = rows.where(Series.title.contains(query) | Episode.title.contains(query))
    ordered = rows.order_by(Series.title, Series.id, Season.number, Episode.number)
    grouped = groupby(ordered, key=lambda row: (row["series_id"], row["series_title"]))
    return tuple(_series_card(series_id, title, list(episodes)) for (series_id, title), episodes in grouped)


def _series_card(series_id: int, title: str, episodes: list[dict[str, Any]]) -> SeriesCard:
    with_still: Iterable[dict[str, Any]] = (row for row in episodes if row["has_artwork"])
    cover = _card(next(iter(with_still), episodes[0]), title=title, subtitle="")
    return SeriesCard(id=series_id, title=title, episodes=len(episodes), cover=cover)


def _movie_card(row: dict[str, Any]) -> Card:
    return _card(row, title=_own_title(row), subtitle=_year(row))


def _episode_card(row: dict[str, Any]) -> Card:
    return _card(row, title=_own_title(row) or _numbered(row), subtitle=_numbered(row) if _own_title(row) else "")


def _resume_card(row: dict[str, Any]) -> Card:
    if row["series_id"] is None:
        return _movie_card(row)
    return _card(
        row, title=row["series_title"], subtitle=f"S{row['season']} E{row['episode']} {_own_title(row)}".strip()
    )


def _card(row: dict[str, Any], *, title: str, subtitle: str) -> Card:
    return Card(
        media_id=row["id"],
        title=title,
        subtitle=subtitle,
        duration=row["duration"],
        status=row["status"],
        playable=row["playable_at"] is not None,
        has_artwork=row["has_artwork"],
        position=row["position"] or 0.0,
    )


def _own_title(row: dict[str, Any]) -> str:
    """A file that nobody has titled goes by its name; an episode without one by its number."""
    if row["series_id"] is not None:
        return str(row["episode_title"] or "")
    return str(row["movie_title"] or row["original_name"])


def _numbered(row: dict[str, Any]) -> str:
    return f"Episode {row['episode']}"


def _place(row: dict[str, Any]) -> str:
    return f"Season {row['season']}, episode {row['episode']}"


def _year(row: dict[str, Any]) -> str:
    return str(row["release_date"] or "")[:4]
