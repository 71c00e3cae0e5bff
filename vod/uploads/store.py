"""Uploads: made, appended to, and at their end an original (design.md section 5 step 1).

::

    create ──> append … append ──> finish ──> originals/{id}.{ext}
       │         sync: the durable offset       (the caller adds the row, then the bytes count)
       └──────── discard, or sweep after a crash

An upload's id becomes the media file's id, so that finishing twice cannot make two films. How far it has come
is the *durable offset* that `sync` returns, never the size of the file.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

from vod.errors import Conflict, DiskFull, UploadEmpty, UploadTooLarge
from vod.storage import Storage, sync_folder
from vod.uploads.writer import FileWriter

log = logging.getLogger(__name__)

THREADS = 4  # a slow disk must not use up the threads that segments are opened in
CHECK_EVERY_BYTES = 64 << 20  # of free space while running: workers and neighbours write, too
ORPHAN_SECONDS = 3600.0

T = TypeVar("T")


class Upload:
    """One file in incoming/, open for writing. `length` is what the sender announced, if it did."""

    def __init__(self, upload_id: UUID, writer: FileWriter, length: int | None) -> None:
        self.id = upload_id
        self.length = length
        self._writer = writer
        self._checked_at = writer.offset

    @property
    def offset(self) -> int:
        return self._writer.offset

    @property
    def remaining(self) -> int:
        return max((self.length or 0) - self.offset, 0)

    async def sync(self) -> int:
        """The durable offset."""
        return await self._writer.sync()


class UploadStore:
    def __init__(self, storage: Storage, *, max_bytes: int, reserve_bytes: int) -> None:
        self._storage = storage
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="upload")
        self._open: dict[UUID, Upload] = {}

    async def create(self, length: int | None) -> Upload:
        """Raises UploadTooLarge and DiskFull before a byte is taken. `length` may be a little more than will come."""
        return await self._opened(uuid4(), 0, length)

    async def resume(self, upload_id: UUID, durable_offset: int, length: int | None) -> Upload:
        """Continue where `sync` last told; what was written after it is written again."""
        if upload_id in self._open:
            raise Conflict("This upload is already being written.")
        return await self._opened(upload_id, durable_offset, length)

    async def append(self, upload: Upload, data: bytes | memoryview, *, at: int | None = None) -> None:
        """Raises Conflict where `at` is not the offset, UploadTooLarge, DiskFull."""
        if at is not None and at != upload.offset:
            raise Conflict(f"The upload stands at byte {upload.offset}.")
        self.check_length(upload.offset + len(data))
        await upload._writer.write(data)
        if upload.offset - upload._checked_at >= CHECK_EVERY_BYTES:
            upload._checked_at = upload.offset
            await self._in_thread(self._check_space, self._promised())

    async def finish(self, upload: Upload, extension: str) -> int:
        """Publish the bytes as an original; returns their number. Raises UploadEmpty.

        They stay an orphan until the caller has added the row; where that fails it calls `withdraw`.
        """
        if upload.offset == 0:
            raise UploadEmpty("The file is empty.")
        size = await upload._writer.sync()
        await self._close(upload)
        await self._in_thread(self._publish, upload.id, extension)
        return size

    async def withdraw(self, upload_id: UUID, extension: str) -> None:
        """Remove an original that no row has ever named."""
        await self._in_thread(_remove, self._storage.original(upload_id, extension))

    async def pause(self, upload: Upload) -> int:
        """Stop writing and keep the bytes for `resume`; returns the durable offset."""
        offset = await upload.sync()
        await self._close(upload)
        return offset

    async def discard(self, upload: Upload) -> None:
        """Leave no unpublished byte behind, after an error or a cancellation too."""
        await asyncio.shield(self._discard(upload))

    def check_length(self, length: int) -> None:
        if length > self._max_bytes:
            raise UploadTooLarge(f"An upload may have at most {self._max_bytes} bytes.")

    def sweep(self, keep: Collection[UUID] = ()) -> int:
        """Remove what crashed uploads left behind; returns how many. Blocks."""
        known = {str(upload) for upload in (*keep, *self._open)}
        orphans = [path for path in self._storage.unfinished() if path.name not in known and _is_old(path)]
        for path in orphans:
            log.info("removing the unfinished upload %s", path.name)
            _remove(path)
        return len(orphans)

    def close(self) -> None:
        self._threads.shutdown(wait=True)

    async def _opened(self, upload_id: UUID, offset: int, length: int | None) -> Upload:
        self.check_length(length or 0)
        await self._in_thread(self._check_space, self._promised() + max((length or 0) - offset, 0))
        writer = await self._in_thread(FileWriter, self._storage.incoming(upload_id), offset, self._threads)
        upload = self._open[upload_id] = Upload(upload_id, writer, length)
        return upload

    def _promised(self) -> int:
        """Bytes that open uploads are still going to write."""
        return sum(upload.remaining for upload in self._open.values())

    def _check_space(self, wanted: int) -> None:
        if self._storage.free_bytes() - wanted < self._reserve_bytes:
            raise DiskFull("The disk is too full for this upload.")

    def _publish(self, upload_id: UUID, extension: str) -> None:
        incoming, original = self._storage.incoming(upload_id), self._storage.original(upload_id, extension)
        incoming.rename(original)
        sync_folder(original.parent)
        sync_folder(incoming.parent)

    async def _discard(self, upload: Upload) -> None:
        await self._close(upload)
        await self._in_thread(_remove, self._storage.incoming(upload.id))

    async def _close(self, upload: Upload) -> None:
        if self._open.pop(upload.id, None) is not None:
            await upload._writer.close()

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _is_old(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - ORPHAN_SECONDS
    except FileNotFoundError:  # it has become an original meanwhile
        return False


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
