"""The cuts of one rendition on its own clock: a row of the table rendition x segment."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Grid:
    timescale: int
    cuts: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.cuts) - 1

    def duration(self, segment: int) -> Fraction:
        return Fraction(self.cuts[segment + 1] - self.cuts[segment], self.timescale)

    @property
    def durations(self) -> list[Fraction]:
        return [self.duration(segment) for segment in range(self.count)]
