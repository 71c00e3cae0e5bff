"""From packet times to the frames a viewer sees: when each is shown, and how regularly."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from vod.errors import SourceError
from vod.ffmpeg.cadence import constant_duration
from vod.ffmpeg.header import StreamHeader
from vod.ffmpeg.packets import UNKNOWN, PacketTimes
from vod.ffmpeg.source import FrameTimes, StoredOrder
from vod.ffmpeg.streams import time_base

# H.264 and HEVC let at most this many frames wait for their turn.
REORDER_FRAMES = 16
# A still of ten minutes happens in recorded lectures; 25 hours between two frames is a bomb for the segmenter.
MAX_GAP_SECONDS = 600
# Decoding order may step back by a few frames in sloppy files, never by this much.
MAX_STEP_BACK_SECONDS = 1


def shown_times(packets: PacketTimes, decoded: Sequence[int]) -> list[int] | None:
    """Ascending and distinct; None where they disagree with `decoded`, the decoder's first frames.

    AVI and MPEG-PS give few or no presentation times. Then the decoder shows one frame for each decoding time, all
    later by the same delay.
    """
    decoded = sorted(set(decoded))
    ticks = _distinct(packets.pts) if UNKNOWN not in packets.pts else _from_decoding_times(packets, decoded[0])
    if ticks is None:
        return None
    shown = ticks[bisect_left(ticks, decoded[0]) :]  # a recording may start in the middle of a picture group
    whole = len(decoded) >= len(shown)
    settled = decoded if whole else decoded[:-REORDER_FRAMES]
    return shown if shown[: len(settled)] == settled and len(shown) >= len(settled) else None


def _distinct(times: array[int]) -> list[int]:
    """In order. By numpy: a film of two hours has 170,000 frames, and its viewer waits."""
    ordered = np.sort(np.asarray(times), kind="stable")  # they nearly are: np.unique would take ten times as long
    found: list[int] = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]].tolist()
    return found


def _from_decoding_times(packets: PacketTimes, first_shown: int) -> list[int] | None:
    if UNKNOWN in packets.dts:
        return None
    delay = first_shown - packets.dts[0]
    ticks = {dts + delay for dts in packets.dts}
    told = {pts for pts in packets.pts if pts != UNKNOWN}
    return sorted(ticks) if told <= ticks else None


def refuse_broken_clock(packets: PacketTimes, base: Fraction) -> None:
    times = np.asarray(packets.dts)
    known = times[times != UNKNOWN]
    most = int(MAX_STEP_BACK_SECONDS / base)
    if (known[:-1] - known[1:] > most).any():
        raise SourceError("The clock of this recording starts over in the middle, so it cannot be cut into segments.")


def list_frames(stream: StreamHeader, packets: PacketTimes, ticks: Sequence[int]) -> FrameTimes:
    """`ticks` as `shown_times` gave them, all there are. Raises SourceError for gaps no film has."""
    base = time_base(stream)
    steps = np.diff(np.array(ticks, np.int64))
    if int(steps.max(initial=0)) * base > MAX_GAP_SECONDS:
        raise SourceError("The times in this file jump by hours; it is damaged.")
    duration = constant_duration(ticks, base, (stream.r_frame_rate, stream.avg_frame_rate))
    if len(ticks) == 1 and stream.avg_frame_rate:
        duration = 1 / stream.avg_frame_rate
    last = round(duration / base) if duration else max(packets.last_duration, int(steps.min()) if len(steps) else 1)
    end = ticks[-1] + max(1, last)
    return FrameTimes(
        first_ticks=ticks[0],
        end_ticks=end,
        frame_count=len(ticks),
        frame_duration=duration,
        ticks=tuple(ticks),
        longest_gop_seconds=longest_gop(_keyframe_times(packets), ticks[0], end) * base,
        stored=_stored_order(packets),
    )


def _stored_order(packets: PacketTimes) -> StoredOrder | None:
    if UNKNOWN in packets.pts or UNKNOWN in packets.dts:
        return None
    return StoredOrder(pts=packets.pts, dts=packets.dts, keyframes=packets.keyframes)


def _keyframe_times(packets: PacketTimes) -> list[int]:
    times = [packets.pts[position] for position in packets.keyframes]
    return [packets.dts[position] for position in packets.keyframes] if UNKNOWN in times else times


def longest_gop(keyframes: Sequence[int], first: int, end: int) -> int:
    """Ticks between keyframes, the first frame and the end counted as such."""
    inside = sorted({first, end, *(time for time in keyframes if first < time < end)})
    return max((later - earlier for earlier, later in pairwise(inside)), default=0)
