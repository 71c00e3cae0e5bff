"""The index file of a copied rendition: every virtual segment's head and its ranges of the original, checked.

Workers write it (`index_writing`), the server reads it, and neither looks at the original's own tables again.
Big-endian:

* header: magic, version, size of the original, of this file, count of segments, CRC-32 of the rest up to the bodies;
* a record for each segment: where its body lies, lengths of its parts, bytes of the original, CRC-32 of the body;
* bodies: the head, the offsets of its ranges (64 bits each), their lengths (32 bits each).
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

MAGIC = b"Hreelidx"
VERSION = 1
HEADER = struct.Struct(">8sI2QII")
RECORD = struct.Struct(">Q2IQI")
RANGE_BYTES = 12
MOST_SEGMENTS = 1 << 20
MOST_BODY_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualSegment:
    """`head` is followed by stretches of the original, in this order: columns of one length."""

    head: bytes
    offsets: array[int]  # "Q": bytes from the start of the original
    lengths: array[int]  # "I": bytes, none is 0

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(offset, length) of each stretch."""
        return tuple(zip(self.offsets, self.lengths, strict=True))

    @property
    def size_bytes(self) -> int:
        return len(self.head) + sum(self.lengths)


class Record(NamedTuple):
    """Of one segment; `media_bytes` of the original follow its head."""

    offset: int
    head_bytes: int
    ranges: int
    media_bytes: int
    checksum: int

    @property
    def size_bytes(self) -> int:
        return self.head_bytes + self.media_bytes


class SegmentIndex:
    """An open index. `open` and `segment` read the disk: call them in a thread. Damage is a ValueError."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        header = os.pread(descriptor, HEADER.size, 0)
        if len(header) < HEADER.size:
            raise ValueError("the segment index is cut off")
        *fields, checksum = HEADER.unpack(header)
        magic, version, self.original_bytes, size, count = fields
        if magic != MAGIC or version != VERSION:
            raise ValueError("this is no segment index of this version")
        if count > MOST_SEGMENTS or size != os.fstat(descriptor).st_size:
            raise ValueError("the segment index has another size than it tells")
        self._table = os.pread(descriptor, RECORD.size * count, HEADER.size)
        if len(self._table) != RECORD.size * count or table_checksum(fields, self._table) != checksum:
            raise ValueError("the segment index is damaged")

    @classmethod
    def open(cls, path: Path) -> SegmentIndex:
        """Raises OSError or ValueError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return cls(descriptor)
        except ValueError:
            os.close(descriptor)
            raise

    def __len__(self) -> int:
        return len(self._table) // RECORD.size

    @property
    def sizes(self) -> list[int]:
        """Bytes of every segment, head included: what BANDWIDTH is measured by."""
        return [Record(*record).size_bytes for record in RECORD.iter_unpack(self._table)]

    def segment(self, number: int) -> VirtualSegment:
        """Raises IndexError for a segment there is not, ValueError where its part of the file is damaged."""
        if not 0 <= number < len(self):
            raise IndexError(f"there is no segment {number}")
        record = Record(*RECORD.unpack_from(self._table, RECORD.size * number))
        size = record.head_bytes + RANGE_BYTES * record.ranges
        if size > MOST_BODY_BYTES:
            raise ValueError("a segment of the index is too large")
        body = os.pread(self._descriptor, size, record.offset)
        if len(body) != size or crc32(body) != record.checksum:
            raise ValueError("a segment of the index is damaged")
        middle = record.head_bytes + 8 * record.ranges
        offsets, lengths = _column("Q", body[record.head_bytes : middle]), _column("I", body[middle:])
        _check_ranges(offsets, lengths, self.original_bytes)
        if sum(lengths) != record.media_bytes:
            raise ValueError("a segment of the index contradicts itself")
        return VirtualSegment(head=body[: record.head_bytes], offsets=offsets, lengths=lengths)

    def close(self) -> None:
        os.close(self._descriptor)


def index_sizes(path: Path) -> list[int]:
    """Bytes of every segment of the index at `path`. Blocks; raises OSError or ValueError."""
    index = SegmentIndex.open(path)
    try:
        return index.sizes
    finally:
        index.close()


def read_segment(path: Path, number: int) -> VirtualSegment:
    """One segment of the index at `path`. Blocks; raises OSError, ValueError or IndexError."""
    index = SegmentIndex.open(path)
    try:
        return index.segment(number)
    finally:
        index.close()


def table_checksum(fields: Sequence[object], table: bytes) -> int:
    return crc32(table, crc32(HEADER.pack(*fields, 0)))


def _column(code: str, data: bytes) -> array[int]:
    column: array[int] = array(code, data)
    if sys.byteorder == "little":
        column.byteswap()
    return column


def _check_ranges(offsets: array[int], lengths: array[int], original_bytes: int) -> None:
    if max(map(add, offsets, lengths), default=0) > original_bytes or not min(lengths, default=1):
        raise ValueError("a range lies outside the original")
