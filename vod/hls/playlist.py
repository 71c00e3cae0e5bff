"""Media playlists: the full-length VOD list of one rendition, written from the plan before any segment exists.

It lies in the plan's folder beside the rendition's own (`720p.m3u8` beside `720p/`), so its URIs are relative
and a token in the path covers everything below.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from vod.hls.grid import Grid
from vod.hls.plan import Plan
from vod.storage import INIT_SECTION, segment_name

# EXT-X-VERSION: 6 is what EXT-X-MAP needs in a playlist of segments, 7 what CMAF players expect
PROTOCOL_VERSION = 7
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Extinf:  # EXTINF and the URI on the next line
    microseconds: int
    uri: str

    def render(self) -> str:
        whole, part = divmod(self.microseconds, MICROSECONDS)
        return f"#EXTINF:{whole}.{part:06d},\n{self.uri}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:  # EXT-X-MAP
    uri: str

    def render(self) -> str:
        return f'#EXT-X-MAP:URI="{self.uri}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlaylist:
    target_duration_seconds: int  # EXT-X-TARGETDURATION
    map: Map | None  # WebVTT has no init section
    segments: tuple[Extinf, ...]

    def render(self) -> str:
        lines = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{PROTOCOL_VERSION}",
            f"#EXT-X-TARGETDURATION:{self.target_duration_seconds}",
            "#EXT-X-MEDIA-SEQUENCE:0",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            *([self.map.render()] if self.map else []),
            *(segment.render() for segment in self.segments),
            "#EXT-X-ENDLIST",
        ]
        return "\n".join(lines) + "\n"


def render_media_playlist(plan: Plan, name: str) -> str:
    """Raises KeyError for a rendition that the plan does not hold."""
    durations = extinf_microseconds(plan.grid(name))
    return MediaPlaylist(
        target_duration_seconds=target_duration(plan),
        map=Map(uri=f"{name}/{INIT_SECTION}"),
        segments=tuple(
            Extinf(microseconds=duration, uri=f"{name}/{segment_name(number)}")
            for number, duration in enumerate(durations)
        ),
    ).render()


def target_duration(plan: Plan) -> int:
    """One number for every playlist of the plan (Apple 8.2): no EXTINF, rounded, exceeds it (RFC 8216 4.3.3.1)."""
    return max(longest_segment_seconds(grid) for grid in {plan.grid(name) for name in plan.renditions})


def longest_segment_seconds(grid: Grid) -> int:
    """The longest EXTINF rounded half up to whole seconds, at least 1."""
    return max(1, (max(extinf_microseconds(grid)) + MICROSECONDS // 2) // MICROSECONDS)


def extinf_microseconds(grid: Grid) -> list[int]:
    """Differences of rounded times, not rounded differences: a sum over any run stays within a microsecond."""
    half = grid.timescale // 2
    times = [(cut * MICROSECONDS + half) // grid.timescale for cut in grid.cuts]
    return [end - start for start, end in pairwise(times)]
