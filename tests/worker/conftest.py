"""Real worker processes whose bodies are those of `tests.worker.station`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from vod import config as configuration
from vod.catalog import jobs, media_files
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.catalog.models import Job, JobKind
from vod.catalog.naming import MovieTitling
from vod.config import Config
from vod.queue import Bell, Doorbell, heard

T = TypeVar("T")

PATIENCE_SECONDS = 60.0

SETTINGS = """
[media]
root = "{root}"
[queue]
lease_seconds = 2
poll_seconds = 60
sweep_seconds = 1
[worker]
drain_seconds = 10
[log]
level = "DEBUG"
"""


@dataclass(slots=True)
class Station:
    """One worker process; `heard` is what it has told so far."""

    process: Process

    async def tells(self) -> list[str]:
        """The words of its next line; none at its end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await self.process.stdout.readline()).decode().split()

    def tell_to_end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    async def ends(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait()


@dataclass(slots=True)
class Yard:
    """A media root with its database, a bell, and as many workers as a test starts."""

    path: Path
    config: Config
    database: Database
    bell: Bell
    doorbell: Doorbell
    ring: asyncio.Event
    stations: list[Station] = field(default_factory=list)

    async def start(self) -> Station:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.worker.station", "--config", str(self.path), stdin=PIPE, stdout=PIPE
        )
        self.stations.append(Station(process))
        return self.stations[-1]

    def add_film(self) -> UUID:
        film = uuid4()
        self.database.unit(
            media_files.add,
            media_id=film,
            name="film.mp4",
            extension="mp4",
            size=1,
            mime_type="video/mp4",
            titling=MovieTitling(title="A film"),
        )
        self.database.unit(lambda: Job.delete().where(Job.media_file == film).execute())
        return film

    def add_job(self, film: UUID, does: str, kind: JobKind = JobKind.ENCODE) -> int:
        job = self.database.unit(jobs.add, film, kind, lane=does)
        self.bell.ring()
        return job.id

    def job(self, job_id: int) -> Job:
        return self.database.unit(Job.get_by_id, job_id)

    def end_backoff(self) -> None:
        self.database.unit(lambda: Job.update(run_at=0).execute())
        self.bell.ring()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Asks again whenever a worker rings: it does so after each end that it has recorded."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await asyncio.to_thread(holds):
                await heard(self.ring, 0.5)


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    path = tmp_path / "config.toml"
    path.write_text(SETTINGS.format(root=tmp_path / "media"))
    config = configuration.load(path, {})
    database = Database(config.database_url, threads=2)
    database.open()
    migrate(database)
    bells = config.media.root / "run"
    doorbell = Doorbell(bells, "the-test")
    doorbell.open()
    yard = Yard(path, config, database, Bell(bells), doorbell, doorbell.listener())
    yield yard
    for station in yard.stations:
        if station.process.returncode is None:
            station.process.kill()
            await station.process.wait()
    doorbell.close()
    database.close()
