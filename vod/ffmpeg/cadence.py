"""Is this a constant frame rate, and which? Judged by the times of frames, with containers' rounding forgiven."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

NTSC = Fraction(1000, 1001)
WHOLE_RATES = (5, 6, 8, 10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 240)
WELL_KNOWN_RATES = sorted(
    [
        *(Fraction(rate) for rate in WHOLE_RATES),
        *(rate * NTSC for rate in WHOLE_RATES if rate % 6 == 0),
        *(Fraction(rate, 2) for rate in (15, 25)),
        15 * NTSC,
    ]
)
# 1000/42 and 24000/1001 differ by 0.7 %; what rounding does to a header's rate is far less.
NEARLY_EQUAL = Fraction(2, 10_000)
# Rounding to the container's tick moves a frame by up to one tick, whichever way it is rounded.
ROUNDING_TICKS = 1
MOST = 1 << 62


def constant_duration(
    ticks: Sequence[int], time_base: Fraction, header_rates: Sequence[Fraction | None] = ()
) -> Fraction | None:
    """Seconds a frame, None where no constant rate explains all `ticks` (ascending, no frame missing)."""
    if len(ticks) < 2:
        return None
    span = ticks[-1] - ticks[0]
    mean = Fraction(len(ticks) - 1, span) / time_base
    candidates = [*(rate for rate in header_rates if rate and abs(rate - mean) < mean / 10), mean]
    blur = max(NEARLY_EQUAL, Fraction(ROUNDING_TICKS, span))
    known = [min(WELL_KNOWN_RATES, key=lambda known: abs(known - rate)) for rate in candidates]
    snapped = [rate for rate, told in zip(known, candidates, strict=True) if abs(rate - told) <= blur * told]
    rates = dict.fromkeys([*snapped, *candidates])
    return next((1 / rate for rate in rates if explains(ticks, 1 / rate / time_base)), None)


def explains(ticks: Sequence[int], frame_ticks: Fraction) -> bool:
    """Does frame n lie at `ticks[0] + n * frame_ticks`, give or take the container's rounding?"""
    return _lie_on(ticks, ticks[0], frame_ticks, 0)


def continues(ticks: Sequence[int], origin: int, frame_ticks: Fraction) -> bool:
    """Are `ticks`, far from `origin`, neighbours on the lattice that starts there?"""
    return _lie_on(ticks, origin, frame_ticks, round((ticks[0] - origin) / frame_ticks))


def _lie_on(ticks: Sequence[int], origin: int, frame_ticks: Fraction, first: int) -> bool:
    """Whether each lies within the tolerance of its place, the first one at place `first`, all in whole numbers."""
    step, scale = frame_ticks.as_integer_ratio()
    tolerance = ROUNDING_TICKS * scale
    furthest = max(abs(ticks[0] - origin), abs(ticks[-1] - origin)) * scale + (first + len(ticks)) * step
    # A feature film has 170,000 frames; where 64 bits have no room for it, numpy goes on in Python's own integers.
    whole = np.int64 if furthest < MOST else object
    places = first + np.arange(len(ticks)).astype(whole)
    return bool((abs((np.array(ticks, whole) - origin) * scale - places * step) <= tolerance).all())
