"""Segments that are a head of ours and ranges of the original: on the wire they are files like any other."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from server import transfers
from server.descriptors import LARGEST_HELD_BYTES, DescriptorCache, OpenFile
from server.pieces import GATHERED_BYTES, LONG_BYTES, copied_pieces, pieces
from server.sendfile import SMALL_BYTES, FileResponse
from server.virtual_files import VirtualFile
from tests.server.conftest import Contexts
from tests.server.running import Running, ask, connection, descriptors_come_to, open_descriptors, running
from vod.errors import SourceError

ORIGINAL_BYTES = 12 << 20
FIELDS = {"Content-Type": "video/iso.segment", "Cache-Control": "private, max-age=31536000, immutable"}
ETAG = '"0123456789abcdef-720p-0"'

Ranges = tuple[tuple[int, int], ...]

LAYOUTS: dict[str, tuple[bytes, Ranges]] = {
    "one-long": (b"moof" * 500, ((1000, 4 << 20),)),
    "audio": (b"moof" * 200, tuple((number * 60_000, 400) for number in range(140))),
    "frames": (b"moof" * 900, tuple((number * 30_000, 9_000 + 137 * number) for number in range(144))),
    "many-tiny": (b"moof", tuple((number * 3, 2) for number in range(5_000))),
    "mixed": (b"m" * 3000, ((5, 1), (9, LONG_BYTES), (80_000, 300), (90_000, LONG_BYTES - 1), (1 << 20, 5 << 20))),
    "neighbours": (b"moof", ((0, 100_000), (100_000, 100_000), (200_000, 7))),
    "backwards": (b"moof", ((4 << 20, 300_000), (0, 300_000), (2 << 20, 10))),
    "no-head": (b"", ((77, 200_000),)),
    "head-alone": (b"m" * 100_000, ()),
    "large-head-alone": (bytes(range(256)) * 4000, ()),
    "small": (b"moof", ((500, 1000), (3000, 2000))),
    "small-limit": (b"m", ((0, SMALL_BYTES - 1),)),
    "last-byte": (b"moof", ((ORIGINAL_BYTES - 1, 1),)),
}


class Virtual:
    """An original on a disk, and every layout of it as a file of its name."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "original.mp4"
        self.bytes = random.Random(3).randbytes(ORIGINAL_BYTES)
        self.path.write_bytes(self.bytes)
        self.cache = DescriptorCache()

    def body(self, layout: str) -> bytes:
        head, ranges = LAYOUTS[layout]
        return head + b"".join(self.bytes[offset : offset + length] for offset, length in ranges)

    async def file(self, layout: str) -> VirtualFile:
        original = await self.cache.original("film", self.path)
        return VirtualFile(original, *LAYOUTS[layout], FIELDS, ETAG)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["layout"]
        found = self.cache.find(("film", name))
        return FileResponse(found or self.cache.keep(("film", name), await self.file(name)), request)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{layout}", self.answer)
        return app


@pytest.fixture
def virtual(tmp_path: Path) -> Virtual:
    return Virtual(tmp_path)


@pytest.fixture
async def server(virtual: Virtual) -> AsyncIterator[Running]:
    async with running(virtual.app()) as started:
        yield started


def send_cold(virtual: Virtual) -> None:
    with virtual.path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_a_virtual_file_is_its_head_and_then_its_ranges(server: Running, virtual: Virtual, layout: str) -> None:
    answer = await ask(server, f"/{layout}")
    assert (answer.status, answer.body == virtual.body(layout)) == (200, True)
    assert answer.headers["content-length"] == str(len(answer.body))
    assert (answer.headers["etag"], answer.headers["accept-ranges"]) == (ETAG, "bytes")
    assert answer.headers["cache-control"] == FIELDS["Cache-Control"]
    assert answer.headers["content-type"] == "video/iso.segment"


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_from_a_cold_disk_it_is_the_same(server: Running, virtual: Virtual, layout: str) -> None:
    send_cold(virtual)
    assert (await ask(server, f"/{layout}")).body == virtual.body(layout)


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_any_range_is_a_part_of_the_whole(virtual: Virtual, layout: str) -> None:
    file, body, dice = await virtual.file(layout), virtual.body(layout), random.Random(layout)
    edges = [(0, len(body)), (0, 1), (len(body) - 1, 1)]
    drawn = [(first, dice.randint(1, len(body) - first)) for first in (dice.randrange(len(body)) for _ in range(30))]
    for offset, count in edges + drawn:
        found = b"".join(bytes(part.read()) for part in copied_pieces(file, offset, count) if part.is_ready())
        assert found == body[offset : offset + count], (offset, count)
        assert sum(piece.left for piece in pieces(file, offset, count)) == count


async def test_ranges_and_conditions_are_a_files(server: Running, virtual: Virtual) -> None:
    body = virtual.body("mixed")
    size = len(body)
    ranged = await ask(server, "/mixed", Range="bytes=2990-90000")
    assert (ranged.status, ranged.body) == (206, body[2990:90001])
    assert ranged.headers["content-range"] == f"bytes 2990-90000/{size}"
    assert (await ask(server, "/mixed", Range="bytes=-70000")).body == body[-70_000:]
    beyond = await ask(server, "/mixed", Range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["content-range"], beyond.body) == (416, f"bytes */{size}", b"")
    unchanged = await ask(server, "/mixed", If_None_Match=ETAG)
    assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", ETAG)
    assert (await ask(server, "/mixed", Range="bytes=0-9", If_Range=ETAG)).status == 206
    assert (await ask(server, "/mixed", Range="bytes=0-9", If_Range='"x"')).body == body
    head = await ask(server, "/mixed", "HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, str(size), b"")


async def test_over_tls_the_bytes_are_the_same(virtual: Virtual, tls: Contexts) -> None:
    ours, theirs = tls
    async with running(virtual.app(), ours) as secure, ClientSession() as session:
        for layout in ("mixed", "frames", "one-long"):
            async with session.get(secure.url(f"/{layout}"), ssl=theirs) as answer:
                assert await answer.read() == virtual.body(layout)


async def test_pipelined_virtual_files_come_whole_and_in_order(server: Running, virtual: Virtual) -> None:
    names = ("frames", "small", "one-long", "audio")
    async with connection(server) as (reader, writer):
        writer.write(b"".join(f"GET /{name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for name in names))
        for name in names:
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(virtual.body(name))) == virtual.body(name)


async def test_a_reader_of_small_pieces_gets_every_byte(server: Running, virtual: Virtual) -> None:
    async with connection(server) as (reader, writer):
        writer.write(b"GET /frames HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = bytearray(await reader.readuntil(b"\r\n\r\n"))[:0]
        while data := await reader.read(1009):
            received += data
    assert received == virtual.body("frames")


async def test_an_original_that_shrank_ends_in_a_cut_and_not_in_other_bytes(server: Running, virtual: Virtual) -> None:
    for layout in ("frames", "one-long", "audio"):
        await ask(server, f"/{layout}", "HEAD")
    os.truncate(virtual.path, 100_000)
    for layout in ("frames", "one-long", "audio"):
        answer = await ask(server, f"/{layout}")
        whole = virtual.body(layout)
        assert answer.headers["content-length"] == str(len(whole))
        assert len(answer.body) < len(whole) and whole.startswith(answer.body)


async def test_clients_that_leave_leak_no_descriptor(server: Running) -> None:
    await ask(server, "/one-long")
    before = open_descriptors()
    for layout in ("one-long", "frames") * 10:
        async with connection(server) as (reader, writer):
            writer.write(f"GET /{layout} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await reader.readexactly(1000)
            writer.transport.abort()
    await descriptors_come_to(before)


@pytest.mark.parametrize("layout", ["one-long", "frames"])
async def test_a_reader_that_takes_nothing_is_cut(
    server: Running, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    monkeypatch.setattr(transfers, "PATIENCE_SECONDS", 0.05)
    async with connection(server) as (reader, writer):
        request = f"GET /{layout} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        writer.write(request * 20)  # more than the socket's buffers hold
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(20):
            while server.connections:
                await asyncio.sleep(0)


async def test_a_slow_reader_costs_a_bounded_copy(virtual: Virtual) -> None:
    file = await virtual.file("frames")
    copies = [piece.left for piece in pieces(file, 0, file.size)]
    assert max(copies) <= GATHERED_BYTES
    assert len(copies) < 20


async def test_a_film_of_tiny_frames_holds_up_nobody(server: Running, virtual: Virtual) -> None:
    original = await virtual.cache.original("film", virtual.path)
    ranges = [(at * 2, 1) for at in range(300_000)]
    virtual.cache.keep(("film", "tiny"), VirtualFile(original, b"moof", ranges, FIELDS, ETAG))
    async with connection(server) as (reader, writer):
        writer.write(b"GET /tiny HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await ask(server, "/small")
        assert server.connections == 1, "the other one was answered, and this one is not done"
        assert await reader.read(-1) == b"moof" + virtual.bytes[: 2 * len(ranges) : 2]


async def test_the_original_is_opened_once_for_all_segments_and_let_go_with_the_film(virtual: Virtual) -> None:
    before = open_descriptors()
    files = [await virtual.file("mixed") for _ in range(5)]
    assert {id(file.source) for file in files} == {id(files[0].source)}
    for number, file in enumerate(files):
        virtual.cache.keep(("film", str(number)), file)
    files.clear()
    del file
    await descriptors_come_to(before + 1)
    virtual.cache.forget("film")
    assert len(virtual.cache) == 0
    await descriptors_come_to(before)


async def test_segments_of_an_original_deleted_behind_our_back_leave_with_the_next_sweep(virtual: Virtual) -> None:
    virtual.cache.keep(("film", "0"), await virtual.file("mixed"))
    virtual.path.unlink()
    await virtual.cache.sweep()
    assert len(virtual.cache) == 0


async def test_kept_heads_are_bounded_in_memory(virtual: Virtual) -> None:
    original = await virtual.cache.original("film", virtual.path)
    head = bytes(LARGEST_HELD_BYTES // 10)
    for number in range(30):
        virtual.cache.keep(("film", str(number)), VirtualFile(original, head, (), {}, ETAG))
    assert len(virtual.cache) < 11
    virtual.cache.close()
    assert virtual.cache._held_bytes == 0


@pytest.mark.parametrize(
    "wrong", [(-1, 5), (0, 0), (5, -2), (ORIGINAL_BYTES, 1), (0, ORIGINAL_BYTES + 1), (1 << 70, 1)]
)
async def test_a_range_outside_the_original_is_refused(virtual: Virtual, wrong: tuple[int, int]) -> None:
    original = OpenFile(virtual.path, {})
    with pytest.raises(SourceError):
        VirtualFile(original, b"moof", [(0, 10), wrong], FIELDS, ETAG)
