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
        self.left = sum(part.length if isinstance(part, Stretch) else len(part) for part in parts)

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
        data = bytearray(self.left)
        room, position = memoryview(data), 0
        for part in self._parts:
            length = part.length if isinstance(part, Stretch) else len(part)
            target = room[position : position + length]
            position += length
            if not isinstance(part, Stretch):
                target[:] = part
            elif not _read(self._file.descriptor, target, part.offset, flags):
                return
        self._data, self._parts = room, []


def pieces(file: Representation, offset: int, count: int) -> Iterator[Piece]:
    """Made as they are asked for; each keeps the file open."""
    for parts in _grouped(file.stretches(offset, count), WINDOW_BYTES, LONG_BYTES):
        match parts:
            case [Stretch() as stretch] if stretch.length >= LONG_BYTES:
                yield Window(file.source, stretch)
            case _:
                yield Gathered(file.source, parts)


def copied_pieces(file: Representation, offset: int, count: int) -> Iterator[Gathered]:
    """For where there is no raw socket (TLS)."""
    for parts in _grouped(file.stretches(offset, count), GATHERED_BYTES, GATHERED_BYTES):
        yield Gathered(file.source, parts)


def _grouped(parts: Iterator[bytes | Stretch], window: int, long: int) -> Iterator[list[bytes | Stretch]]:
    """Stretches from `long` on stand alone, cut to `window`; the others together up to what is copied at a time."""
    group: list[bytes | Stretch] = []
    held = 0
    for part in _cut(parts, window):
        length = part.length if isinstance(part, Stretch) else len(part)
        alone = isinstance(part, Stretch) and length >= long
        if group and (alone or held + length > GATHERED_BYTES or len(group) == GATHERED_STRETCHES):
            yield group
            group, held = [], 0
        if alone:
            yield [part]
            continue
        group.append(part)
        held += length
    if group:
        yield group


def _cut(parts: Iterator[bytes | Stretch], longest: int) -> Iterator[bytes | Stretch]:
    for part in parts:
        if not isinstance(part, Stretch):
            yield part
            continue
        offset, left = part
        while left:
            length = min(left, longest)
            yield Stretch(offset, length)
            offset += length
            left -= length


def _read(descriptor: int, target: memoryview, offset: int, flags: int) -> bool:
    """False where that would have waited, or where the file ends before."""
    position = 0
    while position < len(target):
        try:
            count = os.preadv(descriptor, [target[position:]], offset + position, flags)
        except OSError:
            if flags:  # not cached; or a file system that cannot tell
                return False
            raise
        if count == 0:
            return False
        position += count
    return True
