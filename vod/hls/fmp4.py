"""Media segments as Homereel makes them: ffmpeg's samples in fragments of our own.

ffmpeg's fragments carry right pictures and presentation times; their decode times depend on where its process
happened to start. So a segment's `moof` is written anew from the plan alone (design.md section 2, rules 2-3):

* `tfdt` is the planned cut, the sample durations add up to the next cut: every segment continues the one before
  it, whoever made either;
* composition offsets are never negative, though `trun` is version 1: libavformat's demuxer adds a track's most
  negative offset to every presentation time of a fragmented file (seen with 5.1: 83 ms of lip-sync error in mpv
  and ffmpeg). Decode times are instead packed a little closer at the head of a segment, see `decode_times`.

Box layouts: ISO/IEC 14496-12 §8.8; brands: CMAF (23000-19).
"""

from __future__ import annotations

import itertools
import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import lt, sub

from vod.containers import boxes
from vod.containers.boxes import Bytes, box, full_box
from vod.hls.fragments import (
    COMPOSITION,
    DATA_OFFSET,
    DEFAULT_BASE_IS_MOOF,
    DEFAULT_FLAGS,
    DURATION,
    FLAGS,
    SIZE,
    SampleDefaults,
    read_entries,
)

TRACK_ID = 1

SYNC_SAMPLE = 0x02000000  # depends on no other sample
DEPENDENT_SAMPLE = 0x01010000

MOOF_BYTES = 92  # of ours, without the rows of its trun


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit. `time` is its presentation time in ticks, as the encoder was given it."""

    time: int
    keyframe: bool
    data: memoryview


def samples(moof: Bytes, mdat: Bytes, defaults: SampleDefaults) -> list[Sample]:
    """The samples of one single-track fragment, in decode order. `mdat` is the box that follows, header included.

    Raises ValueError where the boxes contradict each other.
    """
    data = memoryview(mdat)
    found = []
    for entry in read_entries(moof, defaults):
        start = entry.offset - len(moof)
        if start < 0 or start + entry.size > len(data):
            raise ValueError("a sample lies outside its mdat")
        found.append(Sample(entry.time, entry.sync, data[start : start + entry.size]))
    return found


def decode_times(times: Sequence[int], start: int, end: int) -> list[int]:
    """Decode times for samples with these presentation `times` (in decode order), and `end` behind them.

    `start` and `end` are the segment's cuts. With r frames of reordering, sample i > r is decoded when frame i - r
    is shown; the first r + 1 share the first frame's time, so no sample is decoded after it must be shown, the
    first one is decoded at the cut, and all durations are positive. Raises ValueError where ticks are too coarse.
    """
    shown = sorted(times)
    rank = dict(zip(shown, itertools.count(), strict=False))
    depth = max(map(sub, itertools.count(), map(rank.__getitem__, times)))
    head = depth + 1
    head_end = shown[1] if depth else start
    decoded = [start + (head_end - start) * index // head for index in range(head)]
    decoded += shown[head - depth : len(shown) - depth]
    if decoded[-1] >= end:
        decoded = _before(decoded, end)
    decoded.append(end)
    if decoded[0] < start or not all(map(lt, decoded, itertools.islice(decoded, 1, None))):
        raise ValueError("ticks are too coarse for these frames")
    return decoded


def _before(decoded: list[int], end: int) -> list[int]:
    """Pull the tail back where an irregular last frame would be decoded at or after the segment's end."""
    return [min(time, end - (len(decoded) - index)) for index, time in enumerate(decoded)]


def segment(number: int, start: int, end: int, content: Sequence[Sample]) -> tuple[Bytes, ...]:
    """One media segment from `start` to `end` in ticks: `moof` and `mdat` of these samples in decode order."""
    keyframes = [index for index, sample in enumerate(content) if sample.keyframe]
    times, sizes = [sample.time for sample in content], [len(sample.data) for sample in content]
    return (*video_head(number, start, end, times, sizes, keyframes), *(sample.data for sample in content))


def audio_segment(number: int, start: int, frame_samples: int, content: Sequence[Sample]) -> tuple[Bytes, ...]:
    """Like `segment` for audio: every sample lasts `frame_samples` ticks and is shown when it is decoded."""
    starts = range(start, start + frame_samples * len(content) + 1, frame_samples)
    sizes = [len(sample.data) for sample in content]
    return (*audio_head(number, starts, sizes), *(sample.data for sample in content))


def video_head(
    number: int, start: int, end: int, times: Sequence[int], sizes: Sequence[int], keyframes: Iterable[int]
) -> tuple[bytes, ...]:
    """All of a segment but its media, which follow it in decode order. `keyframes` are positions among the samples.

    Raises ValueError where ticks are too coarse, or times and sizes too large for their fields.
    """
    decoded = decode_times(times, start, end)
    flags = array("I", [DEPENDENT_SAMPLE]) * len(sizes)
    for position in keyframes:
        flags[position] = SYNC_SAMPLE
    durations = map(sub, itertools.islice(decoded, 1, None), decoded)
    return _head(
        number,
        start,
        DURATION | SIZE | FLAGS | COMPOSITION,
        sizes,
        durations,
        sizes,
        flags,
        map(sub, times, decoded),
        codes="IIIi",
    )


def audio_head(number: int, starts: Sequence[int], sizes: Sequence[int]) -> tuple[bytes, ...]:
    """Like `video_head`: every sample lasts to the next of `starts`, of which there is one more."""
    durations = map(sub, itertools.islice(starts, 1, None), starts)
    return _head(number, starts[0], DURATION | SIZE, sizes, durations, sizes, codes="II")


def _head(
    number: int, start: int, flags: int, sizes: Sequence[int], *columns: Iterable[int], codes: str
) -> tuple[bytes, ...]:
    size = boxes.HEADER_BYTES + sum(sizes)
    if size >= 1 << 32:
        raise ValueError("a segment is larger than its size field")
    header = _moof(number, start, flags, len(sizes), _rows(len(sizes), codes, columns))
    return SEGMENT_TYPE, header, struct.pack(">I4s", size, b"mdat")


def _moof(number: int, start: int, flags: int, samples: int, entries: bytes) -> bytes:
    media_offset = MOOF_BYTES + len(entries) + boxes.HEADER_BYTES  # from the moof's first byte
    trun = full_box(b"trun", 1, DATA_OFFSET | flags, struct.pack(">Ii", samples, media_offset), entries)
    tfhd = full_box(b"tfhd", 0, DEFAULT_BASE_IS_MOOF | DEFAULT_FLAGS, struct.pack(">2I", TRACK_ID, SYNC_SAMPLE))
    tfdt = full_box(b"tfdt", 1, 0, struct.pack(">Q", start))
    mfhd = full_box(b"mfhd", 0, 0, struct.pack(">I", number + 1))
    return box(b"moof", mfhd, box(b"traf", tfhd, tfdt, trun))


def _rows(count: int, codes: str, columns: Sequence[Iterable[int]]) -> bytes:
    """A table whose rows stand one behind the other, as `trun` has it."""
    table = array("i", bytes(4 * count * len(columns)))
    try:
        for position, (code, column) in enumerate(zip(codes, columns, strict=True)):
            table[position :: len(columns)] = array("i", array(code, column).tobytes())
    except OverflowError:
        raise ValueError("a time or size is too large for its field") from None
    if sys.byteorder == "little":
        table.byteswap()
    return table.tobytes()


SEGMENT_TYPE = box(b"styp", b"msdh", struct.pack(">I", 0), b"msdhmsix")
