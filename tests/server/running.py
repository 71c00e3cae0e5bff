"""A server on a socket as `serve` runs it, and a client that says exactly what it is told to say."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from server.app import runner_options
from server.runner import Runner
from vod.config import Config

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Running:
    app: web.Application
    runner: web.AppRunner
    port: int
    scheme: str

    def url(self, target: str) -> str:
        return f"{self.scheme}://{HOST}:{self.port}{target}"

    @property
    def connections(self) -> int:
        assert self.runner.server is not None
        return len(self.runner.server.connections)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


@asynccontextmanager
async def running(app: web.Application, tls: ssl.SSLContext | None = None, **options: float) -> AsyncIterator[Running]:
    runner = Runner(app, **(runner_options(Config()) | options))
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=tls)
    await site.start()
    try:
        yield Running(app, runner, runner.addresses[0][1], "https" if tls else "http")
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connection(server: Running) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, server.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def ask(server: Running, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
    """One request on a connection of its own; `target` goes out as it is, however wrong."""
    async with connection(server) as (reader, writer):
        writer.write(request_head(target, method, {"Connection": "close", **headers}) + body)
        return parse_answer(await reader.read(-1))


def request_head(target: str, method: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def parse_answer(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(status_line.split()[1]), headers, body)


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def descriptors_come_to(expected: int) -> None:
    """A thread that has just opened a file may hold it for a moment more."""
    async with asyncio.timeout(20):
        while open_descriptors() > expected:
            await asyncio.sleep(0)
