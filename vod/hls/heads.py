"""Heads of media segments: all that stands before a segment's media, generated from the plan alone.

Of many segments at once, for a film that is handed on has some thousand of them, and its viewer waits for the first.
`edges` say which samples are whose: segment n of a call has samples `edges[n]` to `edges[n + 1]`, in decode order, and
lasts from `cuts[n]` to `cuts[n + 1]`. Times are ticks of the rendition.

Box layouts: ISO/IEC 14496-12 §8.8; brands: CMAF (23000-19).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vod.containers import boxes
from vod.containers.boxes import box
from vod.hls.fragments import (
    COMPOSITION,
    DATA_OFFSET,
    DEFAULT_BASE_IS_MOOF,
    DEFAULT_FLAGS,
    DURATION,
    FLAGS,
    SIZE,
    TRACK_ID,
)

SYNC_SAMPLE = 0x02000000  # depends on no other sample
DEPENDENT_SAMPLE = 0x01010000

SEGMENT_TYPE = box(b"styp", b"msdh", struct.pack(">I", 0), b"msdhmsix")
# moof, mfhd, traf, tfhd, tfdt and trun up to its rows
_MOOF = struct.Struct(">I4s I4sII I4s I4s3I I4sIQ I4s2Ii")
_MFHD_BYTES, _TFHD_BYTES, _TFDT_BYTES, _TRUN_BYTES = 16, 20, 20, 20
_TRAF_BYTES = boxes.HEADER_BYTES + _TFHD_BYTES + _TFDT_BYTES + _TRUN_BYTES

Column = Sequence[int] | NDArray[np.int64]


def video_heads(
    first: int, cuts: Sequence[int], edges: Sequence[int], times: Column, sizes: Column, keyframes: Column
) -> list[bytes]:
    """Of segments `first` and on. `times` are when samples are shown; `keyframes` are positions among all of them.

    Raises ValueError where ticks are too coarse, or times and sizes too large for their fields.
    """
    shown = np.asarray(times, np.int64)
    decoded = decode_times(cuts, edges, shown)
    flags = np.full(len(shown), DEPENDENT_SAMPLE)
    flags[np.asarray(keyframes, np.int64)] = SYNC_SAMPLE
    durations = _durations(cuts, edges, decoded)
    columns = (durations, sizes, flags, shown - decoded)
    return _heads(first, cuts, edges, sizes, DURATION | SIZE | FLAGS | COMPOSITION, columns)


def audio_heads(first: int, cuts: Sequence[int], edges: Sequence[int], starts: Column, sizes: Column) -> list[bytes]:
    """Like `video_heads`: every sample lasts to the next of `starts`, or its segment's end."""
    durations = _durations(cuts, edges, np.asarray(starts, np.int64))
    return _heads(first, cuts, edges, sizes, DURATION | SIZE, (durations, sizes))


def decode_times(cuts: Sequence[int], edges: Sequence[int], times: Column) -> NDArray[np.int64]:
    """When each sample is decoded.

    With r frames of reordering in a segment, its sample i > r is decoded when its frame i - r is shown; the first
    r + 1 share the first frame's time, so no sample is decoded after it must be shown, the first one is decoded at the
    cut, and all durations are positive. Raises ValueError where ticks are too coarse.
    """
    _refuse_empty(edges)
    shown = np.asarray(times, np.int64)
    bounds, limits = np.asarray(edges, np.int64), np.asarray(cuts, np.int64)
    begins, counts, starts = bounds[:-1], np.diff(bounds), limits[:-1]
    order = np.argsort(shown, kind="stable")
    segments = np.repeat(np.arange(len(counts)), counts)
    if (segments[order] != segments).any():
        raise ValueError("a frame is shown outside its segment")
    ordered, positions = shown[order], np.arange(len(shown))
    ranks = np.empty_like(positions)
    ranks[order] = positions
    depths = np.maximum.reduceat(positions - ranks, begins)
    seconds = ordered[np.minimum(begins + 1, bounds[1:] - 1)]  # when each segment's second frame is shown
    spans = np.where(depths > 0, seconds - starts, 0)
    own = positions - np.repeat(begins, counts)
    depth = depths[segments]
    packed = starts[segments] + spans[segments] * own // (depth + 1)
    decoded = np.where(own <= depth, packed, ordered[np.maximum(positions - depth, 0)])
    decoded = _before_ends(decoded, bounds, limits, segments, positions)
    if (decoded[begins] < starts).any() or (_durations(cuts, edges, decoded) <= 0).any():
        raise ValueError("ticks are too coarse for these frames")
    return decoded


def _before_ends(
    decoded: NDArray[np.int64],
    bounds: NDArray[np.int64],
    limits: NDArray[np.int64],
    segments: NDArray[np.int64],
    positions: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Pulls the tail back where an irregular last frame would be decoded at or after its segment's end."""
    late = decoded[bounds[1:] - 1] >= limits[1:]
    if not late.any():
        return decoded
    latest = limits[1:][segments] - (bounds[1:][segments] - positions)
    return np.where(late[segments], np.minimum(decoded, latest), decoded)


def _durations(cuts: Sequence[int], edges: Sequence[int], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    following = np.append(starts[1:], 0)
    following[np.asarray(edges[1:], np.int64) - 1] = cuts[1:]
    return following - starts


def _refuse_empty(edges: Sequence[int]) -> None:
    if any(stop <= begin for begin, stop in pairwise(edges)):
        raise ValueError("a segment has no sample")


def _heads(
    first: int, cuts: Sequence[int], edges: Sequence[int], sizes: Column, flags: int, columns: Sequence[Column]
) -> list[bytes]:
    _refuse_empty(edges)
    rows = _rows(columns)
    row_bytes = 4 * len(columns)
    media_bytes = np.add.reduceat(np.asarray(sizes, np.int64), edges[:-1]).tolist()
    return [
        _head(first + n, cuts[n], flags, stop - begin, rows[row_bytes * begin : row_bytes * stop], media_bytes[n])
        for n, (begin, stop) in enumerate(pairwise(edges))
    ]


def _head(number: int, start: int, flags: int, samples: int, rows: bytes, media_bytes: int) -> bytes:
    if boxes.HEADER_BYTES + media_bytes >= 1 << 32:
        raise ValueError("a segment is larger than its size field")
    size = _MOOF.size + len(rows)
    moof = _MOOF.pack(
        *(size, b"moof"),
        *(_MFHD_BYTES, b"mfhd", 0, number + 1),
        *(_TRAF_BYTES + len(rows), b"traf"),
        *(_TFHD_BYTES, b"tfhd", DEFAULT_BASE_IS_MOOF | DEFAULT_FLAGS, TRACK_ID, SYNC_SAMPLE),
        *(_TFDT_BYTES, b"tfdt", 1 << 24, start),
        # version 1; media begin behind the header of mdat, counted from the first byte of moof
        *(_TRUN_BYTES + len(rows), b"trun", 1 << 24 | DATA_OFFSET | flags, samples, size + boxes.HEADER_BYTES),
    )
    return b"".join((SEGMENT_TYPE, moof, rows, struct.pack(">I4s", boxes.HEADER_BYTES + media_bytes, b"mdat")))


def _rows(columns: Sequence[Column]) -> bytes:
    """A table whose rows stand one behind the other, as `trun` has it. Only its last column may be signed."""
    table = np.stack([np.asarray(column, np.int64) for column in columns], axis=1)
    signed = len(columns) == 4
    unsigned = table[:, :-1] if signed else table
    if (unsigned < 0).any() or (unsigned >= 1 << 32).any() or (signed and (abs(table[:, -1]) >= 1 << 31).any()):
        raise ValueError("a time or size is too large for its field")
    return table.astype(">u4").tobytes()
