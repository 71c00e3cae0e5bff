"""Is this a constant frame rate, and which? Judged by the times of frames, with containers' rounding forgiven."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

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
    # Integers throughout: a feature film has 170,000 frames.
    step, scale, first = frame_ticks.numerator, frame_ticks.denominator, ticks[0]
    tolerance = ROUNDING_TICKS * scale
    return all(abs((tick - first) * scale - n * step) <= tolerance for n, tick in enumerate(ticks))


def continues(ticks: Sequence[int], origin: int, frame_ticks: Fraction) -> bool:
    """Are `ticks`, far from `origin`, neighbours on the lattice that starts there?"""
    offset = round((ticks[0] - origin) / frame_ticks)
    step, scale = frame_ticks.numerator, frame_ticks.denominator
    tolerance = ROUNDING_TICKS * scale
    return all(abs((tick - origin) * scale - n * step) <= tolerance for n, tick in enumerate(ticks, start=offset))
