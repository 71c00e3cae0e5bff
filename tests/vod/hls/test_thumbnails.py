"""Stills are listed for DASH where one length of a tile shows each within its own time."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vod.hls.thumbnails import TOO_EARLY, still_starts, tile_microseconds
from vod.hls.trickplay import Layout, render_stills_vtt

TILES = Layout(interval_seconds=Fraction(10), width=160, height=90, columns=10, rows=10, stills=1000)


@pytest.mark.parametrize(
    ("starts", "duration", "expected"),
    [
        pytest.param([0, 2000, 4000, 6000], 8000, 2016, id="each at its time"),
        pytest.param([0, 2002, 4004, 6006], 8008, 2018, id="of a film's rate"),
        pytest.param([0, 11_500, 20_200, 31_000], 40_000, 10_125, id="anywhere in its stretch"),
        pytest.param([0], 3000, 3000, id="alone"),
        pytest.param([0, 2000, 4000, 6000], 8500, 2016, id="with a rest that is none to speak of"),
        pytest.param([*range(0, 300_000, 3000)], 300_030, 3000, id="a full sheet that just reaches the end"),
    ],
)
def test_a_tile_is_as_long_as_all_stills_allow(starts: list[int], duration: int, expected: int) -> None:
    """In milliseconds here."""
    length = tile_microseconds([start * 1000 for start in starts], 100, duration * 1000)
    assert length // 1000 == expected
    early = [number * length - start * 1000 for number, start in enumerate(starts)]
    assert all(-length < each <= TOO_EARLY for each in early)


@pytest.mark.parametrize(
    ("starts", "duration"),
    [
        pytest.param([0, 4400, 9800, 17_000], 24_000, id="keyframes at any time"),
        pytest.param([0, 1000, 3000], 4000, id="a stretch without a keyframe"),
        pytest.param([0, 0, 3000], 4000, id="two at once"),
        pytest.param([0, 2000, 4000], 7000, id="none for the end"),
        pytest.param([0], 90_000, id="one for a long film"),
        pytest.param([], 7000, id="none at all"),
    ],
)
def test_what_is_not_regular_is_not_listed(starts: list[int], duration: int) -> None:
    with pytest.raises(ValueError, match="stills"):
        tile_microseconds([start * 1000 for start in starts], 100, duration * 1000)


def test_no_sheet_is_listed_that_is_not_there() -> None:
    """A listed file is never 404 (hls-rules.md rule 24)."""
    starts = [2_000_000 * number for number in range(100)]
    length = tile_microseconds(starts, 100, 200_050_000)
    assert length * 100 >= 200_050_000
    with pytest.raises(ValueError, match="before the film"):
        tile_microseconds(starts, 100, 200_060_000)


def test_the_times_of_stills_are_those_of_our_index() -> None:
    ticks = [10 * number for number in range(720)]
    index = render_stills_vtt(ticks, 1, TILES, Fraction(7200))
    assert still_starts(index, TILES) == [1_000_000 * tick for tick in ticks]


def test_a_tile_that_the_index_leaves_out_moves_no_other() -> None:
    index = render_stills_vtt([-2000, -1000, 3000], 1000, TILES, Fraction(6))
    with pytest.raises(ValueError, match="left out"):
        still_starts(index, TILES)
