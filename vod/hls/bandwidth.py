"""How many bits a second a rendition takes: measured in its segments, or what its encoder is allowed until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vod.hls.codecs import codec_string
from vod.hls.grid import Grid
from vod.hls.plan import AudioPlan, Copied, RemuxedRung, Rendition
from vod.hls.playlist import longest_segment_seconds
from vod.hls.segment_index import index_sizes
from vod.storage import INIT_SECTION, SEGMENT_INDEX, index_name, segment_name

# What our encoders write, as RFC 6381 says it: profile_idc and constraint flags; the level follows
HIGH_PROFILE = "6400"
AAC_LC = "mp4a.40.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one finished rendition is, bits a second over whole files."""

    peak_bps: int
    average_bps: int
    codec: str  # RFC 6381


def measure(folder: Path, grid: Grid, rendition: Rendition) -> Measured:
    """The facts of the complete rendition in `folder`: the size of each segment, and what its init section says.

    Raises OSError where a file is missing, ValueError where one is not what it should be.
    """
    sizes = segment_sizes(folder, grid, rendition)
    return Measured(
        peak_bps=peak_bps(sizes, grid),
        average_bps=_bps(sum(sizes), grid.cuts[-1] - grid.cuts[0], grid),
        codec=codec_string((folder / INIT_SECTION).read_bytes()),
    )


def estimate(rendition: Rendition) -> Measured:
    """What a rendition that is still being made will be: at most what its encoder is allowed."""
    if isinstance(rendition, Copied | RemuxedRung):
        return Measured(peak_bps=rendition.expected_bps, average_bps=rendition.expected_bps, codec=rendition.codec)
    if isinstance(rendition, AudioPlan):
        return Measured(peak_bps=rendition.bitrate_bps, average_bps=rendition.bitrate_bps, codec=AAC_LC)
    codec = f"avc1.{HIGH_PROFILE}{round(float(rendition.level) * 10):02X}"
    return Measured(peak_bps=rendition.peak_bps, average_bps=rendition.peak_bps, codec=codec)


def segment_sizes(folder: Path, grid: Grid, rendition: Rendition) -> list[int]:
    """In bytes. Raises OSError where a segment is missing, ValueError for a damaged index."""
    return _copied_sizes(folder, grid) if isinstance(rendition, Copied) else _file_sizes(folder, grid)


def _file_sizes(folder: Path, grid: Grid) -> list[int]:
    return [(folder / segment_name(number)).stat().st_size for number in range(grid.count)]


def _copied_sizes(folder: Path, grid: Grid) -> list[int]:
    if (folder / SEGMENT_INDEX).exists():
        return index_sizes(folder / SEGMENT_INDEX)
    return [size for number in range(grid.count) for size in index_sizes(folder / index_name(number))]


def peak_bps(sizes: Sequence[int], grid: Grid) -> int:
    """RFC 8216 4.1: the largest rate of any run of segments that lasts 0.5 to 1.5 target durations.

    A lone last frame is therefore no peak. A film too short for any such run has only its average.
    """
    # Twice the ticks, to stay whole: a film of two hours has a thousand segments, and its viewer waits.
    target = longest_segment_seconds(grid) * grid.timescale
    peak = 0
    for first in range(grid.count):
        size = 0
        for segment in range(first, grid.count):
            size += sizes[segment]
            ticks = grid.cuts[segment + 1] - grid.cuts[first]
            if 2 * ticks > 3 * target:
                break
            if 2 * ticks >= target:
                peak = max(peak, _bps(size, ticks, grid))
    return peak or _bps(sum(sizes), grid.cuts[-1] - grid.cuts[0], grid)


def _bps(size_bytes: int, ticks: int, grid: Grid) -> int:
    """Rounded up."""
    return -(-size_bytes * 8 * grid.timescale // ticks)
