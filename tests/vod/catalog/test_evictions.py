from __future__ import annotations

import time
from uuid import UUID

import pytest

from tests.vod.catalog.conftest import AddFilm
from vod.catalog import demands, evictions, jobs, leases, media_files, watching
from vod.catalog.database import Database
from vod.catalog.demands import Demand
from vod.catalog.models import Job, JobKind, MediaFile, User

DAY = 86_400.0


@pytest.fixture
def viewer(database: Database) -> int:
    return int(database.unit(User.insert(name="viewer", password_hash="").execute))


def add_ready(database: Database, add_film: AddFilm, *, days_ago: float) -> UUID:
    film = add_film()
    database.unit(media_files.mark_processing, film, probe={}, duration=1.0, width=1, height=1, digest="0" * 16)
    database.unit(media_files.mark_ready, film)
    database.unit(MediaFile.update(ready_at=time.time() - days_ago * DAY).where(MediaFile.id == film).execute)
    database.unit(lambda: Job.delete().where(Job.media_file == film).execute())
    return film


def order(database: Database) -> list[UUID]:
    return [film.media_id for film in database.unit(evictions.planned_films)]


def test_what_was_watched_longest_ago_goes_first(database: Database, add_film: AddFilm, viewer: int) -> None:
    lately, long_ago, never = [add_ready(database, add_film, days_ago=9) for _ in range(3)]
    database.unit(watching.remember, viewer, lately, 1.0, time.time() - 2 * DAY)
    database.unit(watching.remember, viewer, long_ago, 1.0, time.time() - 5 * DAY)
    assert order(database) == [never, long_ago, lately]


def test_a_film_that_nobody_watched_counts_from_when_it_was_ready(
    database: Database, add_film: AddFilm, viewer: int
) -> None:
    young, watched, old = (add_ready(database, add_film, days_ago=days) for days in (1, 8, 7))
    database.unit(watching.remember, viewer, watched, 1.0, time.time() - 3 * DAY)
    assert order(database) == [old, watched, young]


def test_the_last_of_many_viewers_counts(database: Database, add_film: AddFilm, viewer: int) -> None:
    another = int(database.unit(User.insert(name="another", password_hash="").execute))
    shared, lone = [add_ready(database, add_film, days_ago=9) for _ in range(2)]
    database.unit(watching.remember, viewer, shared, 1.0, time.time() - 6 * DAY)
    database.unit(watching.remember, another, shared, 1.0, time.time() - 2 * DAY)
    database.unit(watching.remember, viewer, lone, 1.0, time.time() - 4 * DAY)
    assert order(database) == [lone, shared]


def test_what_is_watched_now_goes_last(database: Database, add_film: AddFilm, viewer: int) -> None:
    playing, demanded, idle = (add_ready(database, add_film, days_ago=days) for days in (30, 20, 1))
    database.unit(watching.remember, viewer, playing, 1.0, time.time() - 600)
    database.unit(demands.want, Demand(media_id=demanded, lane="720p", first=3, last=8))
    assert order(database) == [idle, demanded, playing]
    assert [film.is_watched for film in database.unit(evictions.planned_films)] == [False, True, True]


def test_a_film_without_a_plan_has_nothing_to_lose(database: Database, add_film: AddFilm) -> None:
    add_film()
    assert order(database) == []


def test_the_lanes_of_encodes_that_wait_or_run_are_in_hand(database: Database, film: UUID) -> None:
    for kind, lane in ((JobKind.ENCODE, "ladder"), (JobKind.ENCODE, "720p"), (JobKind.VERIFY, "")):
        database.unit(jobs.add, film, kind, lane=lane)
    assert database.unit(evictions.lanes_in_hand, film) == {"ladder", "720p"}


def test_what_was_made_for_a_viewer_is_in_hand_until_he_has_it(database: Database, film: UUID) -> None:
    database.unit(media_files.mark_processing, film, probe={}, duration=1.0, width=1, height=1, digest="0" * 16)
    database.unit(demands.want, Demand(media_id=film, lane="720p", first=3, last=8))
    job = database.unit(leases.claim, "worker", 60.0)
    assert job is not None
    database.unit(leases.complete, job, "worker")
    assert database.unit(evictions.lanes_in_hand, film) == {"720p"}
    database.unit(Job.update(updated_at=time.time() - evictions.TAKEN_SECONDS - 1).execute)
    assert database.unit(evictions.lanes_in_hand, film) == frozenset()
