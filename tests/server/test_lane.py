"""Three ways to one answer: the application's, the short one, and the lane. A client cannot tell them apart."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import random
import re
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.web_protocol import RequestHandler

from server import transfers
from server.app import build_app
from server.connection import Connection
from server.connections import WAITING_AN_ADDRESS, thin_out
from server.holes import HOLES
from server.keys import TOKENS
from server.lane import HELD_BYTES, LaneConnection
from server.metrics import METRICS
from server.shortcut import ROUTE
from server.streams import DESCRIPTORS
from server.virtual_files import VirtualFile
from tests.server.running import HOST, Running, ask, connection, descriptors_come_to, open_descriptors, running
from tests.server.streaming import FILM, Film, make_film
from vod.catalog.demands import Demand
from vod.config import Config
from vod.tokens import Scope

ROOT = Path(__file__).parents[2]
BIG_BYTES = 24 << 20  # more than the sockets' buffers hold
LAST = "GET {segment} HTTP/1.1\nHost: localhost\nConnection: close\n\n"

Ways = dict[str, Running]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """As a server logs by default; at DEBUG each segment has its line, and the lane is closed."""
    caplog.set_level(logging.INFO, logger="aiohttp.access")


@pytest.fixture
def film(config: Config) -> Film:
    return make_film(config.media.root)


def house(config: Config) -> web.Application:
    """The whole application, with all its middlewares."""
    return build_app(config)


async def warm(server: Running, film: Film) -> None:
    server.app[TOKENS].subjects.admit("u1")
    for number in (0, 1):
        assert (await ask(server, film.segment(number))).status == 200


@pytest.fixture
async def ways(config: Config, film: Film) -> AsyncIterator[Ways]:
    async with AsyncExitStack() as stack:
        served = {}
        for name in ("application", "shortcut", "lane"):
            served[name] = await stack.enter_async_context(running(house(config), fast_lane=name == "lane"))
            if name == "application":
                somebody_waits(served[name])
            await warm(served[name], film)
        yield served


@pytest.fixture
async def lane(config: Config, film: Film) -> AsyncIterator[Running]:
    async with running(house(config), fast_lane=True) as server:
        await warm(server, film)
        yield server


def somebody_waits(server: Running) -> None:
    """Segments of another film are being made for a viewer; the application hears of every request."""
    elsewhere = Demand(media_id=UUID(int=7), lane="720p", first=0, last=1)
    server.app[HOLES]._played[elsewhere] = math.inf


def no_other_way(server: Running) -> None:
    """From here on, on new connections, whatever the lane does not answer itself is a 500."""

    async def fail(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=500, text="not the lane")

    assert server.runner.server is not None
    server.runner.server.request_handler = fail


async def say(server: Running, packets: Sequence[bytes]) -> bytes:
    """What comes back until the end of the connection; each packet has arrived before the next is sent."""
    # The limit: a reader that is full would not see the end.
    reader, writer = await asyncio.open_connection(HOST, server.port, limit=1 << 30)
    ended = asyncio.create_task(reader.read(-1))
    async with asyncio.timeout(20):
        for packet in packets[:-1]:
            writer.write(packet)
            await arrived(server)
            if ended.done():  # what is sent now might cost us the answer
                break
        else:
            writer.write(packets[-1])
        answer = await ended
    writer.close()
    return re.sub(rb"\r\nDate: [^\r]+", b"", answer)


async def arrived(server: Running) -> None:
    """A whole conversation on another connection takes the server several turns."""
    assert (await ask(server, "/nowhere")).status == 404


def filled(text: str, film: Film) -> bytes:
    token = film.token()
    words = {
        "segment": film.segment(),
        "other": film.segment(1),
        "absent": film.hls(f"{film.digest}/720p/00009.m4s"),
        "init": film.hls(f"{film.digest}/720p/init.mp4"),
        "master": film.hls("master.m3u8"),
        "encoded": film.segment().replace("00000.m4s", "%30000.m4s"),
        "dots": film.hls(f"{film.digest}/720p/../720p/00000.m4s"),
        "slashes": film.hls(f"{film.digest}//720p/00000.m4s"),
        "damaged": film.segment().replace(token, token[:-1] + ("A" if token[-1] != "A" else "B")),
        "late": film.segment().replace(token, film.tokens.sign(FILM, "u1", Scope.HLS, 1_000_000)),
        "stranger": film.segment().replace(token, film.tokens.sign(FILM, "u99", Scope.HLS, 4_000_000_000)),
        "foreign": film.segment().replace(str(FILM), str(UUID(int=5))),
    }
    return text.format(**words).replace("\n", "\r\n").encode("latin-1")


PLAIN = "GET {segment} HTTP/1.1\nHost: localhost\n\n"

REQUESTS = {
    "plain": PLAIN,
    "another": "GET {other} HTTP/1.1\nHost: localhost\n\n",
    "init section": "GET {init} HTTP/1.1\nHost: localhost\n\n",
    "twice": PLAIN + "GET {other} HTTP/1.1\nHost: localhost\n\n",
    "head": "HEAD {segment} HTTP/1.1\nHost: localhost\n\n",
    "playlist": "GET {master} HTTP/1.1\nHost: localhost\n\n",
    "range": "GET {segment} HTTP/1.1\nHost: localhost\nRange: bytes=5-99\n\n",
    "suffix": "GET {segment} HTTP/1.1\nHost: localhost\nrange: bytes=-5\n\n",
    "beyond": "GET {segment} HTTP/1.1\nHost: localhost\nRange: bytes=9999999-\n\n",
    "several ranges": "GET {segment} HTTP/1.1\nHost: localhost\nRange: bytes=0-1,5-6\n\n",
    "two range fields": "GET {segment} HTTP/1.1\nHost: localhost\nRange: bytes=0-1\nRange: bytes=5-6\n\n",
    "if-range": 'GET {segment} HTTP/1.1\nHost: localhost\nRange: bytes=0-1\nIf-Range: "x"\n\n',
    "any etag": "GET {segment} HTTP/1.1\nHost: localhost\nIf-None-Match: *\n\n",
    "other etag": 'GET {segment} HTTP/1.1\nHost: localhost\nIf-None-Match: "x"\n\n',
    "modified since": "GET {segment} HTTP/1.1\nHost: localhost\nIf-Modified-Since: Sat, 01 Jan 2028 00:00:00 GMT\n\n",
    "http 1.0": "GET {segment} HTTP/1.0\nHost: localhost\n\n",
    "http 1.0 that stays": "GET {segment} HTTP/1.0\nHost: localhost\nConnection: keep-alive\n\n",
    "close": "GET {segment} HTTP/1.1\nHost: localhost\nConnection: close\n\n",
    "close, shouted": "GET {segment} HTTP/1.1\nHost: localhost\nCONNECTION: Close\n\n",
    "keep-alive": "GET {segment} HTTP/1.1\nHost: localhost\nConnection: Keep-Alive\n\n",
    "close among others": "GET {segment} HTTP/1.1\nHost: localhost\nConnection: keep-alive, close\n\n",
    "damaged token": "GET {damaged} HTTP/1.1\nHost: localhost\n\n",
    "late token": "GET {late} HTTP/1.1\nHost: localhost\n\n",
    "foreign id": "GET {foreign} HTTP/1.1\nHost: localhost\n\n",
    "not planned": "GET {absent} HTTP/1.1\nHost: localhost\n\n",
    "no host": "GET {segment} HTTP/1.1\n\n",
    "no host but fields": "GET {segment} HTTP/1.1\nAccept: */*\n\n",
    "two hosts": "GET {segment} HTTP/1.1\nHost: localhost\nHost: localhost\n\n",
    "empty host": "GET {segment} HTTP/1.1\nHost:\n\n",
    "foreign host": "GET {segment} HTTP/1.1\nHost: evil.example\n\n",
    "host with spaces": "GET {segment} HTTP/1.1\nHost:  \t localhost:80 \t\n\n",
    "encoded body": "GET {segment} HTTP/1.1\nHost: localhost\nContent-Encoding: gzip\n\n",
    "expect": "GET {segment} HTTP/1.1\nHost: localhost\nExpect: 100-continue\n\n",
    "expect nonsense": "GET {segment} HTTP/1.1\nHost: localhost\nExpect: nonsense\n\n",
    "empty body": "GET {segment} HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n",
    "body": "GET {segment} HTTP/1.1\nHost: localhost\nContent-Length: 5\n\nhello",
    "chunks": "GET {segment} HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n",
    "both lengths": "GET {segment} HTTP/1.1\nHost: localhost\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n",
    "two lengths": "GET {segment} HTTP/1.1\nHost: localhost\nContent-Length: 0\nContent-Length: 0\n\n",
    "upgrade": "GET {segment} HTTP/1.1\nHost: localhost\nConnection: upgrade\nUpgrade: h2c\n\n",
    "folded field": "GET {segment} HTTP/1.1\nHost: localhost\nAccept: a\n b\n\n",
    "field without colon": "GET {segment} HTTP/1.1\nHost: localhost\nAccept\n\n",
    "space before colon": "GET {segment} HTTP/1.1\nHost: localhost\nAccept : a\n\n",
    "byte beyond ascii": "GET {segment} HTTP/1.1\nHost: localhost\nUser-Agent: \xe9\n\n",
    "control byte": "GET {segment} HTTP/1.1\nHost: localhost\nUser-Agent: \x01\n\n",
    "null byte": "GET {segment} HTTP/1.1\nHost: localhost\nUser-Agent: \x00\n\n",
    "unknown field": "GET {segment} HTTP/1.1\nHost: localhost\nX-Anything: 1\n\n",
    "long field": "GET {segment} HTTP/1.1\nHost: localhost\nCookie: " + "a" * 5000 + "\n\n",
    "longest field": "GET {segment} HTTP/1.1\nHost: localhost\nCookie: " + "a" * 9000 + "\n\n",
    "many fields": "GET {segment} HTTP/1.1\nHost: localhost\n" + "Accept: a\n" * 130 + "\n",
    "query": "GET {segment}?x=1 HTTP/1.1\nHost: localhost\n\n",
    "fragment": "GET {segment}#x HTTP/1.1\nHost: localhost\n\n",
    "percent": "GET {encoded} HTTP/1.1\nHost: localhost\n\n",
    "dots": "GET {dots} HTTP/1.1\nHost: localhost\n\n",
    "slashes": "GET {slashes} HTTP/1.1\nHost: localhost\n\n",
    "absolute form": "GET http://localhost{segment} HTTP/1.1\nHost: localhost\n\n",
    "two spaces": "GET  {segment} HTTP/1.1\nHost: localhost\n\n",
    "space behind": "GET {segment}  HTTP/1.1\nHost: localhost\n\n",
    "blank line before": "\nGET {segment} HTTP/1.1\nHost: localhost\n\n",
    "small method": "get {segment} HTTP/1.1\nHost: localhost\n\n",
    "post": "POST {segment} HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n",
    "preflight": "OPTIONS {segment} HTTP/1.1\nHost: localhost\nOrigin: http://tv.local\n\n",
    "http 1.2": "GET {segment} HTTP/1.2\nHost: localhost\n\n",
    "http 2": "PRI * HTTP/2.0\n\nSM\n\n",
    "no version": "GET {segment}\nHost: localhost\n\n",
    "nonsense": "\x16\x03\x01\x02\x00\x01\n\n",
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_has_one_answer_byte_for_byte(ways: Ways, film: Film, name: str) -> None:
    packets = [filled(REQUESTS[name], film), filled(LAST, film)]
    answers = {way: await say(server, packets) for way, server in ways.items()}
    assert len(answers["application"]) > 0
    assert answers["shortcut"] == answers["application"]
    assert answers["lane"] == answers["application"]


async def test_who_lost_the_right_gets_the_same_refusal(ways: Ways, film: Film) -> None:
    for server in ways.values():
        server.app[TOKENS].subjects.revoke("u1")
    answers = [await say(server, [filled(PLAIN, film), filled(LAST, film)]) for server in ways.values()]
    assert answers[0].startswith(b"HTTP/1.1 403 ")
    assert answers[0] == answers[1] == answers[2]


CONVERSATIONS = {
    "pipelined in one packet": [PLAIN * 3],
    "pipelined in three": [PLAIN, PLAIN, "GET {other} HTTP/1.1\nHost: localhost\n\n"],
    "split in the method": ["G", "ET {segment} HTTP/1.1\nHost: localhost\n\n"],
    "split in the path": ["GET /stream/hls/", "x HTTP/1.1\nHost: localhost\n\n"],
    "split before the end": ["GET {segment} HTTP/1.1\nHost: localhost\n", "\n"],
    "one and a half": [PLAIN + "GET {segment} HT", "TP/1.1\nHost: localhost\n\n"],
    "a request as the value of a field": ["GET /nowhere HTTP/1.1\nX-Text: ", PLAIN],
    "a request as a body": ["POST /nowhere HTTP/1.1\nHost: localhost\nContent-Length: 237\n\n", PLAIN],
    "a request behind a body": ["POST /nowhere HTTP/1.1\nHost: localhost\nContent-Length: 5\n\n", "hello", PLAIN],
    "a request behind a body in one": ["POST /nowhere HTTP/1.1\nHost: localhost\nContent-Length: 5\n\nhello", PLAIN],
    "a request behind a body of two": [
        "POST /nowhere HTTP/1.1\nHost: localhost\nContent-Length: 5\n\nhe",
        "llo",
        PLAIN,
    ],
    "a body that is too long": ["POST /nowhere HTTP/1.1\nHost: localhost\nContent-Length: 5\n\nhello, you", PLAIN],
    "chunks": ["POST /nowhere HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n", "1\nx\n", "0\n\n", PLAIN],
    "behind a head": ["HEAD {segment} HTTP/1.1\nHost: localhost\n\n", PLAIN],
    "behind a range": ["GET {segment} HTTP/1.1\nHost: localhost\nRange: bytes=0-9\n\n", PLAIN],
    "behind a refusal": ["GET {damaged} HTTP/1.1\nHost: localhost\n\n", PLAIN],
    "behind nonsense": ["\x00\x01\n\n", PLAIN],
    "behind a declined upgrade": [
        "GET /nowhere HTTP/1.1\nHost: localhost\nConnection: upgrade\nUpgrade: websocket\n\n",
        PLAIN,
    ],
    "behind blank lines": [PLAIN, "\n\n", PLAIN],
}


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_conversation_has_one_course(ways: Ways, film: Film, name: str) -> None:
    packets = [*(filled(text, film) for text in CONVERSATIONS[name]), filled(LAST, film)]
    answers = {way: await say(server, packets) for way, server in ways.items()}
    assert answers["shortcut"] == answers["application"]
    assert answers["lane"] == answers["application"]


WELL_FORMED = (
    *(
        "plain",
        "another",
        "init section",
        "head",
        "playlist",
        "range",
        "beyond",
        "other etag",
        "any etag",
        "keep-alive",
    ),
    *(
        "damaged token",
        "not planned",
        "foreign host",
        "body",
        "empty body",
        "chunks",
        "long field",
        "preflight",
        "query",
    ),
)


async def test_random_conversations_have_one_course(ways: Ways, film: Film) -> None:
    dice = random.Random(11)
    requests = [REQUESTS[name] for name in WELL_FORMED]
    for _ in range(60):
        text = b"".join(filled(dice.choice(requests), film) for _ in range(dice.randint(1, 4)))
        cuts = sorted({dice.randrange(1, len(text)) for _ in range(dice.randint(0, 3))})
        packets = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
        packets.append(filled(LAST, film))
        assert await say(ways["lane"], packets) == await say(ways["shortcut"], packets), packets


HEADS = {
    "hls.js in Chromium": (
        'Host: 192.168.1.5:8470\nConnection: keep-alive\nsec-ch-ua-platform: "Linux"\nUser-Agent: Mozilla/5.0 (X11)\n'
        'sec-ch-ua: "Chromium";v="141"\nDNT: 1\nsec-ch-ua-mobile: ?0\nAccept: */*\nSec-Fetch-Site: same-origin\n'
        "Sec-Fetch-Mode: cors\nSec-Fetch-Dest: empty\nReferer: http://192.168.1.5:8470/watch/x\n"
        "Accept-Encoding: gzip, deflate\nAccept-Language: de,en;q=0.9\nCookie: homereel_session=abc\n"
    ),
    "Safari": "Host: house.local:8470\nAccept: */*\nX-Playback-Session-Id: 1-2-3\nAccept-Encoding: identity\n",
    "VLC": "Host: localhost:8470\nAccept: */*\nAccept-Language: en\nUser-Agent: VLC/3.0.24 LibVLC/3.0.24\n",
    "behind a proxy": "Host: localhost\nX-Forwarded-For: 10.0.0.1\nX-Forwarded-Proto: https\nVia: 1.1 caddy\n",
}


@pytest.mark.parametrize("player", HEADS)
async def test_the_lane_takes_what_players_send(lane: Running, film: Film, player: str) -> None:
    no_other_way(lane)
    request = filled(f"GET {{segment}} HTTP/1.1\n{HEADS[player]}\n", film)
    async with asyncio.timeout(20), connection(lane) as (reader, writer):
        for _ in range(3):
            writer.write(request)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
            assert await reader.readexactly(len(film.segment_bytes())) == film.segment_bytes()


async def test_while_segments_are_made_for_somebody_every_request_goes_the_long_way(config: Config, film: Film) -> None:
    async with running(house(config), fast_lane=True) as server:
        await warm(server, film)
        somebody_waits(server)
        no_other_way(server)
        assert (await ask(server, film.segment())).status == 500


async def test_what_the_lane_serves_is_counted(lane: Running, film: Film) -> None:
    assert lane.app.router[ROUTE].canonical.startswith("/stream/hls/")
    connections = lane.runner.server
    assert connections is not None
    before = connections.requests_count
    await say(lane, [filled(PLAIN, film), filled(LAST, film)])
    assert connections.requests_count == before + 3
    assert lane.app[METRICS].requests.of(ROUTE).by_status[200] == 4


@pytest.fixture
def big(film: Film) -> bytes:
    data = random.Random(5).randbytes(BIG_BYTES)
    film.put(film.storage.segment(FILM, film.digest, "720p", 0), data)
    return data


def connections_of(server: Running) -> list[RequestHandler]:
    assert server.runner.server is not None
    return server.runner.server.connections


async def test_what_is_asked_while_the_lane_sends_is_answered_behind(big: bytes, lane: Running, film: Film) -> None:
    async with asyncio.timeout(20), connection(lane) as (reader, writer):
        writer.write(filled(PLAIN, film))
        await reader.readuntil(b"\r\n\r\n")
        for text in ("GET {other} HTTP/1.1\nHost: localhost\n\n", PLAIN, LAST):
            writer.write(filled(text, film))
            await arrived(lane)
        assert await reader.readexactly(len(big)) == big
        for body in (film.segment_bytes(1), big, big):
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(body)) == body
        assert await reader.read(-1) == b""


async def test_a_client_that_asks_and_asks_and_reads_nothing_fills_no_memory(
    big: bytes, lane: Running, film: Film
) -> None:
    request = filled(PLAIN, film)
    async with asyncio.timeout(20), connection(lane) as (reader, writer):
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(request * 20_000)
        held = connections_of(lane)[0]
        assert isinstance(held, LaneConnection)
        while held.transport is not None and held.transport.is_reading():
            await asyncio.sleep(0)
        assert HELD_BYTES < len(held._held) < HELD_BYTES + (1 << 19)
        writer.transport.abort()


@pytest.mark.parametrize("sent", [1000, BIG_BYTES // 2])
async def test_clients_that_leave_leak_no_descriptor(big: bytes, lane: Running, film: Film, sent: int) -> None:
    await arrived(lane)
    before = open_descriptors()
    for _ in range(10):
        async with connection(lane) as (reader, writer):
            writer.write(filled(PLAIN, film))
            await reader.readexactly(sent)
            writer.transport.abort()
    await descriptors_come_to(before)
    assert len(big) == len((await ask(lane, film.segment())).body)


async def test_a_reader_that_takes_nothing_is_cut(
    big: bytes, lane: Running, film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "PATIENCE_SECONDS", 0.05)
    async with asyncio.timeout(20), connection(lane) as (reader, writer):
        writer.write(filled(PLAIN, film))
        await reader.readuntil(b"\r\n\r\n")
        while lane.connections:
            await asyncio.sleep(0)
    assert len(big) == BIG_BYTES


async def test_a_file_that_shrank_ends_in_a_cut(lane: Running, film: Film) -> None:
    os.truncate(film.storage.segment(FILM, film.digest, "720p", 0), 1000)
    no_other_way(lane)
    async with asyncio.timeout(20), connection(lane) as (reader, writer):
        writer.write(filled(PLAIN, film))
        head = await reader.readuntil(b"\r\n\r\n")
        assert f"Content-Length: {len(film.segment_bytes())}\r\n".encode() in head
        assert await reader.read(-1) == film.segment_bytes()[:1000]


async def test_a_stop_lets_the_lane_end_its_answer(big: bytes, config: Config, film: Film) -> None:
    async with running(house(config), fast_lane=True) as server:
        await warm(server, film)
        async with asyncio.timeout(20), connection(server) as (reader, writer):
            writer.write(filled(PLAIN, film))
            await reader.readuntil(b"\r\n\r\n")
            stopping = asyncio.create_task(server.runner.cleanup())
            assert await reader.readexactly(len(big)) == big
            assert await reader.read(-1) == b""
            await stopping


async def test_a_stop_waits_no_longer_than_it_was_told(big: bytes, config: Config, film: Film) -> None:
    async with running(house(config), fast_lane=True, shutdown_timeout=0.1) as server:
        await warm(server, film)
        async with asyncio.timeout(20), connection(server) as (reader, writer):
            writer.write(filled(PLAIN, film))
            await reader.readuntil(b"\r\n\r\n")
            await server.runner.cleanup()
            assert len(await reader.read(-1)) < len(big)


async def test_an_idle_connection_is_closed_after_the_lanes_answer(config: Config, film: Film) -> None:
    async with running(house(config), fast_lane=True, keepalive_timeout=0.1) as server:
        await warm(server, film)
        async with asyncio.timeout(20), connection(server) as (reader, writer):
            writer.write(filled(PLAIN, film))
            assert (await reader.read(-1)).endswith(film.segment_bytes())


async def test_the_timer_of_idle_connections_leaves_a_running_answer_alone(
    big: bytes, lane: Running, film: Film
) -> None:
    async with asyncio.timeout(20), connection(lane) as (reader, writer):
        writer.write(filled(PLAIN, film))
        await reader.readuntil(b"\r\n\r\n")
        [sending] = connections_of(lane)
        sending._next_keepalive_close_time = 0.0
        sending._process_keepalive()
        assert await reader.readexactly(len(big)) == big
        writer.write(filled(LAST, film))
        await reader.readuntil(b"\r\n\r\n")


async def test_who_thins_out_connections_sees_that_the_lane_is_sending(big: bytes, lane: Running, film: Film) -> None:
    async with asyncio.timeout(20), AsyncExitStack() as sockets, connection(lane) as (reader, writer):
        writer.write(filled(PLAIN, film))
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(WAITING_AN_ADDRESS + 3):
            await sockets.enter_async_context(connection(lane))
        await arrived(lane)
        thin_out(connections_of(lane), ())
        assert await reader.readexactly(len(big)) == big


async def test_virtual_files_go_the_lane_too(lane: Running, film: Film) -> None:
    files = lane.app[DESCRIPTORS]
    original = await files.original(str(FILM), film.storage.original(FILM, "mkv"))
    ranges = [(number * 5000, 3000) for number in range(200)]
    name = f"{film.digest}/copy/00000.m4s"
    files.keep((str(FILM), name), VirtualFile(original, b"moof" * 100, ranges, {"Content-Type": "a/b"}, '"x"'))
    no_other_way(lane)
    async with asyncio.timeout(20), connection(lane) as (reader, writer):
        writer.write(f"GET {film.hls(name)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert b"Content-Length: 600400\r\n" in await reader.readuntil(b"\r\n\r\n")
        expected = b"moof" * 100 + b"".join(film.original_bytes[at : at + length] for at, length in ranges)
        assert await reader.readexactly(len(expected)) == expected


async def test_a_deleted_film_is_gone_from_the_lane_at_once(lane: Running, film: Film) -> None:
    lane.app[DESCRIPTORS].forget(str(FILM))
    film.storage.delete_media(FILM, "mkv")
    assert (await ask(lane, film.segment())).status == 404


async def test_without_the_switch_there_is_no_lane(config: Config) -> None:
    async with running(house(config)) as server, connection(server):
        await arrived(server)
        assert {type(held) for held in connections_of(server)} == {Connection}


def test_the_private_parts_that_the_lane_leans_on_are_those_of_the_pinned_aiohttp() -> None:
    locked = re.search(r"^aiohttp==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked is not None and locked[1] == version("aiohttp") == "3.14.5"
    used = {
        *("_waiter", "_messages", "_close", "_force_close", "_request_count", "_manager", "_request_in_progress"),
        *("_handler_waiter", "_keepalive_handle", "_keepalive_timeout", "_next_keepalive_close_time"),
        "_logging_enabled",
    }
    assert used <= set(RequestHandler.__slots__)
    assert {"_upgraded", "transport", "_loop"} <= set(BaseProtocol.__slots__)
    for method in ("_process_keepalive", "_pause_transport_reading", "_resume_transport_reading"):
        assert callable(getattr(RequestHandler, method))


async def test_without_descriptors_left_segments_are_sent_all_the_same(lane: Running, film: Film) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with asyncio.timeout(20), connection(lane) as (reader, writer):
        await arrived(lane)
        next_descriptor = os.dup(0)
        os.close(next_descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_descriptor, hard))
        try:
            writer.write(filled(PLAIN, film))
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(film.segment_bytes())) == film.segment_bytes()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_from_a_cold_disk_the_lane_sends_the_same(big: bytes, lane: Running, film: Film) -> None:
    with film.storage.segment(FILM, film.digest, "720p", 0).open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    no_other_way(lane)
    async with asyncio.timeout(20), connection(lane) as (reader, writer):
        writer.write(filled(PLAIN, film))
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(len(big)) == big
