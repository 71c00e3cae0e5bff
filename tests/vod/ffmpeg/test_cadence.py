from __future__ import annotations

from fractions import Fraction

import pytest

from vod.ffmpeg.cadence import constant_duration, continues, explains

FILM = Fraction(24000, 1001)
MILLISECOND = Fraction(1, 1000)


def rounded(rate: Fraction, base: Fraction, frames: int, first: int = 0) -> list[int]:
    return [first + round(n / rate / base) for n in range(frames)]


@pytest.mark.parametrize(
    ("ticks", "base", "header", "rate"),
    [
        pytest.param(rounded(FILM, MILLISECOND, 2000, 21), MILLISECOND, [FILM], FILM, id="film in milliseconds"),
        pytest.param(rounded(FILM, MILLISECOND, 2000), MILLISECOND, [Fraction(1000)], FILM, id="a header that lies"),
        pytest.param(rounded(FILM, MILLISECOND, 2000), MILLISECOND, [None], FILM, id="a silent header"),
        pytest.param(rounded(Fraction(24), MILLISECOND, 5000), MILLISECOND, [FILM], Fraction(24), id="24 is not film"),
        pytest.param(list(range(0, 3000, 3)), Fraction(1, 72), [], Fraction(24), id="exact ticks"),
        pytest.param([0, 3001, 6002], Fraction(1, 90000), [], Fraction(90000, 3001), id="a rate of its own"),
        pytest.param([0, 40, 80, 160, 200], MILLISECOND, [Fraction(25)], None, id="a frame is missing"),
        pytest.param([0, 40, 95, 120, 160], MILLISECOND, [Fraction(25)], None, id="a frame is late"),
        pytest.param([7], MILLISECOND, [Fraction(25)], None, id="one frame proves nothing"),
    ],
)
def test_a_rate_is_constant_when_it_explains_every_frame(
    ticks: list[int], base: Fraction, header: list[Fraction | None], rate: Fraction | None
) -> None:
    assert constant_duration(ticks, base, header) == (1 / rate if rate else None)


def test_a_window_far_away_lies_on_the_same_lattice() -> None:
    frame = 1 / FILM / MILLISECOND
    far = [round(n * frame) for n in range(170_000, 170_072)]
    assert continues(far, 0, frame)
    assert not continues([tick + 20 for tick in far], 0, frame)
    assert not continues([*far[:30], *far[31:]], 0, frame)


def test_drift_is_not_rounding() -> None:
    assert not explains(rounded(Fraction(25), MILLISECOND, 5000), 1 / Fraction(25001, 1000) / MILLISECOND)
