"""Packet times as the demuxer gives them, without decoding."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from vod.ffmpeg.listing import each_line
from vod.ffmpeg.original import Original

FIELDS = "packet=stream_index,pts,dts,duration,flags"
UNKNOWN = -(1 << 63)
# Slower than any disk a film would be played from.
SLOWEST_BYTES_PER_SECOND = 10_000_000
SHORTEST_WALL_SECONDS = 120


@dataclass(slots=True)
class PacketTimes:
    """One stream's packets in the demuxer's order, those that edit lists discard left out."""

    pts: array[int] = field(default_factory=lambda: array("q"))
    dts: array[int] = field(default_factory=lambda: array("q"))
    keyframes: array[int] = field(default_factory=lambda: array("q"))  # positions in `pts`
    end: int = UNKNOWN  # where the packet that is shown last ends
    last_duration: int = 0  # of that packet, 0 where it is not told
    discarded: int = 0

    def add(self, pts: int, dts: int, duration: int, flags: bytes) -> None:
        if b"D" in flags:
            self.discarded += 1
            return
        if flags.startswith(b"K"):
            self.keyframes.append(len(self.pts))
        self.pts.append(pts)
        self.dts.append(dts)
        start = dts if pts == UNKNOWN else pts
        if start != UNKNOWN and start + duration >= self.end:
            self.end, self.last_duration = start + duration, duration

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def best(self) -> Iterator[int]:
        """`pts`, or `dts` where that is missing: right for sound, which is never reordered."""
        times = (dts if pts == UNKNOWN else pts for pts, dts in zip(self.pts, self.dts, strict=True))
        return (time for time in times if time != UNKNOWN)


Streams = dict[int, PacketTimes]


async def scan(original: Original, intervals: str = "") -> Streams:
    """By stream index. `intervals` as ffprobe's `-read_intervals`; without it the whole file. Raises SourceError."""
    streams: Streams = {}
    selection = ("-read_intervals", intervals) if intervals else ()
    wall_seconds = SHORTEST_WALL_SECONDS + original.size_bytes / SLOWEST_BYTES_PER_SECOND
    arguments = (*selection, "-show_entries", FIELDS)
    await each_line(original, arguments, wall_seconds, lambda line: _add(streams, line))
    return streams


def _add(streams: Streams, line: bytes) -> None:
    fields = line.split(b",", 5)
    if len(fields) < 5:  # side data end their packet with a line of their own
        return
    index, pts, dts, duration, flags, *_ = fields
    times = streams.get(int(index))
    if times is None:
        times = streams[int(index)] = PacketTimes()
    times.add(_ticks(pts), _ticks(dts), 0 if duration == b"N/A" else int(duration), flags)


def _ticks(text: bytes) -> int:
    return UNKNOWN if text == b"N/A" else int(text)
