from __future__ import annotations

from vod.catalog import turns
from vod.catalog.database import Database, now
from vod.catalog.models import Turn


def test_only_one_has_a_turn_and_he_keeps_it_while_he_asks(database: Database) -> None:
    assert database.unit(turns.take, "sweeping", "one", 60.0)
    assert not database.unit(turns.take, "sweeping", "another", 60.0)
    assert database.unit(turns.take, "sweeping", "one", 60.0)


def test_turns_of_different_names_are_different_turns(database: Database) -> None:
    assert database.unit(turns.take, "sweeping", "one", 60.0)
    assert database.unit(turns.take, "dusting", "another", 60.0)


def test_the_turn_of_one_who_died_is_taken_over(database: Database) -> None:
    database.unit(turns.take, "sweeping", "one", 60.0)
    database.unit(lambda: Turn.update(until=now()).execute())
    assert database.unit(turns.take, "sweeping", "another", 60.0)
    assert not database.unit(turns.take, "sweeping", "one", 60.0)


def test_a_clock_that_was_set_back_keeps_no_turn(database: Database) -> None:
    database.unit(turns.take, "sweeping", "one", 60.0)
    database.unit(lambda: Turn.update(until=now() + 86_400).execute())
    assert database.unit(turns.take, "sweeping", "another", 60.0)
