"""Which spans to open next: runs of missing segments of one lane, about a minute of video or ten of sound each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

from vod.hls.encode import Span
from vod.hls.grid import Grid


def next_spans(
    missing: Sequence[int], covered: Collection[tuple[int, int]], grid: Grid, span_seconds: Fraction, most: int
) -> list[Span]:
    """At most `most` spans over the `missing` segments (ascending) that no open job, `covered`, has in hand."""
    taken = {number for first, last in covered for number in range(first, last + 1)}
    spans: list[Span] = []
    for first, last in runs([number for number in missing if number not in taken]):
        spans += _split(first, last, grid, span_seconds)
    return spans[: max(most, 0)]


def runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs without a gap: [1, 2, 3, 7] is [(1, 3), (7, 7)]."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _split(first: int, last: int, grid: Grid, span_seconds: Fraction) -> list[Span]:
    spans: list[Span] = []
    while first <= last:
        end = first
        while end < last and _seconds(grid, first, end + 1) <= span_seconds:
            end += 1
        spans.append(Span(first=first, last=end))
        first = end + 1
    return spans


def _seconds(grid: Grid, first: int, last: int) -> Fraction:
    return Fraction(grid.cuts[last + 1] - grid.cuts[first], grid.timescale)
