"""What of a representation goes into a socket at one go: a long window of the file, or many short stretches copied.

A piece waits for no disk unless it is told to `fetch`, which is for a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

from server.descriptors import OpenFile, Representation, Stretch

WINDOW_BYTES = 2 << 20  # sent at one go; the other connections wait that long, about 0.4 ms
LONG_BYTES = 64 << 10  # from here on a stretch is cheaper sent from the page cache than copied with its neighbours
GATHERED_BYTES = 256 << 10  # copied at most at a time; a slow reader's connection holds that much
GATHERED_STRETCHES = 256  # half a microsecond each


class Piece(Protocol):
    @property
    def left(self) -> int:
        """Bytes that are still to be sent."""

    def is_ready(self) -> bool:
        """Whether it can be sent, or read, without waiting for a disk. May fetch what is in memory."""

    def fetch(self) -> None:
        """Have it ready. Blocks; raises OSError for a file that is shorter than it was."""

    def send(self, descriptor: int) -> int:
        """How many bytes the socket took. Raises BlockingIOError for none, OSError as `fetch` does."""


class Window:
    """One stretch, from the page cache to the socket without passing through Python."""

    __slots__ = ("_file", "_offset", "left")

    def __init__(self, file: OpenFile, stretch: Stretch) -> None:
        self._file = file
        self._offset = stretch.offset
        self.left = stretch.length

    def is_ready(self) -> bool:
        return self._file.is_resident(self._offset, self.left)

    def fetch(self) -> None:
        self._file.read_ahead(self._offset, self.left)

    def send(self, descriptor: int) -> int:
        sent = os.sendfile(descriptor, self._file.descriptor, self._offset, self.left)
        if sent == 0:
            raise OSError("The file is shorter than it was.")
        self._offset += sent
        self.left -= sent
        return sent


class Gathered:
    """Stretches too short to be worth a call each, and bytes that are no file's."""

    __slots__ = ("_data", "_file", "_parts", "left")

    def __init__(self, file: OpenFile, parts: list[bytes | Stretch]) -> None:
        self._file = file
        self._parts = parts
        self._data = memoryview(b"")
        self.left = sum(len(part) if isinstance(part, bytes) else part.length for part in parts)

    def is_ready(self) -> bool:
        if self._parts:
            self._gather(os.RWF_NOWAIT)
        return not self._parts

    def fetch(self) -> None:
        self._gather(0)
        if self._parts:
            raise OSError("The file is shorter than it was.")

    def send(self, descriptor: int) -> int:
        sent = os.write(descriptor, self._data)
        self._data = self._data[sent:]
        self.left -= sent
        return sent

    def read(self) -> memoryview:
        """All of it, once it is ready."""
        return self._data

    def _gather(self, flags: int) -> None:
        """The parts are gone when all of them have been read."""
        data = memoryview(bytearray(self.left))
        descriptor, position = self._file.descriptor, 0
        for part in self._parts:
            if isinstance(part, bytes):
                data[position : position + len(part)] = part
                position += len(part)
                continue
            offset, length = part
            end = position + length
            if not _read(descriptor, data[position:end], offset, flags):
                return
            position = end
        self._data, self._parts = data, []


def pieces(file: Representation, offset: int, count: int) -> Iterator[Piece]:
    """Made as they are asked for; each keeps the file open."""
    source = file.source
    for group in _grouped(file.stretches(offset, count), LONG_BYTES):
        if isinstance(group, Stretch):
            for window in _cut(group, WINDOW_BYTES):
                yield Window(source, window)
        else:
            yield Gathered(source, group)


def copied_pieces(file: Representation, offset: int, count: int) -> Iterator[Gathered]:
    """For where there is no raw socket (TLS)."""
    source = file.source
    for group in _grouped(file.stretches(offset, count), GATHERED_BYTES):
        if isinstance(group, Stretch):
            for window in _cut(group, GATHERED_BYTES):
                yield Gathered(source, [window])
        else:
            yield Gathered(source, group)


def _grouped(parts: Iterator[bytes | Stretch], long: int) -> Iterator[Stretch | list[bytes | Stretch]]:
    """Stretches from `long` on stand alone, the others together, up to what is copied at a time."""
    group: list[bytes | Stretch] = []
    held = 0
    for part in parts:
        if not isinstance(part, bytes) and part.length >= long:
            if group:
                yield group
                group, held = [], 0
            yield part
            continue
        length = len(part) if isinstance(part, bytes) else part.length
        if group and (held + length > GATHERED_BYTES or len(group) == GATHERED_STRETCHES):
            yield group
            group, held = [], 0
        group.append(part)
        held += length
    if group:
        yield group


def _cut(stretch: Stretch, longest: int) -> Iterator[Stretch]:
    offset, left = stretch
    while left > longest:
        yield Stretch(offset, longest)
        offset += longest
        left -= longest
    yield Stretch(offset, left)


def _read(descriptor: int, target: memoryview, offset: int, flags: int) -> bool:
    """False where that would have waited, or where the file ends before."""
    try:
        count = os.preadv(descriptor, (target,), offset, flags)
    except OSError:
        if flags:  # not cached; or a file system that cannot tell
            return False
        raise
    if count == len(target):
        return True
    return count > 0 and _read(descriptor, target[count:], offset + count, flags)
