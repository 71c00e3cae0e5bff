from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tests.vod.catalog.conftest import AddFilm
from vod.catalog import jobs, leases, media_files
from vod.catalog.database import Database, now
from vod.catalog.media_files import Filters
from vod.catalog.models import Deletion, JobKind, MediaStatus, Season, Series
from vod.catalog.naming import EpisodeTitling, MovieTitling
from vod.errors import Invalid, NotFound

PILOT = EpisodeTitling(series="The Show", season=1, episode=1, title="Pilot")


def mark_processing(database: Database, film: UUID) -> bool:
    return database.unit(
        media_files.mark_processing,
        film,
        probe={"format": "mp4"},
        duration=12.5,
        width=640,
        height=360,
        digest="0123456789abcdef",
    )


def ids(database: Database, filters: Filters) -> list[UUID]:
    return [entry.media_file.id for entry in database.unit(media_files.page, filters, limit=50).entries]


def test_a_film_comes_with_its_title_and_its_probe(database: Database, add_film: AddFilm) -> None:
    film = add_film(MovieTitling(title="Metropolis", release_date="1927"))
    entry = database.unit(media_files.get, film)
    assert entry.titling == MovieTitling(title="Metropolis", release_date="1927")
    assert entry.media_file.status == MediaStatus.UPLOADED
    assert [job.kind for job in database.unit(jobs.open_jobs, film)] == [JobKind.PROBE]


def test_adding_a_film_twice_adds_it_once(database: Database) -> None:
    media_id = uuid4()
    for _ in range(2):
        database.unit(
            media_files.add,
            media_id=media_id,
            name="film.mp4",
            extension="mp4",
            size=1,
            mime_type="video/mp4",
            titling=PILOT,
        )
    assert ids(database, Filters()) == [media_id]
    assert len(database.unit(jobs.open_jobs, media_id)) == 1


def test_episodes_of_one_season_share_it(database: Database, add_film: AddFilm) -> None:
    for number in (1, 2):
        add_film(EpisodeTitling(series="The Show", season=1, episode=number))
    assert database.unit(lambda: (Series.select().count(), Season.select().count())) == (1, 1)


def test_pages_are_newest_first_and_complete(database: Database, add_film: AddFilm) -> None:
    films = [add_film() for _ in range(7)]
    seen: list[UUID] = []
    cursor = None
    for size in (3, 3, 1):
        page = database.unit(media_files.page, Filters(), limit=3, cursor=cursor)
        assert len(page.entries) == size
        seen += [entry.media_file.id for entry in page.entries]
        cursor = page.next_cursor
    assert cursor is None
    assert seen == films[::-1]


@pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "MSAy"])
def test_a_made_up_cursor_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(Invalid):
        database.unit(media_files.page, Filters(), limit=3, cursor=cursor)


def test_pages_are_filtered_by_kind_status_and_words(database: Database, add_film: AddFilm) -> None:
    movie = add_film(MovieTitling(title="100% Wool"))
    episode = add_film(PILOT)
    named = add_film(name="Wool.mkv")
    mark_processing(database, movie)
    assert ids(database, Filters(kind="episode")) == [episode]
    assert ids(database, Filters(kind="movie", status=MediaStatus.PROCESSING)) == [movie]
    assert ids(database, Filters(query="the sHOW")) == [episode]
    assert ids(database, Filters(query="pilot")) == [episode]
    assert ids(database, Filters(query="wool")) == [named, movie]
    assert ids(database, Filters(query="0%")) == [movie]


def test_a_movie_can_become_an_episode_and_back(database: Database, film: UUID) -> None:
    for titling in (PILOT, MovieTitling(title="Back"), PILOT):
        database.unit(media_files.rename, film, titling)
        assert database.unit(media_files.get, film).titling == titling


def test_a_series_without_episodes_is_gone(database: Database, add_film: AddFilm) -> None:
    film = add_film(PILOT)
    database.unit(media_files.rename, film, EpisodeTitling(series="Another", season=2, episode=1))
    assert database.unit(lambda: [series.title for series in Series.select()]) == ["Another"]
    database.unit(media_files.delete, film)
    assert database.unit(lambda: Series.select().count()) == 0


def test_a_film_goes_from_uploaded_to_ready(database: Database, film: UUID) -> None:
    assert mark_processing(database, film)
    assert database.unit(media_files.mark_ready, film)
    row = database.unit(media_files.get, film).media_file
    assert (row.status, row.duration, row.probe) == (MediaStatus.READY, 12.5, {"format": "mp4"})
    assert row.ready_at is not None


def test_a_film_becomes_playable_once(database: Database, film: UUID) -> None:
    assert database.unit(media_files.mark_playable, film)
    first = database.unit(media_files.get, film).media_file.playable_at
    assert not database.unit(media_files.mark_playable, film)
    assert database.unit(media_files.get, film).media_file.playable_at == first


def test_a_failed_film_is_not_made_ready_by_a_late_worker(database: Database, film: UUID) -> None:
    mark_processing(database, film)
    database.unit(jobs.fail_media_file, film, "It broke.")
    assert not mark_processing(database, film)
    assert not database.unit(media_files.mark_ready, film)


def test_deleting_takes_the_job_from_its_worker(database: Database, add_film: AddFilm) -> None:
    film = add_film()
    job = database.unit(leases.claim, "worker", 60)
    assert job is not None
    assert database.unit(media_files.delete, film) == "mp4"
    assert database.unit(leases.renew, "worker", {job.id: job.attempts}, 60, {}).lost == {job.id}
    with pytest.raises(NotFound):
        database.unit(media_files.get, film)


def test_a_deletion_is_remembered_until_no_late_writer_can_be_left(database: Database, film: UUID) -> None:
    database.unit(media_files.delete, film)
    database.unit(media_files.forget_deletions)
    assert database.unit(media_files.deletions) == [(film, "mp4")]
    database.unit(lambda: Deletion.update(requested_at=now() - 3600).execute())
    database.unit(media_files.forget_deletions)
    assert database.unit(media_files.deletions) == []


def test_an_expected_original_that_never_got_its_row_is_deleted_later(database: Database) -> None:
    lost = uuid4()
    database.unit(media_files.expect, lost, "mkv")
    assert database.unit(media_files.deletions) == []
    database.unit(lambda: Deletion.update(requested_at=now()).execute())
    assert database.unit(media_files.deletions) == [(lost, "mkv")]


def test_an_expected_original_that_got_its_row_stays(database: Database) -> None:
    media_id = uuid4()
    database.unit(media_files.expect, media_id, "mp4")
    database.unit(
        media_files.add,
        media_id=media_id,
        name="film.mp4",
        extension="mp4",
        size=1,
        mime_type="video/mp4",
        titling=PILOT,
    )
    assert database.unit(lambda: Deletion.select().count()) == 0


@pytest.mark.parametrize("act", [media_files.get, media_files.delete])
def test_an_unknown_film_is_not_found(database: Database, act: object) -> None:
    with pytest.raises(NotFound):
        database.unit(act, uuid4())  # type: ignore[arg-type]


def test_an_unknown_film_cannot_be_renamed(database: Database) -> None:
    with pytest.raises(NotFound):
        database.unit(media_files.rename, uuid4(), PILOT)
