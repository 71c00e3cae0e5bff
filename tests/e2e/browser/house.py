"""A whole Homereel as a newcomer starts it: `homereel serve` with its embedded workers, on an empty media root."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SCRIPTS = Path(__file__).parent
ARTIFACTS = ROOT / "artifacts" / "browser"
GREETING = "Homereel is at "


@dataclass(frozen=True)
class House:
    address: str
    environment: dict[str, str]

    async def setup_code(self) -> str:
        process = await _homereel("setup-code", self.environment)
        output, _ = await process.communicate()
        return output.decode().strip()


@asynccontextmanager
async def open_house(folder: Path) -> AsyncIterator[House]:
    environment = os.environ | {
        "HOMEREEL_MEDIA_ROOT": str(folder),
        "HOMEREEL_MEDIA_RESERVE_BYTES": "0",
        "HOMEREEL_SERVER_HOST": "127.0.0.1",
        "HOMEREEL_SERVER_PORT": "0",
    }
    process = await _homereel("serve", environment)
    draining: asyncio.Task[None] | None = None
    try:
        address = await _greeted(process)
        draining = asyncio.create_task(_drain(process))
        yield House(address, environment)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
        if draining is not None:
            await draining


async def drive(script: str, house: House, **given: Any) -> Any:
    """Run a journey in Chromium; what it saw comes back as JSON. What it is given is for no list of processes."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    task = {"base": house.address, "artifacts": str(ARTIFACTS), **given}
    process = await asyncio.create_subprocess_exec("node", str(SCRIPTS / script), stdin=PIPE, stdout=PIPE)
    output, _ = await process.communicate(json.dumps(task).encode())
    assert process.returncode == 0, f"{script} ended with {process.returncode}; stderr says why"
    return json.loads(output)


async def _homereel(command: str, environment: dict[str, str]) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", command, stdout=PIPE, env=environment, cwd=ROOT
    )


async def _greeted(process: Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        text = line.decode().strip()
        if text.startswith(GREETING):
            return text.removeprefix(GREETING)
    raise AssertionError("the server ended before it listened")


async def _drain(process: Process) -> None:
    """A full pipe would stop the server."""
    assert process.stdout is not None
    async for _ in process.stdout:
        pass
