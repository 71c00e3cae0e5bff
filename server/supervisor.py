"""Keeps embedded workers alive as child processes; it knows their command line and nothing else of them."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a worker that ran so long starts again without a pause to learn from
KILL_MARGIN_SECONDS = 10.0  # beyond the time to drain; a worker ends itself before that

log = logging.getLogger(__name__)


class Supervisor:
    """Start and stop it in the thread that lives as long as the server: the workers end with that thread."""

    def __init__(self, count: int, *, config_path: Path | None, drain_seconds: float, module: str = "worker") -> None:
        self._count = count
        self._command = [sys.executable, "-m", module]
        if config_path is not None:
            self._command += ["--config", str(config_path)]
        self._drain_seconds = drain_seconds
        self._processes: dict[int, Process] = {}
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def alive(self) -> int:
        return sum(process.returncode is None for process in self._processes.values())

    @property
    def wanted(self) -> int:
        return self._count

    def start(self) -> None:
        """Returns at once; the workers come up beside the server."""
        self._keepers = [
            asyncio.create_task(self._keep(slot), name=f"embedded worker {slot}") for slot in range(self._count)
        ]

    async def stop(self) -> None:
        """Let each worker give back its job; kill what hangs."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(self._end(process) for process in self._processes.values()))

    async def _keep(self, slot: int) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            started = time.monotonic()
            ending = await self._run_once(slot)
            if time.monotonic() - started >= STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.warning("an embedded worker %s; the next one starts in %.1f s", ending, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_once(self, slot: int) -> str:
        """How it ended, in words."""
        # Shielded: a process that is being made while we stop must be known, to be ended.
        starting = asyncio.ensure_future(self._start_one(slot))
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            await starting
            raise
        except OSError as error:  # too many processes, or no memory, just now
            return f"could not be started: {error.strerror}"
        return f"ended with status {await process.wait()}"

    async def _start_one(self, slot: int) -> Process:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            "--parent",
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            # Ctrl-C in a terminal reaches the server alone, which then ends its workers in order.
            start_new_session=True,
        )
        self._processes[slot] = process
        return process

    async def _end(self, process: Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(self._drain_seconds + KILL_MARGIN_SECONDS):
                await process.wait()
        except TimeoutError:
            log.error("an embedded worker did not stop in time and is killed")
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
