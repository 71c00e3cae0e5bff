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
from collections.abc import Sequence
from dataclasses import dataclass

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
    rank = {time: index for index, time in enumerate(shown)}
    depth = max(index - rank[time] for index, time in enumerate(times))
    head = min(depth + 1, len(times))
    head_end = shown[1] if depth and len(shown) > 1 else start
    decoded = [start + (head_end - start) * index // head for index in range(head)] if depth else [start]
    decoded += [shown[index - depth] for index in range(head, len(times))]
    decoded = [*_before(decoded, end), end]
    if decoded[0] < start or any(later <= earlier for earlier, later in itertools.pairwise(decoded)):
        raise ValueError("ticks are too coarse for these frames")
    return decoded


def _before(decoded: list[int], end: int) -> list[int]:
    """Pull the tail back where an irregular last frame would be decoded at or after the segment's end."""
    return [min(time, end - (len(decoded) - index)) for index, time in enumerate(decoded)]


def segment(number: int, start: int, end: int, content: Sequence[Sample]) -> tuple[Bytes, ...]:
    """One media segment from `start` to `end` in ticks: `moof` and `mdat` of these samples in decode order."""
    decoded = decode_times([sample.time for sample in content], start, end)
    entries = b"".join(
        struct.pack(
            ">3Ii",
            decoded[index + 1] - decoded[index],
            len(sample.data),
            SYNC_SAMPLE if sample.keyframe else DEPENDENT_SAMPLE,
            sample.time - decoded[index],
        )
        for index, sample in enumerate(content)
    )
    return _fragment(number, start, DURATION | SIZE | FLAGS | COMPOSITION, entries, content)


def audio_segment(number: int, start: int, frame_samples: int, content: Sequence[Sample]) -> tuple[Bytes, ...]:
    """Like `segment` for audio: every sample lasts `frame_samples` ticks and is shown when it is decoded."""
    entries = b"".join(struct.pack(">2I", frame_samples, len(sample.data)) for sample in content)
    return _fragment(number, start, DURATION | SIZE, entries, content)


def _fragment(number: int, start: int, flags: int, entries: bytes, content: Sequence[Sample]) -> tuple[Bytes, ...]:
    def moof(data_offset: int) -> bytes:
        trun = full_box(b"trun", 1, DATA_OFFSET | flags, struct.pack(">Ii", len(content), data_offset), entries)
        tfhd = full_box(b"tfhd", 0, DEFAULT_BASE_IS_MOOF | DEFAULT_FLAGS, struct.pack(">2I", TRACK_ID, SYNC_SAMPLE))
        tfdt = full_box(b"tfdt", 1, 0, struct.pack(">Q", start))
        mfhd = full_box(b"mfhd", 0, 0, struct.pack(">I", number + 1))
        return box(b"moof", mfhd, box(b"traf", tfhd, tfdt, trun))

    header = moof(len(moof(0)) + boxes.HEADER_BYTES)
    size = boxes.HEADER_BYTES + sum(len(sample.data) for sample in content)
    return (SEGMENT_TYPE, header, struct.pack(">I4s", size, b"mdat"), *(sample.data for sample in content))


SEGMENT_TYPE = box(b"styp", b"msdh", struct.pack(">I", 0), b"msdhmsix")
