"""ISO base media file format boxes (ISO/IEC 14496-12), read strictly and written plainly.

Bytes come from originals and encoders that are not trusted: every size is checked against what encloses it,
and nonsense is a ValueError, never an endless loop, a huge allocation or a read outside the box.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

Bytes = bytes | bytearray | memoryview

HEADER_BYTES = 8
LARGE_SIZE = 1  # the size field of a box whose real size follows as 64 bits
TO_THE_END = 0  # the size field of a box that fills what is left

# Where the children start inside a body that does not begin with them: fields of the box itself come first.
_FIELDS_BEFORE_CHILDREN = {b"stsd": 8, b"dref": 8, b"meta": 4}
_VISUAL_ENTRIES = frozenset({b"avc1", b"avc3", b"hvc1", b"hev1", b"av01", b"mp4v", b"encv"})
_AUDIO_ENTRIES = frozenset({b"mp4a", b"ac-3", b"ec-3", b"Opus", b"fLaC", b"enca"})
_VISUAL_ENTRY_FIELDS = 78
_AUDIO_ENTRY_FIELDS = 28
_QUICKTIME_SOUND_FIELDS = {0: 0, 1: 16, 2: 36}  # further fields by the entry's version


class Box(NamedTuple):
    """Offsets into the data it was read from: the header at `start`, its content in `body:end`."""

    kind: bytes
    start: int
    body: int
    end: int


def iter_boxes(data: Bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that lie side by side in `data[start:end]`, which they must fill exactly."""
    limit = len(data) if end is None else end
    if not 0 <= start <= limit <= len(data):
        raise ValueError(f"box range {start}..{limit} is outside {len(data)} bytes")
    while start < limit:
        box = read_header(data, start, limit)
        yield box
        start = box.end


def read_header(data: Bytes, start: int, limit: int) -> Box:
    """The box at `start`, which must end at or before `limit`. Only its header needs to be in `data`."""
    size, kind, header_bytes = _size_and_kind(data, start)
    if size == TO_THE_END:
        size = limit - start
    if size < header_bytes or start + size > limit:
        raise ValueError(f"box {kind!r} at {start} claims {size} bytes of {limit - start}")
    return Box(kind, start, start + header_bytes, start + size)


def children(data: Bytes, parent: Box) -> Iterator[Box]:
    start = parent.body + _bytes_before_children(data, parent)
    if start > parent.end:
        raise ValueError(f"box {parent.kind!r} at {parent.start} is too short for its fields")
    return iter_boxes(data, start, parent.end)


def find(data: Bytes, *path: bytes) -> Box | None:
    """The first box at `path`, as in `find(data, b"moov", b"trak")`, or None."""
    return next(find_all(data, *path), None)


def find_all(data: Bytes, *path: bytes) -> Iterator[Box]:
    """Every box at `path`, in file order."""
    return _descend(data, iter_boxes(data), path)


def require(data: Bytes, *path: bytes) -> Box:
    """Like `find`, but a missing box is a ValueError."""
    found = find(data, *path)
    if found is None:
        raise ValueError(f"there is no {b'/'.join(path).decode('latin-1')} box")
    return found


def body(data: Bytes, found: Box) -> bytes:
    return bytes(data[found.body : found.end])


def unpack(layout: str, data: Bytes, found: Box, offset: int = 0) -> tuple[int, ...]:
    """Big-endian integer fields `offset` bytes into the body; a ValueError where the body is too short."""
    start = found.body + offset
    if start + struct.calcsize(f">{layout}") > min(found.end, len(data)):
        raise ValueError(f"box {found.kind!r} at {found.start} is too short")
    return struct.unpack_from(f">{layout}", data, start)


def box(kind: bytes, *payloads: bytes) -> bytes:
    size = HEADER_BYTES + sum(map(len, payloads))
    if size > 0xFFFFFFFF:
        return b"".join((struct.pack(">I4sQ", LARGE_SIZE, kind, size + 8), *payloads))
    return b"".join((struct.pack(">I4s", size, kind), *payloads))


def full_box(kind: bytes, version: int, flags: int, *payloads: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *payloads)


def _size_and_kind(data: Bytes, start: int) -> tuple[int, bytes, int]:
    """The size field's value, the kind and the header's length in bytes."""
    if start + HEADER_BYTES > len(data):
        raise ValueError(f"box header at {start} is cut off")
    size, kind = struct.unpack_from(">I4s", data, start)
    if size != LARGE_SIZE:
        return size, kind, HEADER_BYTES
    if start + HEADER_BYTES + 8 > len(data):
        raise ValueError(f"box header at {start} is cut off")
    return struct.unpack_from(">Q", data, start + HEADER_BYTES)[0], kind, HEADER_BYTES + 8


def _descend(data: Bytes, level: Iterator[Box], path: tuple[bytes, ...]) -> Iterator[Box]:
    for found in level:
        if found.kind != path[0]:
            continue
        if len(path) == 1:
            yield found
        else:
            yield from _descend(data, children(data, found), path[1:])


def _bytes_before_children(data: Bytes, parent: Box) -> int:
    if parent.kind in _VISUAL_ENTRIES:
        return _VISUAL_ENTRY_FIELDS
    if parent.kind in _AUDIO_ENTRIES:
        (version,) = unpack("H", data, parent, 8)
        return _AUDIO_ENTRY_FIELDS + _QUICKTIME_SOUND_FIELDS.get(version, 0)
    return _FIELDS_BEFORE_CHILDREN.get(parent.kind, 0)
