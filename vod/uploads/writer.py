"""Appending to a file fast and flat: two aligned buffers, one filling while a thread writes the other.

Full buffers go past the page cache (O_DIRECT): 20 GB through it would push out every segment that somebody
is watching, and costs three times the CPU (performance.md section 2). Where a file system refuses, writeback
is started at once and what is on the disk is dropped from the cache behind us.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import fcntl
import mmap
import os
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from vod.errors import DiskFull

BUFFER_BYTES = 4 << 20
BLOCK_BYTES = 4096  # O_DIRECT wants whole multiples, in memory and on the disk; no disk's block is larger
CACHE_BYTES = 32 << 20  # how much may wait in the page cache where O_DIRECT is refused

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})

SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE, SYNC_FILE_RANGE_WAIT_AFTER = 1, 2, 4

T = TypeVar("T")


class FileWriter:
    """For one coroutine at a time. After an error only `close` is allowed."""

    def __init__(self, path: Path, offset: int, threads: Executor) -> None:
        """Blocks. Continues at `offset`; bytes of the file beyond it are cut off."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        os.ftruncate(self._descriptor, offset)
        self._direct = _set_direct(self._descriptor, wanted=True)
        self._threads = threads
        self._filling, self._resting = mmap.mmap(-1, BUFFER_BYTES), mmap.mmap(-1, BUFFER_BYTES)
        self._writing: asyncio.Future[None] | None = None
        # The buffer stands at a block's start, so a begun block is taken back into it.
        self._filled = offset % BLOCK_BYTES
        self._position = offset - self._filled
        if self._filled:
            self._without_direct(lambda: os.preadv(self._descriptor, [self._view(self._filled)], self._position))

    @property
    def offset(self) -> int:
        """Bytes taken, on the disk or not."""
        return self._position + self._filled

    async def write(self, data: bytes | memoryview) -> None:
        """Raises DiskFull, and OSError for a disk that fails."""
        view = memoryview(data)
        while view:
            piece = view[: BUFFER_BYTES - self._filled]
            self._filling[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            view = view[len(piece) :]
            if self._filled == BUFFER_BYTES:
                await self._hand_over()

    async def sync(self) -> int:
        """Everything taken is on the disk, whatever happens from here on. Returns that offset."""
        await self._settle()
        await self._in_thread(self._write_out)
        return self.offset

    async def close(self) -> None:
        """Waits for a running write, or the number of the descriptor could by then be another file's."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing.exception()  # whoever closes without `sync` does not want these bytes
        await self._in_thread(lambda: os.close(self._descriptor))

    async def _hand_over(self) -> None:
        await self._settle()
        self._filling, self._resting = self._resting, self._filling
        full, position = memoryview(self._resting), self._position
        self._position, self._filled = position + BUFFER_BYTES, 0
        self._writing = self._in_thread(lambda: self._write_full(full, position))

    async def _settle(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _write_full(self, data: memoryview, position: int) -> None:
        try:
            _write_all(self._descriptor, data, position)
        except OSError as error:
            if not (self._direct and error.errno == errno.EINVAL):
                raise
            # This file system takes the flag and refuses the write.
            self._direct = _set_direct(self._descriptor, wanted=False)
            _write_all(self._descriptor, data, position)
        if not self._direct:
            _write_behind(self._descriptor, position, len(data))

    def _write_out(self) -> None:
        """What is in the buffer, too; a begun block stays in it, to be written again when it is whole."""
        begun = self._filled % BLOCK_BYTES
        whole = self._filled - begun
        if whole:
            self._write_full(self._view(whole), self._position)
        if begun:
            self._filling.move(0, whole, begun)
        self._position, self._filled = self._position + whole, begun
        if begun:
            self._without_direct(lambda: _write_all(self._descriptor, self._view(begun), self._position))
        os.fdatasync(self._descriptor)

    def _without_direct(self, work: Callable[[], object]) -> None:
        if self._direct:
            _set_direct(self._descriptor, wanted=False)
        work()
        if self._direct:
            _set_direct(self._descriptor, wanted=True)

    def _view(self, count: int) -> memoryview:
        return memoryview(self._filling)[:count]


def _set_direct(descriptor: int, *, wanted: bool) -> bool:
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_DIRECT if wanted else flags & ~os.O_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    return wanted


def _write_all(descriptor: int, data: memoryview, position: int) -> None:
    while data:
        try:
            written = os.pwrite(descriptor, data, position)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise DiskFull("There is no space left for this upload.") from error
            raise
        data, position = data[written:], position + written


_libc = ctypes.CDLL(None, use_errno=True)
_libc.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def _write_behind(descriptor: int, position: int, count: int) -> None:
    """Start writing the new stretch; wait for one well behind it and drop that from the cache."""
    _libc.sync_file_range(descriptor, position, count, SYNC_FILE_RANGE_WRITE)
    old = position - CACHE_BYTES
    if old >= 0:
        everything = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER
        _libc.sync_file_range(descriptor, old, count, everything)
        os.posix_fadvise(descriptor, old, count, os.POSIX_FADV_DONTNEED)
