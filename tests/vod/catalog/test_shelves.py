"""What the pages read of the library."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tests.vod.catalog.conftest import AddFilm
from vod.catalog import accounts, shelves, watching
from vod.catalog.database import Database
from vod.catalog.models import MediaFile
from vod.catalog.naming import EpisodeTitling, MovieTitling
from vod.errors import NotFound


@pytest.fixture
def viewer(database: Database) -> int:
    return database.unit(accounts.add_user, "Uwe", "").id


def make_playable(database: Database, media_id: UUID, seconds: float = 100.0) -> None:
    playable = MediaFile.update(duration=seconds, playable_at=1.0).where(MediaFile.id == media_id)
    database.unit(playable.execute)


def stop_at(database: Database, viewer: int, media_id: UUID, seconds: float) -> None:
    database.unit(watching.remember, viewer, media_id, seconds, 1.0)


def test_the_newest_film_comes_first(database: Database, viewer: int, add_film: AddFilm) -> None:
    for title in ("First", "Second"):
        add_film(MovieTitling(title=title))
    assert [card.title for card in database.unit(shelves.library, viewer).movies] == ["Second", "First"]


def test_a_long_shelf_goes_on_on_the_next_page(
    database: Database, viewer: int, add_film: AddFilm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "MOVIES_A_PAGE", 2)
    titles = ["One", "Two", "Three"]
    for title in titles:
        add_film(MovieTitling(title=title))
    add_film(EpisodeTitling(series="A Show", season=1, episode=1))
    first, second = (database.unit(shelves.library, viewer, page=page) for page in (1, 2))
    assert [card.title for card in (*first.movies, *second.movies)] == titles[::-1]
    assert (first.next_page, second.next_page) == (2, None)
    assert (len(first.series), len(second.series)) == (1, 0)


def test_a_series_is_one_card_with_all_its_episodes(database: Database, viewer: int, add_film: AddFilm) -> None:
    for season, episode in ((2, 1), (1, 2), (1, 1)):
        add_film(EpisodeTitling(series="A Show", season=season, episode=episode))
    (card,) = database.unit(shelves.library, viewer).series
    assert (card.title, card.episodes) == ("A Show", 3)
    seasons = database.unit(shelves.series, card.id, viewer).seasons
    assert [(season.number, [one.title for one in season.episodes]) for season in seasons] == [
        (1, ["Episode 1", "Episode 2"]),
        (2, ["Episode 1"]),
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("bread", {"A Show"}, id="part of an episode's title"),
        pytest.param("SHOW", {"A Show"}, id="the series in other letters"),
        pytest.param("train", {"Night Train"}, id="part of a film's title"),
        pytest.param("%", set(), id="no wildcard"),
        pytest.param("_", set(), id="no wildcard either"),
    ],
)
def test_a_search_finds_parts_of_titles(
    database: Database, viewer: int, add_film: AddFilm, query: str, found: set[str]
) -> None:
    add_film(MovieTitling(title="Night Train"))
    add_film(EpisodeTitling(series="A Show", season=1, episode=1, title="Bread"))
    shown = database.unit(shelves.library, viewer, query)
    assert {card.title for card in shown.movies} | {card.title for card in shown.series} == found


@pytest.mark.parametrize(
    ("seconds", "resumable"),
    [
        pytest.param(2.0, False, id="hardly begun"),
        pytest.param(40.0, True, id="in the middle"),
        pytest.param(96.0, False, id="in the credits"),
    ],
)
def test_only_what_was_left_in_the_middle_is_offered_again(
    database: Database, viewer: int, add_film: AddFilm, seconds: float, resumable: bool
) -> None:
    media_id = add_film(EpisodeTitling(series="A Show", season=1, episode=2, title="Bread"))
    make_playable(database, media_id)
    stop_at(database, viewer, media_id, seconds)
    cards = database.unit(shelves.library, viewer).resumable
    assert [(card.title, card.subtitle, card.watched) for card in cards] == (
        [("A Show", "S1 E2 Bread", 0.4)] if resumable else []
    )


def test_a_position_belongs_to_one_viewer(database: Database, viewer: int, add_film: AddFilm) -> None:
    other = database.unit(accounts.add_user, "Ida", "").id
    media_id = add_film()
    make_playable(database, media_id)
    stop_at(database, viewer, media_id, 40.0)
    assert database.unit(shelves.film, media_id, viewer).position == 40.0
    assert database.unit(shelves.film, media_id, other).position == 0.0


def test_what_does_not_exist_is_not_found(database: Database, viewer: int) -> None:
    for read, missing in ((shelves.movie, 7), (shelves.series, 7)):
        with pytest.raises(NotFound):
            database.unit(read, missing, viewer)
    with pytest.raises(NotFound):
        database.unit(shelves.film, uuid4(), viewer)
