"""Which renditions a picture of some size gets."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vod.errors import SourceError
from vod.hls.ladder import LEVELS, box_lines, choose_rungs, upright
from vod.hls.plan import Rung


def rungs(
    width: int,
    height: int,
    *,
    sample_aspect: Fraction = Fraction(1),
    rotation: int = 0,
    rate: Fraction = Fraction(25),
    max_lines: int = 1080,
) -> tuple[Rung, ...]:
    return choose_rungs(width, height, sample_aspect, rotation, rate, max_lines=max_lines, crf=23)


def sizes(chosen: tuple[Rung, ...]) -> list[tuple[str, int, int]]:
    return [(rung.name, rung.width, rung.height) for rung in chosen]


@pytest.mark.parametrize(
    ("width", "height", "made"),
    [
        pytest.param(
            1920, 1080, [("1080p", 1920, 1080), ("720p", 1280, 720), ("480p", 854, 480), ("240p", 426, 240)], id="HD"
        ),
        pytest.param(
            1920, 800, [("1080p", 1920, 800), ("720p", 1280, 534), ("480p", 854, 356), ("240p", 426, 178)], id="scope"
        ),
        pytest.param(1366, 768, [("768p", 1366, 768), ("480p", 854, 480), ("240p", 426, 240)], id="a laptop's screen"),
        pytest.param(640, 360, [("360p", 640, 360), ("240p", 426, 240)], id="360p"),
        pytest.param(640, 480, [("480p", 640, 480), ("240p", 320, 240)], id="4:3"),
        pytest.param(852, 480, [("480p", 852, 480), ("240p", 426, 240)], id="480p, a little narrow"),
        pytest.param(
            1920,
            1088,
            [("1080p", 1920, 1088), ("720p", 1280, 726), ("480p", 854, 484), ("240p", 426, 242)],
            id="whole macroblocks",
        ),
        pytest.param(426, 240, [("240p", 426, 240)], id="the lowest rung alone"),
        pytest.param(175, 99, [("99p", 174, 98)], id="odd sides"),
        pytest.param(64, 48, [("48p", 64, 48)], id="tiny"),
        pytest.param(
            7680, 4320, [("1080p", 1920, 1080), ("720p", 1280, 720), ("480p", 854, 480), ("240p", 426, 240)], id="8K"
        ),
        pytest.param(
            1080,
            1920,
            [("1080p", 1080, 1920), ("720p", 720, 1280), ("480p", 480, 854), ("240p", 240, 426)],
            id="held upright",
        ),
        pytest.param(1000, 1, [("562p", 1000, 2), ("240p", 428, 2)], id="a line"),
    ],
)
def test_the_ladder_begins_with_the_picture_s_own_size(
    width: int, height: int, made: list[tuple[str, int, int]]
) -> None:
    assert sizes(rungs(width, height)) == made


@pytest.mark.parametrize(
    ("width", "height", "sample_aspect", "rotation", "shown"),
    [
        pytest.param(720, 576, Fraction(16, 15), 0, (720, 540), id="PAL 4:3"),
        pytest.param(720, 576, Fraction(64, 45), 0, (720, 405), id="PAL 16:9"),
        pytest.param(720, 480, Fraction(8, 9), 0, (640, 480), id="NTSC 4:3"),
        pytest.param(1440, 1080, Fraction(4, 3), 0, (1440, 810), id="HDV"),
        pytest.param(1920, 1080, Fraction(1), 90, (1080, 1920), id="a phone's quarter turn"),
        pytest.param(1920, 1080, Fraction(1), 180, (1920, 1080), id="upside down"),
        pytest.param(720, 576, Fraction(16, 15), 270, (540, 720), id="both"),
    ],
)
def test_a_picture_is_shown_upright_in_square_samples(
    width: int, height: int, sample_aspect: Fraction, rotation: int, shown: tuple[int, int]
) -> None:
    assert tuple(map(int, upright(width, height, sample_aspect, rotation))) == shown


def test_a_dvd_s_rungs_keep_its_shape() -> None:
    assert sizes(rungs(720, 576, sample_aspect=Fraction(16, 15))) == [("540p", 720, 540), ("240p", 320, 240)]
    assert sizes(rungs(720, 576, sample_aspect=Fraction(64, 45))) == [("405p", 720, 404), ("240p", 426, 240)]


@pytest.mark.parametrize(
    ("width", "height", "lines"),
    [(1920, 800, 1080), (1280, 536, 720), (720, 405, 405), (1080, 1920, 1080), (855, 481, 480), (1440, 1080, 1080)],
)
def test_lines_are_those_of_the_box_the_picture_fits_into(width: int, height: int, lines: int) -> None:
    assert box_lines(Fraction(width), Fraction(height)) == lines


@pytest.mark.parametrize(
    ("width", "height", "rate", "levels"),
    [
        pytest.param(1920, 1080, Fraction(25), ["4.0", "3.1", "3.0", "2.1"], id="HD"),
        pytest.param(1920, 1080, Fraction(30), ["4.0", "3.1", "3.1", "2.1"], id="HD at 30"),
        pytest.param(1920, 1080, Fraction(60), ["3.2", "3.1", "3.0"], id="HD at 60: 1080 lines would need 4.2"),
        pytest.param(1920, 1080, Fraction(120), ["3.2", "3.1"], id="HD at 120: 480 lines"),
        pytest.param(1280, 720, Fraction(60), ["3.2", "3.1", "3.0"], id="720p at 60"),
        pytest.param(720, 576, Fraction(25), ["3.0", "1.3"], id="DVD"),
    ],
)
def test_each_rung_has_the_lowest_level_that_holds_it(
    width: int, height: int, rate: Fraction, levels: list[str]
) -> None:
    assert [rung.level for rung in rungs(width, height, rate=rate)] == levels


def test_the_configured_limit_is_the_highest_rung() -> None:
    assert sizes(rungs(1920, 1080, max_lines=720))[0] == ("720p", 1280, 720)
    assert sizes(rungs(1920, 1080, max_lines=600))[0] == ("600p", 1066, 600)


def test_bits_follow_the_pixels_and_a_high_frame_rate() -> None:
    assert [rung.peak_bps for rung in rungs(1920, 1080)] == [5_000_000, 2_720_000, 1_480_000, 520_000]
    assert [rung.peak_bps for rung in rungs(1280, 720, rate=Fraction(60))] == [3_810_000, 2_080_000, 730_000]
    assert all(rung.buffer_bits == 2 * rung.peak_bps for rung in rungs(1920, 1080))


def test_a_frame_rate_beyond_every_level_is_refused() -> None:
    with pytest.raises(SourceError, match="size or frame rate"):
        rungs(1920, 1080, rate=Fraction(100_000))


@settings(deadline=None)  # a busy machine is no failure
@given(
    width=st.integers(2, 9000),
    height=st.integers(2, 9000),
    sample_aspect=st.fractions(Fraction(1, 4), 4, max_denominator=100),
    rotation=st.sampled_from([0, 90, 180, 270]),
    rate=st.sampled_from([Fraction(24_000, 1001), Fraction(30), Fraction(60), Fraction(120), Fraction(240)]),
)
def test_no_rung_is_upscaled_odd_or_beyond_its_level(
    width: int, height: int, sample_aspect: Fraction, rotation: int, rate: Fraction
) -> None:
    chosen = rungs(width, height, sample_aspect=sample_aspect, rotation=rotation, rate=rate)
    shown = upright(width, height, sample_aspect, rotation)
    for rung in chosen:
        assert 0 < rung.width <= max(Fraction(2), shown[0])
        assert 0 < rung.height <= max(Fraction(2), shown[1])
        assert rung.width % 2 == rung.height % 2 == 0
        assert fits(rung, rate)
    assert len({rung.name for rung in chosen}) == len(chosen)
    assert all(lower.width * lower.height <= higher.width * higher.height for higher, lower in pairwise(chosen))


def fits(rung: Rung, rate: Fraction) -> bool:
    """H.264 table A-1 and A.3.1: macroblocks a frame and a second, and neither side over √(8 × frame)."""
    _, per_second, per_frame, bits = next(limits for limits in LEVELS if limits[0] == rung.level)
    across, down = -(-rung.width // 16), -(-rung.height // 16)
    return (
        across * down <= per_frame
        and across * down * rate <= per_second
        and max(across, down) ** 2 <= 8 * per_frame
        and rung.peak_bps <= bits
    )
