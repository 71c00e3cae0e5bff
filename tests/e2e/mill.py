"""Films through real workers: a media root, its database, and as many `python -m worker` as a test asks for."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

from vod import config as configuration
from vod.catalog import leases, media_files
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.catalog.models import Job, JobKind, MediaFile, MediaStatus
from vod.catalog.naming import MovieTitling
from vod.config import Config
from vod.ffmpeg.process import Launcher
from vod.hls.plan import Plan
from vod.hls.progress import load_plan
from vod.queue import Bell, Doorbell, heard
from vod.storage import Storage
from worker import probing
from worker.context import Context, Lease

T = TypeVar("T")

PATIENCE_SECONDS = 240.0
ENDED = (MediaStatus.READY, MediaStatus.FAILED)

# Many short spans, so that a film of some seconds has seams, orders and leases to get wrong.
SETTINGS = """
[media]
root = "{root}"
reserve_bytes = 0
[queue]
lease_seconds = 3
poll_seconds = 1
sweep_seconds = 1
[hls]
segment_seconds = 2
span_seconds = 6
audio_span_seconds = 6
open_spans = 64
preset = "veryfast"
copy_originals = {copied}
[log]
level = "DEBUG"
"""


@dataclass(slots=True)
class Mill:
    path: Path
    config: Config
    storage: Storage
    database: Database
    bell: Bell
    rung: asyncio.Event
    workers: list[Process] = field(default_factory=list)

    async def add(self, original: Path) -> UUID:
        """What an upload ends with: the bytes in their place, and one transaction."""
        film, extension = uuid4(), original.suffix[1:]
        shutil.copyfile(original, self.storage.original(film, extension))
        await self.database.run(
            media_files.add,
            media_id=film,
            name=original.name,
            extension=extension,
            size=original.stat().st_size,
            mime_type="video/mp4",
            titling=MovieTitling(title=original.stem),
        )
        self.bell.ring()
        return film

    async def plan_here(self, film: UUID) -> Plan:
        """Do the probe job in this process, before any worker runs: the spans are open then, none is begun."""
        launcher = Launcher(self.config.ffmpeg)
        await launcher.start()
        job = await self.database.run(leases.claim, "here", 60.0, [JobKind.PROBE])
        assert job is not None
        lease = Lease(job, lambda: None)
        await probing.run(
            job,
            Context(
                config=self.config,
                storage=self.storage,
                database=self.database,
                launcher=launcher,
                worker="here",
                lease=lease,
            ),
        )
        await self.database.run(leases.complete, job, "here")
        return await self.plan(film)

    async def shuffle(self, seed: int) -> None:
        """Open jobs in random order, whatever their priority was."""
        order = random.Random(seed)

        def shuffle() -> None:
            for job in list(Job.select()):
                Job.update(priority=order.randrange(100)).where(Job.id == job.id).execute()

        await self.database.run(shuffle)

    async def start_workers(self, count: int) -> None:
        for _ in range(count):
            self.workers.append(await self._start_worker())

    async def _start_worker(self) -> Process:
        log = self.path.with_name(f"worker-{uuid4().hex[:8]}.log").open("wb")
        with log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "worker", "--config", str(self.path), stdout=log, stderr=log
            )

    async def kill_worker(self, number: int) -> None:
        """SIGKILL, and another in its place."""
        os.kill(self.workers[number].pid, signal.SIGKILL)
        await self.workers[number].wait()
        self.workers[number] = await self._start_worker()

    async def ends(self, film: UUID) -> MediaFile:
        await self.until(lambda: self.film(film).status in ENDED)
        return self.film(film)

    def film(self, film: UUID) -> MediaFile:
        found: MediaFile = self.database.unit(MediaFile.get_by_id, film)
        return found

    async def plan(self, film: UUID) -> Plan:
        return load_plan(self.storage, film, self.film(film).plan_digest or "")

    def folder(self, film: UUID, plan: Plan, rendition: str) -> Path:
        return self.storage.rendition(film, plan.digest, rendition)

    async def until(self, holds: Callable[[], bool], patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Asks again whenever a worker rings, which it does after each end of a job."""
        async with asyncio.timeout(patience_seconds):
            while not await asyncio.to_thread(holds):
                await heard(self.rung, 0.5)


@asynccontextmanager
async def open_mill(folder: Path, settings: str = SETTINGS, *, copied: bool = False) -> AsyncIterator[Mill]:
    """Everything is encoded, unless `copied`."""
    path = folder / "config.toml"
    path.write_text(settings.format(root=folder / "media", copied=str(copied).lower()))
    config = configuration.load(path, {})
    storage = Storage(config.media.root)
    storage.prepare()
    database = Database(config.database_url, threads=2)
    database.open()
    migrate(database)
    bells = storage.root / "run"
    doorbell = Doorbell(bells, "the-test")
    doorbell.open()
    mill = Mill(path, config, storage, database, Bell(bells), doorbell.listener())
    try:
        yield mill
    finally:
        await _stop(mill.workers)
        doorbell.close()
        database.close()


async def _stop(workers: Sequence[Process]) -> None:
    for worker in workers:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
