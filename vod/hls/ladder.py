"""Which video renditions a film gets: one table of heights, one formula for bits, H.264's own level table.

Never upscaled, even dimensions, square pixels, ≤ High@4.1 (Apple 1.3a; hls-rules.md rule 8).
"""

from __future__ import annotations

import math
from fractions import Fraction
from math import ceil

from vod.errors import SourceError
from vod.hls.plan import Rung

# Lines of a 16:9 box that a rung fits into; a film's own size is one more rung above those it exceeds.
LINES = (1080, 720, 480, 240)

# A lower rung must be clearly smaller than the one above it, or it is encoded for nothing.
NEXT_RUNG_AT_MOST = Fraction(4, 5)

PEAK_BPS_AT_1080 = 5_000_000
PIXELS_AT_1080 = 1920 * 1080
# Larger pictures need fewer bits a pixel; 0.75 meets the usual 5.0 / 2.7 / 1.5 Mb/s at 1080 / 720 / 480 lines.
BITS_EXPONENT = 0.75
HIGH_FRAME_RATE = 31
HIGH_FRAME_RATE_FACTOR = 1.4
# Two seconds of peak: lets capped CRF spend on a hard scene without a segment above 200 % of average (Apple 1.30).
BUFFER_SECONDS = 2

MACROBLOCK = 16
# (level, macroblocks a second, macroblocks a frame, High profile bits a second): H.264 table A-1, ×1.25 for High
LEVELS = (
    ("1.3", 11_880, 396, 960_000),
    ("2.1", 19_800, 792, 5_000_000),
    ("2.2", 20_250, 1_620, 5_000_000),
    ("3.0", 40_500, 1_620, 12_500_000),
    ("3.1", 108_000, 3_600, 17_500_000),
    ("3.2", 216_000, 5_120, 25_000_000),
    ("4.0", 245_760, 8_192, 25_000_000),
    ("4.1", 245_760, 8_192, 62_500_000),
)


def choose_rungs(
    width: int, height: int, sample_aspect: Fraction, rotation: int, frame_rate: Fraction, *, max_lines: int, crf: int
) -> tuple[Rung, ...]:
    """Highest first, at least one. `width` and `height` are the original's stored samples.

    Raises SourceError where the picture is too small or too oddly shaped to be H.264.
    """
    shown = upright(width, height, sample_aspect, rotation)
    lines = box_lines(*shown)
    rungs: list[Rung] = []
    for target in sorted({min(lines, max_lines), *(n for n in LINES if n < min(lines, max_lines))}, reverse=True):
        if rungs and target > NEXT_RUNG_AT_MOST * _lines_of(rungs[-1]):
            continue
        rung = _rung(shown, target, lines, frame_rate, crf)
        if rung is not None:
            rungs.append(rung)
    if not rungs:
        raise SourceError("The picture's size or frame rate is beyond what players can show.")
    return tuple(rungs)


def upright(width: int, height: int, sample_aspect: Fraction, rotation: int) -> tuple[Fraction, Fraction]:
    """The size on a screen of square pixels, never larger than the samples in either direction."""
    wide, high = Fraction(width), Fraction(height)
    if sample_aspect > 1:
        high /= sample_aspect
    else:
        wide *= sample_aspect
    return (high, wide) if rotation % 180 else (wide, high)


def box_lines(width: Fraction, height: Fraction) -> int:
    """Lines of the 16:9 box (lying or standing) that the picture just fits into: 1920x800 is "1080p"."""
    long, short = max(width, height), min(width, height)
    lines = max(ceil(short), round(long * 9 / 16))
    # 1088 coded lines, or 481 after odd sample aspects, are what people call 1080p and 480p
    return next((known for known in LINES if abs(lines - known) * 100 <= known), lines)


def _rung(shown: tuple[Fraction, Fraction], target: int, lines: int, frame_rate: Fraction, crf: int) -> Rung | None:
    width, height = (min(_even(side * target / lines), _even_below(side)) for side in shown)
    peak_bps = _peak_bps(width * height, frame_rate)
    level = _level(width, height, frame_rate, peak_bps)
    if level is None:
        return None
    return Rung(
        name=f"{target}p",
        width=width,
        height=height,
        profile="high",
        level=level,
        crf=crf,
        peak_bps=peak_bps,
        buffer_bits=peak_bps * BUFFER_SECONDS,
    )


def _lines_of(rung: Rung) -> int:
    return int(rung.name.removesuffix("p"))


def _even(side: Fraction) -> int:
    """The nearest even number, for 4:2:0; ffmpeg takes 0 for "as the original"."""
    return max(2, round(side / 2) * 2)


def _even_below(side: Fraction) -> int:
    """Never upscaled, unless the picture is a single line."""
    return max(2, int(side) // 2 * 2)


def _peak_bps(pixels: int, frame_rate: Fraction) -> int:
    scale = math.pow(pixels / PIXELS_AT_1080, BITS_EXPONENT)
    fast = HIGH_FRAME_RATE_FACTOR if frame_rate > HIGH_FRAME_RATE else 1
    return max(100_000, round(PEAK_BPS_AT_1080 * scale * fast / 10_000) * 10_000)


def _level(width: int, height: int, frame_rate: Fraction, peak_bps: int) -> str | None:
    across, down = ceil(width / MACROBLOCK), ceil(height / MACROBLOCK)
    for level, per_second, per_frame, bits in LEVELS:
        fits_frame = across * down <= per_frame and max(across, down) ** 2 <= 8 * per_frame
        if fits_frame and across * down * frame_rate <= per_second and peak_bps <= bits:
            return level
    return None
