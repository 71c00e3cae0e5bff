"""The keyframes of a finished rendition: where each lies in its segments, and a reel of nothing but some of them.

Only headers are read until a keyframe itself is wanted. Such a reel is a film of its own, so that one ffmpeg process
looks at some hundred pictures of a long film without a byte of the frames between.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vod.containers import boxes
from vod.hls.fmp4 import Sample, segment
from vod.hls.fragments import SampleDefaults, read_entries
from vod.hls.grid import Grid
from vod.storage import INIT_SECTION, segment_name

# The moof of ten seconds at 120 frames a second is 20 kB.
LARGEST_HEADER_BYTES = 1 << 20
# An IDR of a rung: at its peak rate a whole segment of ten seconds is 12 MB.
LARGEST_KEYFRAME_BYTES = 16 << 20
# Keyframes that are held in memory at once.
REEL_FRAGMENT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyframe:
    """Times in ticks of the rendition; `offset` and `fragment` in bytes from the start of the segment's file."""

    time: int
    segment: int
    fragment: int  # where the moof starts that describes it
    offset: int
    size: int


def read_keyframes(folder: Path, grid: Grid) -> list[Keyframe]:
    """All of the complete rendition in `folder`, as they are shown.

    Raises FileNotFoundError where a segment is missing, ValueError where one is not what a worker wrote.
    """
    defaults = SampleDefaults.of_init_section((folder / INIT_SECTION).read_bytes())
    found = [
        keyframe
        for number in range(grid.count)
        for keyframe in segment_keyframes(folder / segment_name(number), number, defaults)
    ]
    return sorted(found, key=lambda keyframe: keyframe.time)


def segment_keyframes(path: Path, number: int, defaults: SampleDefaults) -> Iterator[Keyframe]:
    """In decode order; the first is the segment's first sample."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(min(size, LARGEST_HEADER_BYTES))
    moof = _moof(head, size)
    for sample in read_entries(head[moof.start : moof.end], defaults):
        if not sample.sync:
            continue
        start = moof.start + sample.offset
        if not (moof.end < start and 0 < sample.size <= LARGEST_KEYFRAME_BYTES and start + sample.size <= size):
            raise ValueError(f"a keyframe of {sample.size} bytes at {start} is not in its segment")
        yield Keyframe(time=sample.time, segment=number, fragment=moof.start, offset=start, size=sample.size)


def _moof(head: bytes, size: int) -> boxes.Box:
    position = 0
    while position < len(head):
        found = boxes.read_header(head, position, size)
        if found.kind == b"moof" and found.end <= len(head):
            return found
        position = found.end
    raise ValueError("there is no moof where one belongs")


def write_reel(reel: Path, folder: Path, keyframes: Sequence[Keyframe]) -> None:
    """A fragmented MP4 of these `keyframes` (as they are shown, their times distinct), each at its own time."""
    with reel.open("xb") as file:
        file.write((folder / INIT_SECTION).read_bytes())
        for first in range(0, len(keyframes), REEL_FRAGMENT):
            part = keyframes[first : first + REEL_FRAGMENT]
            following = keyframes[first + REEL_FRAGMENT : first + REEL_FRAGMENT + 1]
            end = following[0].time if following else part[-1].time + 1
            content = [Sample(keyframe.time, True, _data(folder, keyframe)) for keyframe in part]
            file.writelines(segment(first // REEL_FRAGMENT, part[0].time, end, content))


def _data(folder: Path, keyframe: Keyframe) -> memoryview:
    """Raises ValueError where the file has become shorter since."""
    with (folder / segment_name(keyframe.segment)).open("rb") as file:
        data = os.pread(file.fileno(), keyframe.size, keyframe.offset)
    if len(data) != keyframe.size:
        raise ValueError("a keyframe is cut off")
    return memoryview(data)
