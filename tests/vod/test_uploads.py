"""The store works on a real folder; where a disk has to be full, a storage says so or /dev/full is written to."""

from __future__ import annotations

import os
import random
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from vod.errors import Conflict, DiskFull, UploadEmpty, UploadTooLarge
from vod.storage import Storage
from vod.uploads import writer
from vod.uploads.store import CHECK_EVERY_BYTES, ORPHAN_SECONDS, Upload, UploadStore
from vod.uploads.writer import BUFFER_BYTES, FileWriter

MIB = 1 << 20


class StorageWithRoomFor(Storage):
    """Its disk holds so many bytes, whatever the machine's does."""

    def __init__(self, root: Path, room: int) -> None:
        super().__init__(root)
        self.room = room

    def free_bytes(self) -> int:
        return self.room


@pytest.fixture
def storage(tmp_path: Path) -> StorageWithRoomFor:
    storage = StorageWithRoomFor(tmp_path, 1 << 40)
    storage.prepare()
    return storage


@pytest.fixture
async def store(storage: StorageWithRoomFor) -> AsyncIterator[UploadStore]:
    store = UploadStore(storage, max_bytes=100 * MIB, reserve_bytes=10 * MIB)
    yield store
    store.close()


@pytest.fixture
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2)


@pytest.fixture(params=["direct", "through the cache"])
def way_to_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "through the cache":
        monkeypatch.setattr(writer, "_set_direct", lambda *_, **__: False)  # as tmpfs and NFS may


def bytes_in(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.usefixtures("way_to_disk")
@pytest.mark.parametrize("seed", range(6))
async def test_whatever_the_pieces_the_file_is_their_sum(
    tmp_path: Path, threads: ThreadPoolExecutor, seed: int
) -> None:
    dice = random.Random(seed)
    pieces = [dice.randbytes(dice.choice([1, 100, 4095, 4096, 65_536, MIB, 5 * MIB])) for _ in range(25)]
    file = FileWriter(tmp_path / "file", 0, threads)
    for piece in pieces:
        await file.write(piece)
        if dice.random() < 0.3:
            assert await file.sync() == file.offset
            assert bytes_in(tmp_path / "file")[: file.offset] == b"".join(pieces)[: file.offset]
    await file.sync()
    await file.close()
    assert bytes_in(tmp_path / "file") == b"".join(pieces)


@pytest.mark.usefixtures("way_to_disk")
@pytest.mark.parametrize("offset", [0, 1, 4095, 4096, 4097, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 5])
async def test_writing_continues_at_the_durable_offset_and_forgets_what_came_after(
    storage: StorageWithRoomFor, store: UploadStore, offset: int
) -> None:
    data = random.Random(offset).randbytes(BUFFER_BYTES * 2 + 77)
    upload = await store.create(len(data))
    await store.append(upload, data[:offset])
    assert await store.pause(upload) == offset
    with storage.incoming(upload.id).open("ab") as torn:
        torn.write(b"bytes that were never durable")
    upload = await store.resume(upload.id, offset, len(data))
    await store.append(upload, data[offset:], at=offset)
    assert await store.finish(upload, "mkv") == len(data)
    assert bytes_in(storage.original(upload.id, "mkv")) == data
    assert storage.unfinished() == []


async def test_a_file_system_that_takes_the_direct_flag_and_refuses_the_write_is_written_all_the_same(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    file = FileWriter(tmp_path / "file", 0, threads)
    # An address that is no multiple of a block is refused as such file systems refuse every direct write.
    file._write_full(memoryview(bytearray(BUFFER_BYTES + 1))[1:], 0)
    await file.close()
    assert (tmp_path / "file").stat().st_size == BUFFER_BYTES


def test_a_full_device_is_a_full_disk() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(DiskFull):
        writer._write_all(descriptor, memoryview(b"x"), 0)
    os.close(descriptor)


async def test_an_append_anywhere_but_at_the_offset_is_a_conflict(store: UploadStore) -> None:
    upload = await store.create(None)
    await store.append(upload, b"abc", at=0)
    with pytest.raises(Conflict, match="byte 3"):
        await store.append(upload, b"x", at=2)
    await store.discard(upload)


async def test_one_upload_has_one_writer(store: UploadStore) -> None:
    upload = await store.create(None)
    with pytest.raises(Conflict):
        await store.resume(upload.id, 0, None)
    await store.discard(upload)


async def test_what_is_too_long_is_refused_announced_or_not(storage: StorageWithRoomFor, store: UploadStore) -> None:
    with pytest.raises(UploadTooLarge):
        await store.create(100 * MIB + 1)
    upload = await store.create(None)
    for _ in range(100):
        await store.append(upload, bytes(MIB))
    with pytest.raises(UploadTooLarge):
        await store.append(upload, b"x")
    await store.discard(upload)
    assert storage.unfinished() == []


async def test_the_reserve_is_not_eaten_by_uploads_that_each_would_fit(
    storage: StorageWithRoomFor, store: UploadStore
) -> None:
    storage.room = 50 * MIB
    first = await store.create(30 * MIB)
    with pytest.raises(DiskFull):
        await store.create(11 * MIB)
    second = await store.create(10 * MIB)
    await store.discard(first)
    third = await store.create(30 * MIB)
    for upload in (second, third):
        await store.discard(upload)


async def test_a_disk_that_fills_up_meanwhile_is_noticed(storage: StorageWithRoomFor, store: UploadStore) -> None:
    upload = await store.create(None)
    storage.room = 10 * MIB - 1
    with pytest.raises(DiskFull):
        for _ in range(CHECK_EVERY_BYTES // MIB):
            await store.append(upload, bytes(MIB))
    await store.discard(upload)
    assert storage.unfinished() == []


async def test_an_empty_upload_is_no_original(storage: StorageWithRoomFor, store: UploadStore) -> None:
    upload = await store.create(0)
    with pytest.raises(UploadEmpty):
        await store.finish(upload, "mkv")
    await store.discard(upload)
    assert storage.unfinished() == [] == list((storage.root / "originals").iterdir())


async def test_discarding_leaves_no_byte_and_no_descriptor(storage: StorageWithRoomFor, store: UploadStore) -> None:
    uploads: list[Upload] = [await store.create(None) for _ in range(8)]
    for upload in uploads:
        await store.append(upload, bytes(BUFFER_BYTES + 5))
    assert len(descriptors_below(storage.root)) == len(uploads)
    for upload in uploads:
        await store.discard(upload)
        await store.discard(upload)
    assert storage.unfinished() == []
    assert descriptors_below(storage.root) == []


def descriptors_below(folder: Path) -> list[Path]:
    """Of this process; those of others that it runs beside come and go."""
    opened = [descriptor.resolve() for descriptor in Path("/proc/self/fd").iterdir()]
    return [path for path in opened if path.is_relative_to(folder.resolve())]


async def test_an_original_without_a_row_can_be_withdrawn(storage: StorageWithRoomFor, store: UploadStore) -> None:
    upload = await store.create(None)
    await store.append(upload, b"x")
    await store.finish(upload, "mkv")
    await store.withdraw(upload.id, "mkv")
    assert list((storage.root / "originals").iterdir()) == []


async def test_only_old_orphans_are_swept(storage: StorageWithRoomFor, store: UploadStore) -> None:
    def file(upload_id: UUID, age_seconds: float) -> UUID:
        storage.incoming(upload_id).write_bytes(b"x")
        then = time.time() - age_seconds
        os.utime(storage.incoming(upload_id), (then, then))
        return upload_id

    old, young = file(uuid4(), ORPHAN_SECONDS + 60), file(uuid4(), ORPHAN_SECONDS - 60)
    known = file(uuid4(), ORPHAN_SECONDS + 60)
    open_one = await store.create(None)
    os.utime(storage.incoming(open_one.id), (0, 0))
    assert store.sweep(keep=[known]) == 1
    assert not storage.incoming(old).exists()
    assert {path.name for path in storage.unfinished()} == {str(young), str(known), str(open_one.id)}
    await store.discard(open_one)
