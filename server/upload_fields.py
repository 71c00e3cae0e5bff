"""What a sender says a film is called, and what its file's name says where he does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from server.contract import Given
from server.labels import one_line
from vod.catalog.naming import LONGEST_TITLE, RELEASE_DATE, EpisodeTitling, MovieTitling, Titling, guess
from vod.errors import Invalid


def _nothing_for_empty(value: object) -> object:
    """A form sends its empty fields, too."""
    return one_line(value) or None if isinstance(value, str) else value


Text = Annotated[Annotated[str, Field(max_length=LONGEST_TITLE)] | None, BeforeValidator(_nothing_for_empty)]
Number = Annotated[Annotated[int, Field(ge=0, le=99_999)] | None, BeforeValidator(_nothing_for_empty)]


Date = Annotated[Annotated[str, Field(pattern=RELEASE_DATE)] | None, BeforeValidator(_nothing_for_empty)]


class UploadFields(Given):
    title: Text = None
    release_date: Date = None
    kind: Annotated[Literal["movie", "episode"] | None, BeforeValidator(_nothing_for_empty)] = None
    series: Text = None
    season: Number = None
    episode: Number = None

    @model_validator(mode="after")
    def _belong_together(self) -> UploadFields:
        of_episode = (self.series, self.season, self.episode)
        if self.kind == "movie" and any(value is not None for value in of_episode):
            raise ValueError("a movie has no series, season or episode")
        if any(value is not None for value in of_episode) and any(value is None for value in of_episode):
            raise ValueError("series, season and episode go together")
        if self.release_date is not None and (self.kind == "episode" or self.series is not None):
            raise ValueError("only a movie has a release date")
        return self

    def titling(self, label: str) -> Titling:
        """What the fields leave open, the file's name says. Raises Invalid."""
        if self.series is not None and self.season is not None and self.episode is not None:
            return EpisodeTitling(series=self.series, season=self.season, episode=self.episode, title=self.title or "")
        guessed = guess(label)
        if self.kind == "episode":
            if isinstance(guessed, MovieTitling):
                raise Invalid("An episode needs series, season and episode; the name of the file does not tell them.")
            return guessed
        return self._movie(guessed, label) if self._is_movie(guessed) else guessed

    def _is_movie(self, guessed: Titling) -> bool:
        return isinstance(guessed, MovieTitling) or bool(self.kind or self.title or self.release_date)

    def _movie(self, guessed: Titling, label: str) -> MovieTitling:
        if self.title is not None:
            return MovieTitling(title=self.title, release_date=self.release_date)
        if isinstance(guessed, EpisodeTitling):
            return MovieTitling(title=label.rpartition(".")[0] or label, release_date=self.release_date)
        return replace(guessed, release_date=self.release_date or guessed.release_date)
