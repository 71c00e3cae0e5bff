from __future__ import annotations

import pytest

from vod.catalog import throttle
from vod.catalog.database import Database
from vod.catalog.models import SignInFailure
from vod.errors import Throttled

NOW = 1_000_000.0


def attempt(database: Database, account: str, now: float, address: str = "192.0.2.1") -> int:
    """How long to wait; 0 where the attempt may be judged."""
    try:
        database.unit(throttle.count_attempt, account, address, now)
    except Throttled as refused:
        return refused.retry_after_seconds
    return 0


def test_five_mistakes_are_free_and_then_each_costs_twice_the_last(database: Database) -> None:
    assert [attempt(database, "ada", NOW) for _ in range(5)] == [0] * 5
    now, waits = NOW, []
    for _ in range(9):
        waits.append(attempt(database, "ada", now))
        now += waits[-1]
        assert attempt(database, "ada", now) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_an_hour_holds_too_few_guesses_for_any_dictionary(database: Database) -> None:
    guesses, now = 0, NOW
    while now < NOW + 3600:
        wait = attempt(database, "ada", now, address=f"192.0.2.{guesses % 250}")
        guesses += wait == 0
        now += max(wait, 0.001)
    assert guesses < 80


def test_guesses_sent_at_once_are_counted_before_they_are_judged(database: Database) -> None:
    assert [attempt(database, "ada", NOW) for _ in range(50)].count(0) == 5


def test_the_right_password_starts_anew(database: Database) -> None:
    for _ in range(5):
        attempt(database, "ada", NOW)
    database.unit(throttle.forgive, "ada", "192.0.2.1")
    assert attempt(database, "ada", NOW) == 0


def test_who_guesses_at_one_account_does_not_shut_out_another_at_the_same_address(database: Database) -> None:
    for second in range(60):
        attempt(database, "ada", NOW + second)
    assert attempt(database, "eva", NOW + 60) == 0


def test_an_address_that_tries_many_names_waits_for_the_next_minute(database: Database) -> None:
    waits = [attempt(database, f"name {n}", NOW) for n in range(31)]
    assert waits == [0] * 30 + [60]
    assert attempt(database, "name 31", NOW + 60) == 0


def test_a_restart_forgives_nothing(database: Database, url: str) -> None:
    for _ in range(5):
        attempt(database, "ada", NOW)
    database.close()
    restarted = Database(url, threads=1)
    restarted.open()
    assert attempt(restarted, "ada", NOW) == 1
    restarted.close()


def test_names_are_counted_alike_however_they_are_written(database: Database) -> None:
    for name in ("ada", "Ada", " ADA ", "aDa", "ada "):
        attempt(database, name, NOW)
    assert attempt(database, "ada", NOW) == 1


def test_what_is_an_hour_old_is_forgotten(database: Database) -> None:
    for _ in range(10):
        attempt(database, "ada", NOW)
    database.unit(throttle.forget_old, NOW + 3601)
    assert [attempt(database, "ada", NOW + 3601) for _ in range(5)] == [0] * 5


@pytest.mark.parametrize("late", [1.0, 3601.0])
def test_the_names_themselves_are_not_kept(database: Database, late: float) -> None:
    attempt(database, "ada", NOW + late)
    rows = database.unit(lambda: [row.subject for row in SignInFailure.select()])
    assert len(rows) == 2 and "ada" not in str(rows)
