"""The whole of Homereel as a household runs it: `homereel serve` with its workers, spoken to over HTTP."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

HOST = "127.0.0.1"
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.1
ENDED = {"READY", "FAILED"}


@dataclass(slots=True)
class House:
    root: Path
    settings: dict[str, str]
    port: int
    key: str = ""
    server: asyncio.subprocess.Process | None = None
    client: aiohttp.ClientSession = field(default_factory=aiohttp.ClientSession)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | self.settings

    @property
    def log(self) -> Path:
        return self.root.with_suffix(".log")

    def url(self, path: str) -> str:
        return f"http://{HOST}:{self.port}{path}"

    def command(self, *words: str, typed: str = "") -> str:
        """What a `homereel` command printed."""
        program = (sys.executable, "-m", "server", *words)
        done = subprocess.run(program, env=self.environment, input=typed, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.server = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server", "serve", env=self.environment, stdout=log, stderr=log
            )
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self.answers():
                await asyncio.sleep(LOOK_SECONDS)

    async def answers(self) -> bool:
        try:
            async with self.client.get(self.url("/health")) as answer:
                return answer.status < 500
        except aiohttp.ClientError:
            return False

    async def kill_server(self) -> None:
        """SIGKILL: nothing is said to anybody."""
        if self.server is not None and self.server.returncode is None:
            self.server.send_signal(signal.SIGKILL)
            await self.server.wait()

    async def upload(self, film: Path, **fields: str) -> str:
        form = aiohttp.FormData()
        for name, value in fields.items():
            form.add_field(name, value)
        with film.open("rb") as content:
            form.add_field("file", content, filename=film.name)
            answer = await self.ask("POST", "/media/upload", data=form)
        return str(answer["mediaFileId"])

    async def film(self, identifier: str) -> dict[str, Any]:
        return await self.ask("GET", f"/media-files/{identifier}")

    async def ends(self, identifier: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (found := await self.film(identifier))["status"] not in ENDED:
                await asyncio.sleep(LOOK_SECONDS)
        return found

    async def ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.client.request(method, self.url(path), headers=headers, **arguments) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found

    def processes(self, kind: str) -> list[int]:
        """Pids below this house's server: its "worker"s, or the "ffmpeg"s of those."""
        if self.server is None or self.server.returncode is not None:
            return []
        workers = _children(self.server.pid)
        return workers if kind == "worker" else [pid for worker in workers for pid in _children(worker)]


def _children(pid: int) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@asynccontextmanager
async def open_house(folder: Path, **settings: str) -> AsyncIterator[House]:
    """`settings` as environment: `HOMEREEL_HLS_PRESET="ultrafast"`."""
    root, port = folder / "media", free_port()
    own = {
        "HOMEREEL_MEDIA_ROOT": str(root),
        "HOMEREEL_MEDIA_RESERVE_BYTES": "0",
        "HOMEREEL_SERVER_HOST": HOST,
        "HOMEREEL_SERVER_PORT": str(port),
        "HOMEREEL_LOG_LEVEL": "DEBUG",
    }
    house = House(root, own | settings, port)
    house.command("user", "add", "owner", "--admin", typed="a long enough password\n")
    house.key = house.command("key", "add", "tests", "--admin")
    await house.start()
    try:
        yield house
    finally:
        await house.client.close()
        await house.kill_server()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
