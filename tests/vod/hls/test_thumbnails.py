"""Stills are listed for DASH where one length of a tile shows each within its own time."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vod.hls.thumbnails import still_starts, tile_milliseconds
from vod.hls.trickplay import Layout, render_stills_vtt

TILES = Layout(interval_seconds=Fraction(10), width=160, height=90, columns=10, rows=10, stills=1000)


@pytest.mark.parametrize(
    ("starts", "duration", "expected"),
    [
        pytest.param([0, 2000, 4000, 6000], 8000, 2000, id="each at its time"),
        pytest.param([0, 2002, 4004, 6006], 8008, 2002, id="of a film's rate"),
        pytest.param([0, 10_010, 20_020, 30_030], 40_000, 10_010, id="behind a whole second each"),
        pytest.param([0, 11_500, 20_200, 31_000], 40_000, 10_100, id="anywhere in its stretch"),
        pytest.param([0], 3000, 3000, id="alone"),
        pytest.param([0, 2000, 4000, 6000], 8500, 2000, id="with a rest that is none to speak of"),
    ],
)
def test_a_tile_is_as_long_as_all_stills_allow(starts: list[int], duration: int, expected: int) -> None:
    assert tile_milliseconds(starts, 100, duration) == expected
    assert [start // expected for start in starts] == list(range(len(starts)))


@pytest.mark.parametrize(
    ("starts", "duration"),
    [
        pytest.param([0, 4400, 9800, 17_000], 24_000, id="keyframes at any time"),
        pytest.param([0, 1000, 3000], 4000, id="a stretch without a keyframe"),
        pytest.param([0, 0, 3000], 4000, id="two at once"),
        pytest.param([0, 2000, 4000], 7000, id="none for the end"),
        pytest.param([], 7000, id="none at all"),
    ],
)
def test_what_is_not_regular_is_not_listed(starts: list[int], duration: int) -> None:
    with pytest.raises(ValueError, match="stills"):
        tile_milliseconds(starts, 100, duration)


def test_no_sheet_is_listed_that_is_not_there() -> None:
    """A listed file is never 404 (hls-rules.md rule 24)."""
    starts = [2000 * number for number in range(100)]
    assert tile_milliseconds(starts, 100, 200_000) == 2000
    with pytest.raises(ValueError, match="before the film"):
        tile_milliseconds(starts, 100, 200_001)


def test_the_times_of_stills_are_those_of_our_index() -> None:
    ticks = [10 * number for number in range(720)]
    index = render_stills_vtt(ticks, 1, TILES, Fraction(7200))
    assert still_starts(index, TILES) == [1000 * tick for tick in ticks]


def test_a_tile_that_the_index_leaves_out_moves_no_other() -> None:
    index = render_stills_vtt([-2000, -1000, 3000], 1000, TILES, Fraction(6))
    with pytest.raises(ValueError, match="left out"):
        still_starts(index, TILES)
