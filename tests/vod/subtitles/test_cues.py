"""A foreign list of cues becomes an orderly one."""

from __future__ import annotations

from vod.subtitles.cues import Cue, tidy


def cue(start_ms: int, end_ms: int, text: str = "x") -> Cue:
    return Cue(start_ms=start_ms, end_ms=end_ms, text=text)


def test_cues_are_in_order_and_each_once() -> None:
    assert tidy([cue(5, 6, "b"), cue(1, 2, "a"), cue(5, 6, "b")]) == (cue(1, 2, "a"), cue(5, 6, "b"))


def test_times_count_from_the_films_zero() -> None:
    assert tidy([cue(10_500, 11_000)], shift_ms=10_000) == (cue(500, 1000),)


def test_what_begins_before_the_film_is_cut_and_what_lies_outside_it_dropped() -> None:
    found = tidy([cue(500, 1500, "a"), cue(0, 900, "b"), cue(9000, 99_000, "c")], shift_ms=1000, duration_ms=5000)
    assert found == (cue(0, 500, "a"),)


def test_a_cue_does_not_outlast_the_film() -> None:
    assert tidy([cue(4000, 99_000)], duration_ms=5000) == (cue(4000, 5000),)


def test_a_cue_without_an_end_is_shown_until_the_next_or_for_ten_seconds() -> None:
    found = tidy([cue(1000, 1000, "a"), cue(3000, 2000, "b"), cue(60_000, 61_000, "c")])
    assert [(one.start_ms, one.end_ms) for one in found] == [(1000, 3000), (3000, 13_000), (60_000, 61_000)]


def test_two_endless_cues_at_one_time_end_together() -> None:
    found = tidy([cue(1000, 1000, "a"), cue(1000, 1000, "b"), cue(2000, 3000, "c")])
    assert [(one.start_ms, one.end_ms) for one in found] == [(1000, 2000), (1000, 2000), (2000, 3000)]
