"""Movie fragments, read: what the `moof` of one track says of its samples (ISO/IEC 14496-12 §8.8).

Only headers are read, never media; the bytes may come from anywhere, and a contradiction is a ValueError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from vod.containers import boxes
from vod.containers.boxes import Box, Bytes

TRACK_ID = 1  # of what is written here

# tfhd flags
BASE_DATA_OFFSET, SAMPLE_DESCRIPTION, DEFAULT_DURATION, DEFAULT_SIZE, DEFAULT_FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20
DEFAULT_BASE_IS_MOOF = 0x020000
# trun flags
DATA_OFFSET, FIRST_SAMPLE_FLAGS = 0x1, 0x4
DURATION, SIZE, FLAGS, COMPOSITION = 0x100, 0x200, 0x400, 0x800

NON_SYNC_SAMPLE = 0x00010000  # sample_is_non_sync_sample of the sample flags
MOST_SAMPLES = 1 << 20  # in one run; a segment of 10 s at 1 kHz has 10,000


class SampleDefaults(NamedTuple):
    """Of `trex`, or of `tfhd` where that overrides them."""

    duration: int = 0
    size: int = 0
    flags: int = 0

    @classmethod
    def of_init_section(cls, init_section: Bytes) -> SampleDefaults:
        trex = boxes.require(init_section, b"moov", b"mvex", b"trex")
        return cls(*boxes.unpack("3I", init_section, trex, 12))


class SampleEntry(NamedTuple):
    """Times in ticks of the track; `offset` in bytes from the first byte of the `moof`."""

    decode_time: int
    duration: int
    composition: int
    offset: int
    size: int
    sync: bool

    @property
    def time(self) -> int:
        """When it is shown."""
        return self.decode_time + self.composition

    @property
    def end(self) -> int:
        return self.decode_time + self.duration


def media_timescale(init_section: Bytes) -> int:
    """Ticks a second of the one track (`mdhd`). Raises ValueError where it is missing or 0."""
    mdhd = boxes.require(init_section, b"moov", b"trak", b"mdia", b"mdhd")
    (version,) = boxes.unpack("B", init_section, mdhd)
    (timescale,) = boxes.unpack("I", init_section, mdhd, 20 if version else 12)
    if not timescale:
        raise ValueError("its clock does not tick")
    return timescale


def read_entries(moof: Bytes, defaults: SampleDefaults) -> Iterator[SampleEntry]:
    """Every sample of the one track fragment in `moof` (the whole box), in decode order."""
    if sum(1 for _ in boxes.find_all(moof, b"moof", b"traf")) != 1:
        raise ValueError("a fragment of exactly one track is expected")
    defaults = _track_defaults(moof, defaults)
    decode_time, offset = _base_decode_time(moof), 0
    for run in boxes.find_all(moof, b"moof", b"traf", b"trun"):
        for entry in _run(moof, run, defaults, decode_time, offset):
            yield entry
            decode_time, offset = entry.end, entry.offset + entry.size


def _track_defaults(moof: Bytes, defaults: SampleDefaults) -> SampleDefaults:
    tfhd = boxes.require(moof, b"moof", b"traf", b"tfhd")
    flags = _flags(moof, tfhd)
    if flags & BASE_DATA_OFFSET or not flags & DEFAULT_BASE_IS_MOOF:
        raise ValueError("tfhd: offsets must be relative to the moof")
    position = 12 if flags & SAMPLE_DESCRIPTION else 8
    values = []
    for bit, default in zip((DEFAULT_DURATION, DEFAULT_SIZE, DEFAULT_FLAGS), defaults, strict=True):
        values.append(boxes.unpack("I", moof, tfhd, position)[0] if flags & bit else default)
        position += 4 if flags & bit else 0
    return SampleDefaults(*values)


def _base_decode_time(moof: Bytes) -> int:
    """Signed: ffmpeg writes the two's complement of a decode time before zero."""
    tfdt = boxes.require(moof, b"moof", b"traf", b"tfdt")
    (version,) = boxes.unpack("B", moof, tfdt)
    return boxes.unpack("q" if version else "I", moof, tfdt, 4)[0]


def _run(moof: Bytes, run: Box, defaults: SampleDefaults, decode_time: int, offset: int) -> Iterator[SampleEntry]:
    flags = _flags(moof, run)
    (count,) = boxes.unpack("I", moof, run, 4)
    position, first_flags = 8, defaults.flags
    if flags & DATA_OFFSET:
        (offset,) = boxes.unpack("i", moof, run, position)
        position += 4
    if flags & FIRST_SAMPLE_FLAGS:
        (first_flags,) = boxes.unpack("I", moof, run, position)
        position += 4
    for index, (duration, size, sample_flags, composition) in enumerate(_rows(moof, run, position, count, defaults)):
        effective = first_flags if index == 0 and not flags & FLAGS else sample_flags
        yield SampleEntry(decode_time, duration, composition, offset, size, not effective & NON_SYNC_SAMPLE)
        decode_time, offset = decode_time + duration, offset + size


def _rows(
    moof: Bytes, run: Box, position: int, count: int, defaults: SampleDefaults
) -> Iterator[tuple[int, int, int, int]]:
    """Duration, size, flags and composition offset of each sample, with defaults where the run has no column."""
    flags = _flags(moof, run)
    layout = "".join(
        ("i" if bit == COMPOSITION else "I") if flags & bit else "" for bit in (DURATION, SIZE, FLAGS, COMPOSITION)
    )
    table = bytes(moof[run.body + position : run.end])
    if count > MOST_SAMPLES or len(table) != 4 * len(layout) * count:
        raise ValueError(f"trun: {len(table)} bytes are no table of {count} samples")
    columns = iter(zip(*struct.iter_unpack(f">{layout}", table), strict=True)) if layout else iter(())
    constant = (*defaults, 0)
    filled = [
        next(columns, ()) if flags & bit else (value,) * count
        for bit, value in zip((DURATION, SIZE, FLAGS, COMPOSITION), constant, strict=True)
    ]
    return zip(*filled, strict=True)


def _flags(data: Bytes, full_box: Box) -> int:
    return boxes.unpack("I", data, full_box)[0] & 0xFFFFFF
