"""Open files that never change, kept open: a segment costs no stat, open, close or thread once it is known.

A descriptor closes when the cache and the last response have let go of its `OpenFile`. A file that was
deleted or replaced (its link count is 0) leaves the cache with the next `sweep`, or at once by `forget`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import stat
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from server.raw_response import header_lines

READ_AHEAD_STEP = 64 << 10  # no larger than what a block device reads at once
LARGEST_CACHE = 1024
TINY_BYTES = 4 << 10  # kept in memory: an init section is asked for with every film, and a call costs more
LARGEST_HELD_BYTES = 32 << 20  # of what kept representations hold in memory themselves
NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENAMETOOLONG})


def open_regular(path: Path) -> int:
    """A descriptor to read from. Blocks; raises FileNotFoundError, also for what is no regular file, or a link."""
    try:
        # NONBLOCK: should a named pipe stand here, opening it must not wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in NOTHING_THERE:
            raise FileNotFoundError(path.name) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(path.name)
    return descriptor


class Stretch(NamedTuple):
    offset: int  # in the file
    length: int


class Representation(Protocol):
    """What one response, or a range of it, is made of.

    `lines` are the header lines that every response with it carries, `whole_lines` those of all of it.
    """

    etag: str
    size: int
    lines: bytes
    whole_lines: bytes

    @property
    def source(self) -> OpenFile:
        """Where its stretches are."""

    @property
    def held_bytes(self) -> int:
        """Of memory, beside the descriptor."""

    def stretches(self, offset: int, count: int) -> Iterator[bytes | Stretch]:
        """What these bytes are, in order: ready-made, or somewhere in the source."""

    def read_resident(self, offset: int, count: int) -> bytes | bytearray | None:
        """Those bytes, or None where a disk would have to be waited for."""


class OpenFile:
    __slots__ = ("__weakref__", "_close", "_probe", "_tiny", "descriptor", "etag", "lines", "size", "whole_lines")

    def __init__(self, path: Path, fields: Mapping[str, str]) -> None:
        """Blocks; raises FileNotFoundError."""
        self.descriptor = open_regular(path)
        self._close = weakref.finalize(self, os.close, self.descriptor)
        status = os.fstat(self.descriptor)
        self.size = status.st_size
        self.etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"'
        self.lines = header_lines({"ETag": self.etag, "Accept-Ranges": "bytes", **fields})
        self.whole_lines = self.lines + b"Content-Length: %d\r\n" % self.size
        self._probe = bytearray(1)
        self._tiny = os.pread(self.descriptor, self.size, 0) if self.size <= TINY_BYTES else None

    @property
    def held_bytes(self) -> int:
        return len(self._tiny or b"")

    @property
    def source(self) -> Self:
        return self

    def stretches(self, offset: int, count: int) -> Iterator[bytes | Stretch]:
        yield Stretch(offset, count)

    def is_resident(self, offset: int, count: int) -> bool:
        """Whether the page cache holds both ends of that stretch, so that sending it will hardly wait for a disk."""
        try:
            os.preadv(self.descriptor, [self._probe], offset, os.RWF_NOWAIT)
            os.preadv(self.descriptor, [self._probe], offset + count - 1, os.RWF_NOWAIT)
        except OSError:  # not cached; or a file system that cannot tell
            return False
        return True

    def read_resident(self, offset: int, count: int) -> bytes | bytearray | None:
        if self._tiny is not None:
            return self._tiny[offset : offset + count]
        data = bytearray(count)
        try:
            if os.preadv(self.descriptor, [data], offset, os.RWF_NOWAIT) < count:
                return None
        except OSError:
            return None
        return data

    def read_ahead(self, offset: int, count: int) -> None:
        """Bring that stretch into the page cache. Blocks."""
        os.posix_fadvise(self.descriptor, offset, count, os.POSIX_FADV_WILLNEED)
        for position in (*range(offset, offset + count, READ_AHEAD_STEP), offset + count - 1):
            os.pread(self.descriptor, 1, position)

    def is_deleted(self) -> bool:
        return os.fstat(self.descriptor).st_nlink == 0


FileKey = tuple[str, str]  # media id, name below it


class DescriptorCache:
    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit or _affordable()
        self._files: OrderedDict[FileKey, Representation] = OrderedDict()
        self._held_bytes = 0

    def __len__(self) -> int:
        return len(self._files)

    def find(self, key: FileKey) -> Representation | None:
        file = self._files.get(key)
        if file is not None:
            self._files.move_to_end(key)
        return file

    async def open(self, key: FileKey, path: Path, fields: Mapping[str, str]) -> Representation:
        """Raises FileNotFoundError."""
        return self.keep(key, await asyncio.to_thread(OpenFile, path, fields))

    async def original(self, media_id: str, path: Path) -> OpenFile:
        """What virtual segments are ranges of, opened once. Raises FileNotFoundError."""
        key = (media_id, "original")
        found = self.find(key) or await self.open(key, path, {})
        return found.source

    def keep(self, key: FileKey, made: Representation) -> Representation:
        """The one of that name from now on: `made`, or what somebody else has kept meanwhile."""
        kept = self._files.setdefault(key, made)
        if kept is made:
            self._held_bytes += made.held_bytes
        while self._files and (len(self._files) > self._limit or self._held_bytes > LARGEST_HELD_BYTES):
            _, dropped = self._files.popitem(last=False)
            self._held_bytes -= dropped.held_bytes
        return kept

    async def sweep(self) -> None:
        """Let go of deleted and replaced files, so that they are neither served nor kept on the disk."""
        held = list(self._files.items())
        deleted = await asyncio.to_thread(lambda: [key for key, file in held if file.source.is_deleted()])
        self._let_go(deleted)

    def forget(self, media_id: str) -> None:
        """Serve nothing more of a media file that is being deleted."""
        self._let_go([key for key in self._files if key[0] == media_id])

    def close(self) -> None:
        self._let_go(list(self._files))

    def _let_go(self, keys: list[FileKey]) -> None:
        for key in keys:
            if (dropped := self._files.pop(key, None)) is not None:
                self._held_bytes -= dropped.held_bytes


def _affordable() -> int:
    """A quarter of what this process may open: connections need the rest."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return LARGEST_CACHE if soft == resource.RLIM_INFINITY else min(LARGEST_CACHE, soft // 4)
