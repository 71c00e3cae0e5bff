"""Which runs of missing segments are the next to be made."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vod.hls.encode import Span
from vod.hls.grid import Grid
from vod.hls.spans import next_spans, runs

SIX_SECONDS = Grid(1, tuple(range(0, 603, 6)))  # a hundred segments
UNEVEN = Grid(1, (0, 6, 90, 96, 102, 108))  # the second one outlasts a span
MINUTE = Fraction(60)


def opened(
    missing: list[int], covered: list[tuple[int, int]], grid: Grid = SIX_SECONDS, most: int = 100
) -> list[tuple[int, int]]:
    return [(span.first, span.last) for span in next_spans(missing, covered, grid, MINUTE, most)]


@pytest.mark.parametrize(
    ("missing", "covered", "spans"),
    [
        pytest.param([*range(25)], [], [(0, 9), (10, 19), (20, 24)], id="a minute each"),
        pytest.param([*range(25)], [(0, 9)], [(10, 19), (20, 24)], id="not what a job has in hand"),
        pytest.param([*range(25)], [(5, 14)], [(0, 4), (15, 24)], id="around what a job has in hand"),
        pytest.param([3, 4, 9], [], [(3, 4), (9, 9)], id="holes are not joined"),
        pytest.param([3, 4], [(0, 9)], [], id="all in hand"),
        pytest.param([], [], [], id="all there"),
    ],
)
def test_missing_segments_are_spans_of_a_minute(
    missing: list[int], covered: list[tuple[int, int]], spans: list[tuple[int, int]]
) -> None:
    assert opened(missing, covered) == spans


@pytest.mark.parametrize(("most", "spans"), [(2, [(0, 9), (10, 19)]), (0, []), (-1, [])])
def test_no_more_are_opened_than_asked_for(most: int, spans: list[tuple[int, int]]) -> None:
    assert opened([*range(100)], [], most=most) == spans


def test_a_segment_longer_than_a_span_is_one() -> None:
    assert opened([*range(5)], [], UNEVEN) == [(0, 0), (1, 1), (2, 4)]


def test_a_span_says_nothing_of_seeking() -> None:
    assert next_spans([7], [], SIX_SECONDS, MINUTE, 1) == [Span(first=7, last=7, seek_back_seconds=Fraction(0))]


@pytest.mark.parametrize(
    ("numbers", "found"), [([], []), ([4], [(4, 4)]), ([1, 2, 3, 7], [(1, 3), (7, 7)]), ([0, 2], [(0, 0), (2, 2)])]
)
def test_runs_have_no_gap(numbers: list[int], found: list[tuple[int, int]]) -> None:
    assert runs(numbers) == found


@settings(deadline=None)  # a busy machine is no failure
@given(missing=st.sets(st.integers(0, 99)), covered=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 20))))
def test_every_missing_segment_is_in_exactly_one_hand(missing: set[int], covered: list[tuple[int, int]]) -> None:
    in_hand = [(first, first + length) for first, length in covered]
    spans = opened(sorted(missing), in_hand)
    numbers = [number for first, last in spans for number in range(first, last + 1)]
    assert all(earlier < later for earlier, later in pairwise(numbers))
    assert set(numbers) == {n for n in missing if not any(first <= n <= last for first, last in in_hand)}
