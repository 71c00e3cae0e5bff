"""From ffmpeg's pipe to segment files: reads fragments as they come, cuts at the plan's times, publishes by rename.

A segment is published the moment the first frame of the next one (or the end of the span) shows that it is whole;
killing anything loses at most the segments in hand. A present file is final and is never written again.
"""

from __future__ import annotations

import asyncio
import struct
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from vod import storage
from vod.containers import boxes
from vod.containers.boxes import Bytes
from vod.errors import OutputRefused
from vod.hls import fmp4
from vod.hls.copyable_codecs import parameter_sets
from vod.hls.encode import Span
from vod.hls.fmp4 import Sample
from vod.hls.fragments import SampleDefaults
from vod.hls.grid import Grid
from vod.hls.idr import begins_with_idr, parameter_sets_of
from vod.hls.init_section import init_section
from vod.hls.plan import AAC_FRAME_SAMPLES
from vod.hls.sound import packets_before

# A fragment is at most a few seconds of one rendition; anything larger is not ours.
MAX_BOX_BYTES = 256 << 20

OnSegment = Callable[[int], Awaitable[None]]
Decodes = Callable[[tuple[Bytes, ...]], Awaitable[bool]]  # whether a decoder takes a segment made of these parts
AVCC = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1", b"avcC")


class CameTooLate(OutputRefused):
    """The first frame of the span is missing: the demuxer's seek went past it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the segments of one rendition go."""

    folder: Path
    grid: Grid
    span: Span
    tolerance_ticks: int
    gap_allowed: bool  # the original may lack the span's first frame
    origin_ticks: int = 0  # what its frames' times begin at, where they come on the original's clock
    decodes: Decodes | None = None  # asked of what somebody else has encoded
    on_segment: OnSegment  # awaited after each newly published segment


async def cut_video(reader: asyncio.StreamReader, target: Target) -> None:
    """Raises OutputRefused, CameTooLate, or OSError where a file cannot be written."""
    writer = _Writer(target)
    held: list[Sample] = []
    number = target.span.first
    async for group in _fragments(reader, writer):
        segment = _segment_of(group, target)
        if segment != number and held:
            await writer.video(number, held)
            held = []
        elif not (held or target.gap_allowed or target.span.first == 0):
            _check_start(group, target)
        number = segment
        held += group
    if held:
        await writer.video(number, held)
    writer.check_complete()


async def cut_remuxed(reader: asyncio.StreamReader, target: Target) -> None:
    """The span alone of what begins before it and ends behind it. Raises like `cut_video`.

    The pictures are somebody else's: a segment that a player could not start at or decode is refused, and one that is
    larger than any film's.
    """
    writer = _Writer(target)
    cuts, (first, last) = target.grid.cuts, (target.span.first, target.span.last)
    held: list[Sample] = []
    number = first
    async for group in _fragments(reader, writer):
        moved = [replace(sample, time=sample.time - target.origin_ticks) for sample in group]
        segment = min(bisect_right(cuts, moved[0].time) - 1, len(cuts) - 2)
        if not first <= segment <= last:
            continue
        if segment != number and held:
            await _publish_remuxed(writer, number, held)
            held = []
        _check_group(writer, moved[0], segment, is_cut=not held)
        number = segment
        held += moved
        if sum(len(sample.data) for sample in held) > MAX_BOX_BYTES:
            raise OutputRefused(f"Segment {segment} would be larger than {MAX_BOX_BYTES} bytes.")
    if held:
        await _publish_remuxed(writer, number, held)
    writer.check_complete()


async def _publish_remuxed(writer: _Writer, number: int, samples: list[Sample]) -> None:
    """A recording ends where it was cut off, in the middle of a picture: that one may be left out."""
    is_end = number == writer.target.grid.count - 1
    for kept in (samples, samples[:-1]) if is_end else (samples,):
        if kept and await writer.decodes(number, kept):
            await writer.video(number, kept)
            return
    raise OutputRefused(f"Segment {number} cannot be decoded.")


async def cut_audio(reader: asyncio.StreamReader, target: Target) -> None:
    """Segments of exactly the planned number of packets. Raises like `cut_video`."""
    writer = _Writer(target)
    held: list[Sample] = []
    number = target.span.first
    unwanted = packets_before(target.grid.cuts[number])
    async for group in _fragments(reader, writer):
        skip = min(unwanted, len(group))
        unwanted -= skip
        held += islice(group, skip, None)
        while number <= target.span.last and len(held) >= (wanted := _packets(target.grid, number)):
            await writer.audio(number, held[:wanted])
            del held[:wanted]
            number += 1
    writer.check_complete()


async def read_moov(reader: asyncio.StreamReader) -> bytes:
    """What the encoder says of its track, or nothing; reads the rest away. Raises OutputRefused."""
    found = b""
    async for kind, content in _top_boxes(reader):
        if kind == b"moov":
            found = content
    return found


async def cut_header(reader: asyncio.StreamReader, folder: Path, grid: Grid) -> None:
    """Publishes the init section and reads the rest away. Raises like `cut_video`."""
    async for kind, content in _top_boxes(reader):
        if kind == b"moov":
            section = init_section(content, grid.timescale, grid.cuts[-1])
            await asyncio.to_thread(_publish_init, folder / storage.INIT_SECTION, section)


def _segment_of(group: list[Sample], target: Target) -> int:
    """A fragment starts with an IDR and lies within one segment, for there is an IDR at every cut."""
    if not group[0].keyframe:
        raise OutputRefused("The encoder began a fragment without a keyframe.")
    number = bisect_right(target.grid.cuts, group[0].time + target.tolerance_ticks) - 1
    return min(max(number, target.span.first), target.span.last)


def _check_start(group: list[Sample], target: Target) -> None:
    late = group[0].time - target.grid.cuts[target.span.first]
    if late > target.tolerance_ticks:
        raise CameTooLate(f"The span's first frame came {late / target.grid.timescale:.3f} s late.")


def _check_group(writer: _Writer, sample: Sample, segment: int, *, is_cut: bool) -> None:
    late = sample.time - writer.target.grid.cuts[segment]
    if is_cut and late > 0 and segment > 0:
        raise CameTooLate(f"Segment {segment} would begin {late / writer.target.grid.timescale:.3f} s late.")
    try:
        if is_cut and not begins_with_idr(sample.data):
            raise OutputRefused(f"Segment {segment} would not begin with an IDR.")
        if not parameter_sets_of(sample.data) <= writer.parameter_sets:
            raise OutputRefused(f"In segment {segment} the encoder's settings change.")
    except ValueError as error:
        raise OutputRefused(f"Segment {segment} cannot be read: {error}.") from None


def _packets(grid: Grid, number: int) -> int:
    return (grid.cuts[number + 1] - grid.cuts[number]) // AAC_FRAME_SAMPLES


async def _fragments(reader: asyncio.StreamReader, writer: _Writer) -> AsyncIterator[list[Sample]]:
    """The samples of each fragment; the init section is published before the first."""
    defaults: SampleDefaults | None = None
    moof = b""
    async for kind, content in _top_boxes(reader):
        try:
            if kind == b"moov":
                defaults = SampleDefaults.of_init_section(content)
                await writer.init(content)
            elif kind == b"moof":
                moof = content
            elif kind == b"mdat" and defaults is not None and (group := fmp4.samples(moof, content, defaults)):
                yield group
        except ValueError as error:
            raise OutputRefused(f"The encoder wrote a fragment that cannot be read: {error}.") from None


async def _top_boxes(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    while header := await _read_header(reader):
        size, kind = struct.unpack(">I4s", header)
        if not boxes.HEADER_BYTES <= size <= MAX_BOX_BYTES:
            raise OutputRefused(f"The encoder wrote a box of {size} bytes.")
        try:
            yield kind, header + await reader.readexactly(size - boxes.HEADER_BYTES)
        except asyncio.IncompleteReadError:
            raise OutputRefused("The encoder stopped in the middle of a fragment.") from None


async def _read_header(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readexactly(boxes.HEADER_BYTES)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise OutputRefused("The encoder stopped in the middle of a box.") from None
        return b""


@dataclass(slots=True)
class _Writer:
    target: Target
    came: set[int] = field(default_factory=set)  # new or present before
    parameter_sets: frozenset[bytes] = frozenset()  # of H.264, as the init section has them

    async def init(self, moov: bytes) -> None:
        if (record := boxes.find(moov, *AVCC)) is not None:
            self.parameter_sets = frozenset(unit.rstrip(b"\0") for unit in parameter_sets(boxes.body(moov, record)))
        cuts = self.target.grid.cuts
        content = init_section(moov, self.target.grid.timescale, cuts[-1])
        await asyncio.to_thread(_publish_init, self.target.folder / storage.INIT_SECTION, content)

    async def decodes(self, number: int, samples: list[Sample]) -> bool:
        return self.target.decodes is None or await self.target.decodes(self._segment(number, samples))

    async def video(self, number: int, samples: list[Sample]) -> None:
        await self._publish(number, self._segment(number, samples))

    def _segment(self, number: int, samples: list[Sample]) -> tuple[Bytes, ...]:
        start, end = self.target.grid.cuts[number], self.target.grid.cuts[number + 1]
        try:
            return fmp4.segment(number, start, end, samples)
        except ValueError as error:
            raise OutputRefused(f"Segment {number} cannot be timed: {error}.") from None

    async def audio(self, number: int, samples: list[Sample]) -> None:
        start = self.target.grid.cuts[number]
        try:
            await self._publish(number, fmp4.audio_segment(number, start, AAC_FRAME_SAMPLES, samples))
        except ValueError as error:
            raise OutputRefused(f"Segment {number} cannot be timed: {error}.") from None

    def check_complete(self) -> None:
        """Exit code 0 proves nothing: every segment of the span must have come."""
        for number in range(self.target.span.first, self.target.span.last + 1):
            if number not in self.came:
                raise OutputRefused(f"The encoder ended without segment {number}.")

    async def _publish(self, number: int, parts: tuple[Bytes, ...]) -> None:
        path = self.target.folder / storage.segment_name(number)
        is_new = await asyncio.to_thread(storage.publish_once, path, *parts)
        self.came.add(number)
        if is_new:
            await self.target.on_segment(number)


def _publish_init(path: Path, content: bytes) -> None:
    """Raises OutputRefused where another worker's parameter sets are not ours (hls-rules.md rule 22)."""
    storage.make_folder(path.parent)
    if not storage.publish_once(path, content) and path.read_bytes() != content:
        raise OutputRefused("This worker's encoder writes other headers than the film already has.")
