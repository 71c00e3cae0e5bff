"""A running house under attack: smuggled requests, hostile originals, a crowd of sockets, a locked database, a disk
that went read-only. Whatever comes, the next good film is ready and whoever behaves is served."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path

import aiohttp
import pytest

from server.connections import WAITING_AN_ADDRESS
from tests.clips import clip
from tests.e2e.house import HOST, LOOK_SECONDS, House, open_house
from tests.hostile import REFUSED

CROWD = 300
CROWD_SECONDS = 25  # the last few are closed after 30 s without a request
LOCKED_SECONDS = 4
PATIENCE_SECONDS = 60
SETTINGS = {"HOMEREEL_HLS_PRESET": "ultrafast", "HOMEREEL_UPLOAD_IDLE_SECONDS": "2"}

GET = f"GET /health HTTP/1.1\r\nHost: {HOST}\r\n"
POST = f"POST /login HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SMUGGLED = GET + "\r\n"
STATUS_LINE = re.compile(rb"HTTP/1\.[01] \d{3} ")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, **SETTINGS) as opened:
        yield opened


async def answered(house: House, sent: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection(HOST, house.port)
    writer.write(sent)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await reader.read(-1)
    writer.close()
    return answer


MALFORMED = {
    "two framings": POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": POST + "Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + SMUGGLED,
    "a list of lengths": POST + "Content-Length: 0, 60\r\n\r\n" + SMUGGLED,
    "a signed length": POST + "Content-Length: +0\r\n\r\n" + SMUGGLED,
    "a negative length": POST + "Content-Length: -1\r\n\r\n" + SMUGGLED,
    "an endless length": POST + f"Content-Length: {'9' * 30}\r\n\r\n" + SMUGGLED,
    "a space before the colon": POST + "Content-Length : 0\r\n\r\n" + SMUGGLED,
    "an unknown coding": POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked, not last": POST + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk's size in C": POST + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + SMUGGLED,
    "a broken extension": POST + 'Transfer-Encoding: chunked\r\n\r\n0;a="\r\nb"\r\n\r\n' + SMUGGLED,
    "lines without CR": GET.replace("\r", "") + "\n",
    "a bare CR": GET + "X: a\rContent-Length: 9\r\n\r\n",
    "a folded line": GET + "X: a\r\n b\r\n\r\n",
    "a NUL": GET + "X: a\0b\r\n\r\n",
    "no host": "GET /health HTTP/1.1\r\n\r\n",
    "two hosts": GET + "Host: evil.example\r\n\r\n",
    "no HTTP": "\x16\x03\x01\x02\x00\x01\r\n\r\n",
}


async def test_a_request_that_two_readers_could_read_differently_ends_its_connection(house: House) -> None:
    found = {name: await answered(house, sent.encode("latin-1")) for name, sent in MALFORMED.items()}
    assert {name: answer[9:12] for name, answer in found.items() if answer[9:12] != b"400"} == {}
    assert [name for name, answer in found.items() if len(STATUS_LINE.findall(answer)) != 1] == []
    assert "Traceback" not in house.log.read_text()


async def test_every_hostile_original_is_refused_with_a_reason_and_the_next_film_is_ready(
    house: House, tmp_path: Path
) -> None:
    victim = await house.upload(clip("h264.mkv"))
    path = house.root / "originals" / f"{victim}.mkv"
    uploaded = {}
    for name, build in REFUSED.items():
        sample = tmp_path / name
        build(sample, path)
        uploaded[name] = await house.upload(sample)
    good = await house.upload(clip("h264.mkv"), title="Good")
    ends = {name: await house.ends(identifier) for name, identifier in uploaded.items()}
    assert [name for name, end in ends.items() if end["status"] != "FAILED" or not end["errorMessage"]] == []
    assert (await house.ends(good))["status"] == "READY"


@contextmanager
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_crowd_that_only_sits_there_is_sent_away_and_nobody_else_waits(house: House) -> None:
    halves = (GET.encode(), POST.encode() + b"Content-Length: 9\r\n\r\nname")
    with many_descriptors():
        async with AsyncExitStack() as doors:
            crowd = []
            for half in halves * (CROWD // 2):
                reader, writer = await asyncio.open_connection(HOST, house.port)
                doors.callback(writer.close)
                writer.write(half)
                crowd.append(reader)
            started = time.monotonic()
            async with house.client.get(house.url("/health")) as answer:
                assert answer.status == 200
            assert time.monotonic() - started < 1
            ends = [asyncio.create_task(reader.read(-1)) for reader in crowd]
            for end in islice(asyncio.as_completed(ends, timeout=CROWD_SECONDS), CROWD - WAITING_AN_ADDRESS):
                with suppress(ConnectionError):
                    await end


@contextmanager
def locked(database: Path) -> Iterator[None]:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def test_a_database_that_somebody_locks_is_waited_for(house: House) -> None:
    waiting = asyncio.create_task(house.upload(clip("h264.mkv")))
    with locked(house.root / "homereel.db"):
        async with house.client.get(house.url("/media-files"), headers={"Authorization": f"Bearer {house.key}"}) as now:
            assert now.status == 200
        await asyncio.wait([waiting], timeout=LOCKED_SECONDS)
    assert (await house.ends(await waiting))["status"] == "READY"


@pytest.fixture
def stop_writing(tmp_path: Path) -> Iterator[Callable[[], bool]]:
    """Makes the house's media root read-only, True once it is: a disk of its own, or where mounting takes more
    rights than the tests have, the folder that uploads come into."""
    root = tmp_path / "media"
    root.mkdir()
    if _mounted("-t", "tmpfs", "-o", "size=200m", "none", str(root)):
        yield lambda: _mounted("-o", "remount,ro", str(root))
        subprocess.run(("umount", "--lazy", root), check=True)
        return
    incoming = root / "incoming"
    yield lambda: _without_write(incoming)
    incoming.chmod(0o700)


def _without_write(folder: Path) -> bool:
    folder.chmod(0o500)
    return not os.access(folder, os.W_OK)


def _mounted(*options: str) -> bool:
    return subprocess.run(("mount", *options), check=False).returncode == 0


async def test_on_a_disk_that_went_read_only_films_play_and_uploads_are_told(
    stop_writing: Callable[[], bool], tmp_path: Path
) -> None:
    rows = {"HOMEREEL_DATABASE_URL": f"sqlite:///{tmp_path}/rows.db"}
    async with open_house(tmp_path, **SETTINGS, **rows) as house:
        film = await house.ends(await house.upload(clip("h264.mkv")))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not stop_writing():
                await asyncio.sleep(LOOK_SECONDS)  # a worker is still writing
        with pytest.raises(aiohttp.ClientResponseError) as refused:
            await house.upload(clip("h264.mkv"))
        async with house.client.get(house.url(film["manifestUrl"])) as playing:
            assert playing.status == 200
        async with house.client.get(house.url("/health")) as health:
            assert json.loads(await health.read())["parts"]["disk"] == "failing"
        assert refused.value.status == 503
