"""A finished rendition is held against its plan before anybody is told that it exists.

An exit code of 0 proves nothing (security.md R4), so the files themselves are read: all are there and nothing
else is, and each segment's `moof` says that it starts at its cut, lasts to the next one and carries on where the
one before it stopped. Only headers are read: some kilobytes of a segment, whatever its size. That the pictures
can be decoded is `worker.verifying`'s question.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from vod.containers import boxes
from vod.errors import OutputRefused
from vod.hls.codecs import codec_string
from vod.hls.fragments import SampleDefaults, SampleEntry, media_timescale, read_entries
from vod.hls.grid import Grid
from vod.hls.plan import Copied, Picture, Plan
from vod.hls.segment_index import SegmentIndex, VirtualSegment, read_segment
from vod.storage import INIT_SECTION, SEGMENT_INDEX, index_name, segment_name

LARGEST_INIT_BYTES = 1 << 20
LARGEST_MOOF_BYTES = 4 << 20
BESIDE_THE_FRAGMENT = frozenset({b"styp", b"sidx", b"prft", b"emsg", b"free"})
LARGE_HEADER_BYTES = 16
# A decoder leaves out what is broken beyond repair; where more is missing, an encoder has stopped early.
LEAST_SHARE = 0.6
# What `vod.storage.publish` writes aside (a killed worker may leave one) and what was refused: they serve nobody.
ASIDE = re.compile(r"\..+\.(part|refused)\Z")


Read = Callable[[int, int], bytes]  # so many bytes from there
ReadSamples = Callable[[int, SampleDefaults], list[SampleEntry]]  # of a segment, by its number


class SegmentRefused(OutputRefused):
    """One segment is not what the plan says; made anew it may be."""

    def __init__(self, rendition: str, number: int, fault: str, stderr_tail: str = "") -> None:
        super().__init__(f"Segment {number} of {rendition}: {fault}.", stderr_tail)
        self.rendition = rendition
        self.number = number


class Expected(NamedTuple):
    """What the plan says of one segment, in ticks."""

    start: int
    end: int
    tolerance: int
    is_video: bool
    is_last: bool  # it also holds what the container hid from the probe


def verify_rendition(folder: Path, plan: Plan, name: str) -> None:
    """Raises OutputRefused (SegmentRefused where it is one segment's) naming the first fault.

    KeyError for a rendition the plan does not hold.
    """
    grid = plan.grid(name)
    is_copied = isinstance(plan.renditions[name], Copied)
    if not is_copied:
        _verify_listing(folder, grid, name)
    try:
        init_section = (folder / INIT_SECTION).read_bytes()
        verify_init_section(init_section, plan, name)
        defaults = SampleDefaults.of_init_section(init_section)
    except ValueError as fault:
        raise OutputRefused(f"The init section of {name}: {fault}.") from None
    previous_end: int | None = None
    counts = []
    read = _copied_reader(folder, grid) if is_copied else _file_reader(folder)
    for number, expected in enumerate(_expectations(plan, name)):
        try:
            samples = read(number, defaults)
            _verify_continuity(samples, previous_end)
            _verify_times(samples, expected)
        except ValueError as fault:
            raise SegmentRefused(name, number, str(fault)) from None
        previous_end = samples[-1].end
        counts.append(len(samples))
    _verify_amount(counts, plan, name)


def _file_reader(folder: Path) -> ReadSamples:
    return lambda number, defaults: read_samples(folder / segment_name(number), defaults)


def _copied_reader(folder: Path, grid: Grid) -> ReadSamples:
    """Raises OutputRefused where the index is damaged, or one of another plan."""
    try:
        segments = _virtual_segments(folder, grid)
    except (OSError, ValueError) as fault:
        raise OutputRefused(f"The segment index cannot be used: {fault}.") from None
    return lambda number, defaults: read_virtual_samples(segments[number], defaults)


def _virtual_segments(folder: Path, grid: Grid) -> list[VirtualSegment]:
    if not (folder / SEGMENT_INDEX).exists():
        return [read_segment(folder / index_name(number), 0) for number in range(grid.count)]
    with closing(SegmentIndex.open(folder / SEGMENT_INDEX)) as index:
        _check(len(index) == grid.count, f"it has {len(index)} segments of {grid.count}")
        return [index.segment(number) for number in range(grid.count)]


def verify_init_section(data: bytes, plan: Plan, name: str) -> None:
    """Raises ValueError with what is wrong."""
    _check(len(data) <= LARGEST_INIT_BYTES, f"{len(data)} bytes are too many")
    _check(sum(1 for _ in boxes.find_all(data, b"moov", b"trak")) == 1, "it must describe one track")
    timescale = media_timescale(data)
    _check(timescale == plan.grid(name).timescale, f"its clock ticks {timescale} times a second")
    shifts = [media_time for media_time in _edit_media_times(data) if media_time != 0]
    _check(not shifts, f"an edit list moves the timeline by {shifts[:1]}")
    codec_string(data)
    rendition = plan.renditions[name]
    if isinstance(rendition, Picture):
        _verify_picture_size(data, rendition)


def _verify_listing(folder: Path, grid: Grid, name: str) -> None:
    try:
        sizes = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder)}
    except FileNotFoundError:
        raise OutputRefused(f"There is no folder of {name}.") from None
    if sizes.get(INIT_SECTION, 0) == 0:
        raise OutputRefused(f"The init section of {name} is missing.")
    segments = [segment_name(number) for number in range(grid.count)]
    for number, file_name in enumerate(segments):
        if sizes.get(file_name, 0) == 0:
            raise SegmentRefused(name, number, "it is empty" if file_name in sizes else "it is missing")
    for file_name in sizes.keys() - {INIT_SECTION, *segments}:
        if not ASIDE.match(file_name):
            raise OutputRefused(f"{file_name} of {name} is not in the plan.")


def _edit_media_times(data: bytes) -> Iterator[int]:
    for elst in boxes.find_all(data, b"moov", b"trak", b"edts", b"elst"):
        version, count = boxes.unpack("B3xI", data, elst)
        layout, entry_bytes = ("8xq", 20) if version else ("4xi", 12)
        for index in range(count):
            yield boxes.unpack(layout, data, elst, 8 + entry_bytes * index)[0]


def _verify_picture_size(data: bytes, rung: Picture) -> None:
    stsd = boxes.require(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    (entry,) = boxes.children(data, stsd)
    width, height = boxes.unpack("2H", data, entry, 24)
    _check((width, height) == (rung.width, rung.height), f"its picture is {width}x{height}")


def _expectations(plan: Plan, name: str) -> Iterator[Expected]:
    video = plan.video if isinstance(plan.renditions[name], Picture) else None
    tolerance = video.tolerance_ticks if video else 0
    cuts = plan.grid(name).cuts
    for start, end in pairwise(cuts):
        yield Expected(start, end, tolerance, video is not None, end == cuts[-1])


def _verify_continuity(samples: list[SampleEntry], previous_end: int | None) -> None:
    start = samples[0].decode_time
    _check(previous_end is None or start == previous_end, f"it starts at {start}, not at {previous_end}")


def _verify_times(samples: list[SampleEntry], expected: Expected) -> None:
    start, end, tolerance = expected.start, expected.end, expected.tolerance
    first, times = samples[0], [sample.time for sample in samples]
    # Its first frame may be shown later than it is decoded: sound may begin earlier, and originals have gaps, which
    # the cutter has looked into. The clock must be at the cut all the same.
    on_time = abs(first.decode_time - start) <= tolerance
    _check(on_time, f"it is decoded from {first.decode_time}, not from {start}")
    lasts = samples[-1].end - first.decode_time
    _check(abs(lasts - (end - start)) <= 2 * tolerance, f"it lasts {lasts} ticks, not {end - start}")
    _check(first.sync or not expected.is_video, "it does not start with a keyframe")
    _check(len(set(times)) == len(times), "two samples are shown at one time")
    inside = start - tolerance <= min(times) and (expected.is_last or max(times) < end - tolerance)
    _check(inside, f"samples are shown from {min(times)} to {max(times)}, outside {start}..{end}")


def _verify_amount(counts: list[int], plan: Plan, name: str) -> None:
    """Half of the frames, each shown for twice as long, would pass every other test."""
    planned = plan.video.frame_count if plan.video and isinstance(plan.renditions[name], Picture) else 0
    if sum(counts) >= planned * LEAST_SHARE:
        return
    cuts = plan.grid(name).cuts
    for number, (start, end) in enumerate(pairwise(cuts)):
        share = planned * (end - start) // (cuts[-1] - cuts[0])
        if counts[number] < share * LEAST_SHARE:
            raise SegmentRefused(name, number, f"it has {counts[number]} frames of about {share}")


def read_samples(path: Path, defaults: SampleDefaults) -> list[SampleEntry]:
    """At least one sample, all of them inside the `mdat`; ValueError for a file that is not one segment."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fragment = read_fragment(partial(os.pread, descriptor), os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)
    return fragment_samples(*fragment, defaults)


def read_virtual_samples(segment: VirtualSegment, defaults: SampleDefaults) -> list[SampleEntry]:
    """Like `read_samples`; what is to be read of it is in its head."""

    def read(count: int, offset: int) -> bytes:
        return segment.head[offset : offset + count]

    return fragment_samples(*read_fragment(read, segment.size_bytes), defaults)


def fragment_samples(moof_start: int, moof: bytes, media: range, defaults: SampleDefaults) -> list[SampleEntry]:
    _check(
        all(boxes.unpack("B", moof, run) == (1,) for run in boxes.find_all(moof, b"moof", b"traf", b"trun")),
        "its trun is not of version 1",
    )
    samples = list(read_entries(moof, defaults))
    _check(bool(samples), "it holds no sample")
    for sample in samples:
        start = moof_start + sample.offset
        inside = media.start <= start and sample.size > 0 and start + sample.size <= media.stop
        _check(inside, f"a sample of {sample.size} bytes at {start} is not in its mdat")
        _check(sample.duration > 0, "a sample lasts no time")
    return samples


def read_fragment(read: Read, size: int) -> tuple[int, bytes, range]:
    """Where the one `moof` starts, its bytes, and the range of the one `mdat`'s content."""
    found = {box.kind: box for box in _top_level(read, size) if box.kind not in BESIDE_THE_FRAGMENT}
    _check(found.keys() == {b"moof", b"mdat"}, f"it is made of {b' '.join(found).decode('latin-1')!r}")
    moof, mdat = found[b"moof"], found[b"mdat"]
    _check(moof.end - moof.start <= LARGEST_MOOF_BYTES, "its moof is too large")
    return moof.start, read(moof.end - moof.start, moof.start), range(mdat.body, mdat.end)


def _top_level(read: Read, size: int) -> Iterator[boxes.Box]:
    position, seen = 0, set()
    while position < size:
        header = boxes.read_header(read(LARGE_HEADER_BYTES, position), 0, size - position)
        _check(header.kind not in seen or header.kind in BESIDE_THE_FRAGMENT, f"it has a second {header.kind!r}")
        seen.add(header.kind)
        yield boxes.Box(header.kind, position, position + header.body, position + header.end)
        position += header.end


def _check(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(fault)
