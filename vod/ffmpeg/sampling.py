"""A large original's frame rate, proved from a few windows instead of reading all of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from vod.ffmpeg.cadence import constant_duration, continues
from vod.ffmpeg.frame_times import REORDER_FRAMES, longest_gop
from vod.ffmpeg.header import FormatHeader, StreamHeader
from vod.ffmpeg.original import Original
from vod.ffmpeg.packets import UNKNOWN, PacketTimes, Streams, scan
from vod.ffmpeg.source import FrameTimes
from vod.ffmpeg.streams import time_base

# Up to here every packet is read: 256 MB come from a plain disk in two seconds, and an exact list is worth that.
LARGE_BYTES = 256_000_000
# Shorter films have no room for windows that do not touch.
LONG_SECONDS = 300
WINDOWS = 9
WINDOW_SECONDS = 3
TAIL_SECONDS = 10
# Within a window, times of packets that follow each other in the file are closer than this.
JUMP_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    times: FrameTimes
    streams: Streams  # the packets seen, the file's first and last among them


def worth_sampling(original: Original, container: FormatHeader, stream: StreamHeader) -> bool:
    """MP4 must have counted its frames too: the check costs nothing, and fragmented files have no index to seek by."""
    large = original.size_bytes > LARGE_BYTES and (container.duration or 0) >= LONG_SECONDS
    return large and original.indexed and (original.format_name != "mov" or stream.nb_frames > 0)


async def sample(original: Original, container: FormatHeader, stream: StreamHeader, first_shown: int) -> Sample | None:
    """None where the windows do not prove one constant rate from the first frame to the last."""
    streams = await scan(original, _intervals(container))
    packets = streams.get(stream.index)
    if packets is None or UNKNOWN in packets.pts:
        return None
    times = constant_times(stream, packets, first_shown)
    return Sample(times, streams) if times else None


def _intervals(container: FormatHeader) -> str:
    start, duration = float(container.start_time or 0), float(container.duration or 0)
    middle = [start + duration * part / (WINDOWS - 1) for part in range(1, WINDOWS - 1)]
    return ",".join(
        (
            f"%+{WINDOW_SECONDS}",
            *(f"{seconds:.3f}%+{WINDOW_SECONDS}" for seconds in middle),
            f"{start + duration - TAIL_SECONDS:.3f}%",
        )
    )


def constant_times(stream: StreamHeader, packets: PacketTimes, first_shown: int) -> FrameTimes | None:
    """The whole film's, if all windows lie on one lattice and the container counted as many frames as fit on it."""
    base = time_base(stream)
    windows = _windows(packets, base)
    runs = [_settled(packets, window) for window in windows[:-1]] + [sorted(set(packets.pts[windows[-1].start :]))]
    if len(runs) < 2 or not all(runs):
        return None
    first, last = runs[0][0], runs[-1][-1]
    duration = constant_duration(runs[0], base, (stream.r_frame_rate, stream.avg_frame_rate))
    if duration is None or not all(continues(run, first, duration / base) for run in runs):
        return None
    count = round((last - first) * base / duration) + 1
    if counted_by_container(stream) not in (None, count + packets.discarded):
        return None
    return FrameTimes(
        first_ticks=first_shown,
        end_ticks=last + round(duration / base),
        frame_count=count - round((first_shown - first) * base / duration),
        frame_duration=duration,
        longest_gop_seconds=max(_longest_gop_in(packets, window) for window in windows) * base,
    )


def counted_by_container(stream: StreamHeader) -> int | None:
    """MP4 and AVI count in their header, mkvmerge in a tag."""
    tag = stream.tags.get("NUMBER_OF_FRAMES", "")
    return stream.nb_frames or (int(tag) if tag.isdecimal() else None)


def _windows(packets: PacketTimes, base: Fraction) -> list[range]:
    """Positions of packets, split where the times jump."""
    steps = enumerate(pairwise(packets.pts), start=1)
    starts = [position for position, (before, after) in steps if abs(after - before) * base > JUMP_SECONDS]
    return [range(start, stop) for start, stop in pairwise([0, *starts, len(packets)])]


def _settled(packets: PacketTimes, window: range) -> list[int]:
    """In order of presentation, without the ends, where frames of neighbouring packets are missing.

    The first packet is a keyframe, for a seek finds nothing else.
    """
    times = packets.pts[window.start : window.stop]
    return sorted({pts for pts in times if pts >= times[0]})[:-REORDER_FRAMES]


def _longest_gop_in(packets: PacketTimes, window: range) -> int:
    keyframes = [packets.pts[position] for position in packets.keyframes if position in window]
    times = packets.pts[window.start : window.stop]
    return longest_gop(keyframes, times[0], max(times))
