"""Movies and episodes, as people know them: each points at one media file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from vod.catalog.models import Episode, Movie, Season, Series
from vod.catalog.naming import EpisodeTitling, MovieTitling, Titling
from vod.errors import NotFound


def add(media_file_id: UUID, titling: Titling) -> None:
    if isinstance(titling, MovieTitling):
        Movie.create(media_file=media_file_id, **asdict(titling))
    else:
        Episode.create(season=_season(titling), number=titling.episode, title=titling.title, media_file=media_file_id)


def rename(media_file_id: UUID, titling: Titling) -> None:
    """Also turns a movie into an episode and back. Raises NotFound for a media file that has no title."""
    if isinstance(titling, MovieTitling):
        changed = _update(Movie, media_file_id, **asdict(titling))
    else:
        changed = _update(Episode, media_file_id, season=_season(titling), number=titling.episode, title=titling.title)
    if not changed:
        if not remove(media_file_id):
            raise NotFound("There is no such title.")
        add(media_file_id, titling)
    prune()


def describe_series(series_id: int, description: str) -> None:
    """Raises NotFound."""
    if not Series.update(description=description).where(Series.id == series_id).execute():
        raise NotFound("There is no such series.")


def remove(media_file_id: UUID) -> bool:
    movies: int = Movie.delete().where(Movie.media_file == media_file_id).execute()
    episodes: int = Episode.delete().where(Episode.media_file == media_file_id).execute()
    return movies + episodes > 0


def prune() -> None:
    """A season without episodes and a series without seasons are nothing anybody could open."""
    Season.delete().where(Season.id.not_in(Episode.select(Episode.season))).execute()
    Series.delete().where(Series.id.not_in(Season.select(Season.series))).execute()


def of_row(row: Any) -> Titling | None:
    """From the columns that `media_files` selects beside a media file."""
    if row.movie_title is not None:
        return MovieTitling(title=row.movie_title, release_date=row.release_date, description=row.movie_description)
    if row.series_title is not None:
        return EpisodeTitling(
            series=row.series_title, season=row.season_number, episode=row.episode_number, title=row.episode_title
        )
    return None


def _update(model: Any, media_file_id: UUID, **changes: Any) -> bool:
    changed: int = model.update(**changes).where(model.media_file == media_file_id).execute()
    return changed > 0


def _season(titling: EpisodeTitling) -> int:
    series = _id_of(Series, title=titling.series)
    return _id_of(Season, series=series, number=titling.season)


def _id_of(model: Any, **unique: Any) -> int:
    """The row with these values, made where there is none; two uploads of one series may meet here."""
    model.insert(**unique).on_conflict_ignore().execute()
    row_id: int = model.get(**unique).id
    return row_id
