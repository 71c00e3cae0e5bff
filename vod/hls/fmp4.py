"""Media segments as Homereel makes them: ffmpeg's samples in fragments of our own.

ffmpeg's fragments carry right pictures and presentation times; their decode times depend on where its process
happened to start. So a segment's `moof` is written anew from the plan alone (design.md section 2, rules 2-3):

* `tfdt` is the planned cut, the sample durations add up to the next cut: every segment continues the one before
  it, whoever made either;
* composition offsets are never negative, though `trun` is version 1: libavformat's demuxer adds a track's most
  negative offset to every presentation time of a fragmented file (seen with 5.1: 83 ms of lip-sync error in mpv
  and ffmpeg). Decode times are instead packed a little closer at the head of a segment, see `heads.decode_times`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vod.containers.boxes import Bytes
from vod.hls.fragments import SampleDefaults, read_entries
from vod.hls.heads import audio_heads, video_heads


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


def segment(number: int, start: int, end: int, content: Sequence[Sample]) -> tuple[Bytes, ...]:
    """One media segment from `start` to `end` in ticks: `moof` and `mdat` of these samples in decode order.

    Raises ValueError as `video_heads` does.
    """
    keyframes = [index for index, sample in enumerate(content) if sample.keyframe]
    times, sizes = [sample.time for sample in content], [len(sample.data) for sample in content]
    heads = video_heads(number, (start, end), (0, len(content)), times, sizes, keyframes)
    return (*heads, *(sample.data for sample in content))


def audio_segment(number: int, start: int, frame_samples: int, content: Sequence[Sample]) -> tuple[Bytes, ...]:
    """Like `segment` for audio: every sample lasts `frame_samples` ticks and is shown when it is decoded."""
    end = start + frame_samples * len(content)
    starts, sizes = range(start, end, frame_samples), [len(sample.data) for sample in content]
    return (*audio_heads(number, (start, end), (0, len(content)), starts, sizes), *(one.data for one in content))
