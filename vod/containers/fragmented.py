"""Movie fragments of an original, every track and every layout (ISO/IEC 14496-12 §8.8).

One `moof` is held at a time and no `mdat` is read. Offsets, sizes and counts are checked before columns grow.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress, count
from operator import add
from typing import NamedTuple

from vod.containers import boxes
from vod.containers.boxes import Box
from vod.containers.columns import counted, shifted
from vod.containers.file_boxes import FileBox, read_box
from vod.containers.media_samples import MediaSamples
from vod.containers.sample_tables import MOST_TICKS
from vod.containers.samples import MOST_SAMPLES, Kind, NotCopyable

MOST_MOOF_BYTES = 16 << 20  # a million samples

# tfhd flags
BASE_DATA_OFFSET, SAMPLE_DESCRIPTION, DEFAULT_DURATION, DEFAULT_SIZE, DEFAULT_FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20
DEFAULT_BASE_IS_MOOF = 0x020000
# trun flags
DATA_OFFSET, FIRST_SAMPLE_FLAGS = 0x1, 0x4
DURATION, SIZE, FLAGS, COMPOSITION = 0x100, 0x200, 0x400, 0x800
# sample flags: either makes a sample no keyframe, for libavformat as for us
DEPENDS_ON_OTHERS, NON_SYNC = 0x01000000, 0x00010000


class Defaults(NamedTuple):
    """Of `trex`, or of `tfhd` where that overrides them."""

    description: int
    duration: int
    size: int
    flags: int


@dataclass(slots=True)
class TrackFragments:
    """Columns of one track, growing from fragment to fragment."""

    offsets: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("I"))
    decode_times: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))
    keyframes: array[int] = field(default_factory=lambda: array("I"))
    end: int = 0  # where the last sample ends
    decode_shift: int = 0
    first_decode_shift: int = 0  # of the first run

    def media(self, kind: Kind, shift: int) -> MediaSamples:
        """Moved by `shift`. Raises NotCopyable where a player and libavformat would time the samples differently."""
        if self.decode_shift != self.first_decode_shift:
            raise NotCopyable("composition offsets grow more negative from fragment to fragment")
        decoded = array("q", [*self.decode_times, self.end])
        return MediaSamples(
            offsets=self.offsets,
            sizes=self.sizes,
            decode_times=shifted(decoded, shift),
            # libavformat adds the most negative composition offset of a fragmented track to all its times
            times=shifted(self.times, shift + self.decode_shift),
            keyframes=counted(len(self.sizes)) if kind == "audio" else self.keyframes,
            decode_shift=0,
        )

    def add(self, run: _Run, offset: int) -> None:
        position = len(self.sizes)
        decoded = array("q", accumulate(run.durations, initial=self.end))
        self.end = decoded.pop()
        shift = max(0, -min(run.compositions))
        if not position:
            self.first_decode_shift = shift
        self.decode_shift = max(self.decode_shift, shift)
        self.offsets.extend(accumulate(run.sizes[:-1], initial=offset))
        self.sizes.extend(run.sizes)
        self.decode_times.extend(decoded)
        self.times.extend(map(add, decoded, run.compositions))
        self.keyframes.extend(compress(count(position), run.syncs))


class _Run(NamedTuple):
    """One `trun`; every column has as many entries as it has samples, and it has some."""

    durations: Sequence[int]
    sizes: Sequence[int]
    syncs: Sequence[bool]
    compositions: Sequence[int]


def read_fragments(descriptor: int, file_bytes: int, tops: Iterator[FileBox], moov: bytes) -> dict[int, TrackFragments]:
    """By track id, from the `moof`s among the top boxes that follow; empty without any. Raises ValueError."""
    reader = _Reader(file_bytes, _track_defaults(moov))
    for found in tops:
        if found.kind == b"moof":
            reader.add(read_box(descriptor, found, MOST_MOOF_BYTES), found.start)
    return reader.tracks if reader.room < MOST_SAMPLES else {}


def _track_defaults(moov: bytes) -> dict[int, Defaults]:
    fields = (boxes.unpack("5I", moov, trex, 4) for trex in boxes.find_all(moov, b"moov", b"mvex", b"trex"))
    return {track: Defaults(*rest) for track, *rest in fields}


class _Reader:
    def __init__(self, file_bytes: int, defaults: dict[int, Defaults]) -> None:
        self.file_bytes = file_bytes
        self.defaults = defaults
        self.tracks = {track: TrackFragments() for track in defaults}
        self.room = MOST_SAMPLES

    def add(self, moof: bytes, start: int) -> None:
        following = start  # where data lie that no offset leads to
        for traf in boxes.find_all(moof, b"moof", b"traf"):
            following = self._add_track(moof, list(boxes.children(moof, traf)), start, following)

    def _add_track(self, moof: bytes, parts: list[Box], start: int, following: int) -> int:
        track, flags, base, defaults = self._track_header(moof, _require(parts, b"tfhd"))
        if not flags & BASE_DATA_OFFSET:
            base = start if flags & DEFAULT_BASE_IS_MOOF else following
        fragments = self.tracks[track]
        for part in parts:
            if part.kind == b"tfdt":
                fragments.end = _base_decode_time(moof, part)
        offset = base
        for part in parts:
            if part.kind == b"trun":
                offset = self._add_run(moof, part, defaults, fragments, base, offset)
        return offset

    def _track_header(self, moof: bytes, tfhd: Box) -> tuple[int, int, int, Defaults]:
        """Track id, flags, base data offset and defaults. Raises NotCopyable for an unannounced track."""
        flags, track = boxes.unpack("2I", moof, tfhd)
        if track not in self.defaults:
            raise NotCopyable("a fragment belongs to no track")
        position = 8
        base = 0
        if flags & BASE_DATA_OFFSET:
            (base,) = boxes.unpack("Q", moof, tfhd, position)
            position += 8
        values = []
        bits = (SAMPLE_DESCRIPTION, DEFAULT_DURATION, DEFAULT_SIZE, DEFAULT_FLAGS)
        for bit, default in zip(bits, self.defaults[track], strict=True):
            values.append(boxes.unpack("I", moof, tfhd, position)[0] if flags & bit else default)
            position += 4 if flags & bit else 0
        return track, flags, base, Defaults(*values)

    def _add_run(
        self, moof: bytes, trun: Box, defaults: Defaults, fragments: TrackFragments, base: int, offset: int
    ) -> int:
        """Where the run's data end."""
        flags, samples = boxes.unpack("2I", moof, trun)
        self.room -= samples
        if self.room < 0:
            raise NotCopyable("the file has too many samples")
        if flags & DATA_OFFSET:
            offset = base + boxes.unpack("i", moof, trun, 8)[0]
        if not samples:
            return offset
        run = _read_run(moof, trun, flags, samples, defaults)
        end = offset + sum(run.sizes)
        if offset < 0 or end > self.file_bytes:
            raise NotCopyable("a fragment's samples lie outside the file")
        if abs(fragments.end) + sum(run.durations) > MOST_TICKS or defaults.description != 1:
            raise NotCopyable("a fragment lasts for ever or changes the description")
        fragments.add(run, offset)
        return end


def _read_run(moof: bytes, trun: Box, flags: int, samples: int, defaults: Defaults) -> _Run:
    position = 8 + (4 if flags & DATA_OFFSET else 0)
    present = [bit for bit in (DURATION, SIZE, FLAGS, COMPOSITION) if flags & bit]
    first_flags = None
    if flags & FIRST_SAMPLE_FLAGS:
        (first_flags,) = boxes.unpack("I", moof, trun, position)
        position += 4
    table = _big_endian(moof[trun.body + position : trun.end], samples * len(present))
    columns: dict[int, Sequence[int]] = {bit: table[n :: len(present)] for n, bit in enumerate(present)}
    return _Run(
        durations=columns.get(DURATION) or array("I", [defaults.duration]) * samples,
        sizes=columns.get(SIZE) or array("I", [defaults.size]) * samples,
        syncs=_syncs(columns.get(FLAGS), samples, defaults.flags if first_flags is None else first_flags, defaults),
        compositions=_signed(columns[COMPOSITION]) if COMPOSITION in columns else array("i", [0]) * samples,
    )


def _big_endian(data: bytes, count: int) -> array[int]:
    """The first `count` integers of `data`. A ValueError where it holds fewer."""
    column = array("I")
    if count * column.itemsize > len(data):
        raise ValueError(f"{len(data)} bytes are no table of {count}")
    column.frombytes(data[: count * column.itemsize])
    if sys.byteorder == "little":
        column.byteswap()
    return column


def _syncs(column: Sequence[int] | None, samples: int, first_flags: int, defaults: Defaults) -> Sequence[bool]:
    if column is not None:
        return [not flags & (NON_SYNC | DEPENDS_ON_OTHERS) for flags in column]
    first, rest = (not flags & (NON_SYNC | DEPENDS_ON_OTHERS) for flags in (first_flags, defaults.flags))
    return [first] + [rest] * (samples - 1)


def _signed(column: Sequence[int]) -> array[int]:
    """libavformat takes composition offsets as signed in both versions of `trun`."""
    return array("i", array("I", column).tobytes())


def _base_decode_time(moof: bytes, tfdt: Box) -> int:
    """Signed: ffmpeg writes the two's complement of a decode time before zero."""
    (version,) = boxes.unpack("B", moof, tfdt)
    (time,) = boxes.unpack("q" if version else "I", moof, tfdt, 4)
    if abs(time) > MOST_TICKS:
        raise NotCopyable("a fragment begins beyond all time")
    return time


def _require(parts: list[Box], kind: bytes) -> Box:
    for part in parts:
        if part.kind == kind:
            return part
    raise NotCopyable(f"there is no {kind.decode('latin-1')} box")
