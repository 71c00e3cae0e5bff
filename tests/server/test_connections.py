"""Sockets that only sit there: who loses them, and who does not."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from server import connections
from server.app import build_app
from server.connections import WAITING_AN_ADDRESS, raise_descriptor_limit, thin_out
from tests.server.running import HOST, Running, connection, parse_answer, request_head, running
from vod.config import Config

BEYOND = 3
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "9", "Connection": "close"}

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def accepted(server: Running, sockets: AsyncExitStack, count: int) -> list[Streams]:
    """So many connections that the server knows of."""
    before = server.connections
    opened = [await sockets.enter_async_context(connection(server)) for _ in range(count)]
    async with asyncio.timeout(5):
        while server.connections < before + count:
            await asyncio.sleep(0)
    return opened


def look(server: Running, proxies: Sequence[str] = ()) -> None:
    assert server.runner.server is not None
    thin_out(server.runner.server.connections, proxies)


async def says_nothing(reader: asyncio.StreamReader) -> bool:
    """False where the connection is over."""
    try:
        async with asyncio.timeout(0.05):
            return await reader.read(1) != b""
    except TimeoutError:
        return True


async def test_of_one_addresss_waiting_connections_the_oldest_are_closed(config: Config) -> None:
    async with running(build_app(config)) as server, AsyncExitStack() as sockets:
        opened = await accepted(server, sockets, WAITING_AN_ADDRESS + BEYOND)
        look(server)
        assert [await says_nothing(reader) for reader, _ in opened] == [False] * BEYOND + [True] * WAITING_AN_ADDRESS


async def test_a_request_that_is_being_answered_is_not_cut_off(config: Config) -> None:
    async with running(build_app(config)) as server, AsyncExitStack() as sockets:
        [(reader, writer)] = await accepted(server, sockets, 1)
        writer.write(request_head("/login", "POST", FORM | {"Expect": "100-continue"}))
        assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
        await accepted(server, sockets, WAITING_AN_ADDRESS + BEYOND)
        look(server)
        writer.write(b"name=Anna")
        assert parse_answer(await reader.read(-1)).status == 401


async def test_beyond_all_reason_busy_connections_are_closed_too(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ALL_AN_ADDRESS", 1)
    async with running(build_app(config)) as server, AsyncExitStack() as sockets:
        (first, one), (second, another) = await accepted(server, sockets, 2)
        for reader, writer in ((first, one), (second, another)):
            writer.write(request_head("/login", "POST", FORM | {"Expect": "100-continue"}))
            await reader.readuntil(b"\r\n\r\n")
        look(server)
        assert [await says_nothing(first), await says_nothing(second)] == [True, False]


async def test_behind_a_listed_proxy_is_everybody(config: Config) -> None:
    async with running(build_app(config)) as server, AsyncExitStack() as sockets:
        opened = await accepted(server, sockets, WAITING_AN_ADDRESS + BEYOND)
        look(server, [f"{HOST}/32"])
        assert all([await says_nothing(reader) for reader, _ in opened])


def test_a_server_takes_all_the_descriptors_it_may_have() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(hard, connections.MOST_DESCRIPTORS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
