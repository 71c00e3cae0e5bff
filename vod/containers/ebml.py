"""EBML elements (RFC 8794), read strictly from a file that is not trusted and never as a whole.

A size that reaches beyond what encloses it, an unknown size where none is allowed, or a number that cannot be read is
a ValueError; nothing here loops without moving forward or allocates what an element merely claims.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

UNKNOWN = -1  # the `end` of an element whose size was not known when it was written: a live recording's
LONGEST_HEADER_BYTES = 12  # four of an id, eight of a size
WINDOW_BYTES = 8192
MOST_ELEMENTS = 1 << 20  # side by side, where nobody says otherwise
MOST_FIELDS = 1000  # of one record; a TrackEntry has forty

_LONGEST_ID = 4
_LONGEST_SIZE = 8
# By first byte: how long the number is (its leading zero bits tell), and, of each length, the value of "unknown".
_LENGTHS = bytes(9 - first.bit_length() for first in range(256))
_UNKNOWN_SIZES = tuple((1 << 7 * length) - 1 for length in range(_LONGEST_SIZE + 1))
_FLOATS = {0: "", 4: ">f", 8: ">d"}


class Element(NamedTuple):
    """Offsets of the header and of the content, `body:end`, in the file or the bytes it was read from."""

    kind: int  # the id with its length marker, as RFC 9559 prints it: 0x1A45DFA3
    start: int
    body: int
    end: int


class Reader:
    """A file in windows of a few KiB: a read costs a system call only where the last one did not bring the bytes."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.size = size
        self._descriptor = descriptor
        self._window = b""
        self._start = 0

    def peek(self, at: int, most: int) -> bytes:
        """`most` bytes from `at`, fewer only where the file ends."""
        most = max(0, min(most, self.size - at))
        offset = at - self._start
        if most and (offset < 0 or offset + most > len(self._window)):
            self._window = os.pread(self._descriptor, max(most, WINDOW_BYTES), at)
            self._start, offset = at, 0
        return self._window[offset : offset + most]

    def read(self, at: int, length: int, most: int) -> bytes:
        """Exactly `length` bytes. More than `most` is a ValueError, as is the file's end."""
        if length > most:
            raise ValueError(f"{length} bytes at {at} are more than the {most} that are read at once")
        data = self.peek(at, length)
        if len(data) != length:
            raise ValueError(f"{length} bytes at {at} are cut off")
        return data

    def element(self, at: int, limit: int) -> Element:
        """The element at `at`, which must end at or before `limit` unless its size is unknown."""
        kind, body, size = _header(self.peek(at, min(LONGEST_HEADER_BYTES, limit - at)), 0)
        return _bounded(kind, at, at + body, size, limit)


@contextmanager
def open_reader(path: Path) -> Iterator[Reader]:
    """Raises OSError. The size is the file's now: one that shrinks meanwhile reads as cut off."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield Reader(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def elements(data: bytes, start: int = 0, end: int | None = None, most: int = MOST_ELEMENTS) -> Iterator[Element]:
    """The elements that lie side by side in `data[start:end]`, which they must fill exactly; all sizes known."""
    limit = len(data) if end is None else end
    for _ in range(most):
        if start >= limit:
            return
        kind, body, size = _header(data, start)
        found = _bounded(kind, start, body, size, limit)
        if found.end == UNKNOWN:
            raise ValueError(f"element {kind:#x} at {start} has no size")
        yield found
        start = found.end
    if start < limit:
        raise ValueError(f"more than {most} elements side by side")


def fields(data: bytes, start: int = 0, end: int | None = None) -> dict[int, bytes]:
    """The content of each element by its id; of several with one id, the last one's."""
    return {found.kind: data[found.body : found.end] for found in elements(data, start, end, MOST_FIELDS)}


def unsigned(content: bytes) -> int:
    if len(content) > 8:
        raise ValueError(f"a number of {len(content)} bytes")
    return int.from_bytes(content)


def floating(content: bytes) -> float:
    layout = _FLOATS.get(len(content))
    if layout is None:
        raise ValueError(f"a floating number of {len(content)} bytes")
    return float(struct.unpack(layout, content)[0]) if layout else 0.0


def text(content: bytes) -> str:
    """Printable ASCII up to the first zero byte; whatever else stands there becomes "?"."""
    letters = content.split(b"\0", 1)[0].decode("ascii", "replace")
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in letters)


def number(data: bytes, at: int) -> tuple[int, int]:
    """A variable-size number at `at` and the offset behind it."""
    if at >= len(data):
        raise ValueError("a number is cut off")
    length = _LENGTHS[data[at]]
    if length > _LONGEST_SIZE or at + length > len(data):
        raise ValueError("a number is cut off or too long")
    return int.from_bytes(data[at : at + length]) & _UNKNOWN_SIZES[length], at + length


def signed_number(data: bytes, at: int) -> tuple[int, int]:
    """As in EBML lacing: the middle of the range stands for zero."""
    value, after = number(data, at)
    return value - ((1 << 7 * (after - at) - 1) - 1), after


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """Id, offset of the content, and its size or UNKNOWN."""
    if at >= len(data):
        raise ValueError("an element's header is cut off")
    length = _LENGTHS[data[at]]
    if length > _LONGEST_ID:
        raise ValueError(f"no element begins with byte {data[at]:#x}")
    size, body = number(data, at + length)
    return (
        int.from_bytes(data[at : at + length]),
        body,
        UNKNOWN if size == _UNKNOWN_SIZES[body - at - length] else size,
    )


def _bounded(kind: int, start: int, body: int, size: int, limit: int) -> Element:
    if size == UNKNOWN and body <= limit:
        return Element(kind, start, body, UNKNOWN)
    if body + size > limit or size == UNKNOWN:
        raise ValueError(f"element {kind:#x} at {start} claims {size} bytes of {limit - body}")
    return Element(kind, start, body, body + size)
