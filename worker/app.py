"""The worker's composition root: opens everything, listens until told to stop, closes it again."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from taskiq.receiver import Receiver

from vod.catalog import jobs
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.config import Config
from vod.ffmpeg.process import Launcher
from vod.queue import Bell, DbBroker, Doorbell
from vod.storage import BALLAST_BYTES, Storage
from worker.context import Context, Lease, Tasks
from worker.encoder_trial import find_encoder
from worker.evictor import Evictor
from worker.heartbeat import Heartbeat
from worker.runner import Runner
from worker.sweeper import Sweeper, worker_name

# Of the time to drain: what is left is for giving back the job and closing.
PATIENCE = 0.8
# Jobs that somebody waits for, beside the one of the background that a worker has in hand: a picture and its sound.
URGENT_HANDS = 2
# Past the time to drain: then something hangs, and the lease brings the job back without us.
HANGING_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What everything in one worker shares."""

    config: Config
    storage: Storage
    launcher: Launcher
    encoder: str
    database: Database
    worker: str
    doorbell: Doorbell
    bell: Bell


async def run(config: Config, tasks: Tasks) -> None:
    """Until SIGTERM or SIGINT; then the running job is ended or given back within `worker.drain_seconds`."""
    async with _parts(config) as parts:
        heartbeat = Heartbeat(parts.database, parts.worker, config.queue.lease_seconds, parts.doorbell.listener())
        runner = _runner(parts, tasks, heartbeat)
        stopping = asyncio.Event()
        _on_signal(partial(_drain, runner, stopping, config.worker.drain_seconds))
        async with _beside(heartbeat.run(), _sweeper(parts).run()):
            log.info("worker %s is ready", parts.worker)
            await asyncio.gather(
                _listen(_broker(parts, tasks, runner), 1, stopping, config.worker.drain_seconds),
                _listen(
                    _broker(parts, tasks, runner, jobs.URGENT), URGENT_HANDS, stopping, config.worker.drain_seconds
                ),
            )
        log.info("worker %s has stopped", parts.worker)


@asynccontextmanager
async def _parts(config: Config) -> AsyncIterator[Parts]:
    storage = Storage(config.media.root)
    await asyncio.to_thread(storage.prepare)
    await asyncio.to_thread(storage.lay_ballast, 2 * BALLAST_BYTES)
    launcher = Launcher(config.ffmpeg)
    await launcher.start()
    encoder = await find_encoder(launcher, config, storage.encoder_lock)
    async with _database(config) as database, _doorbell(_bells(storage)) as (worker, doorbell):
        yield Parts(
            config=config,
            storage=storage,
            launcher=launcher,
            encoder=encoder,
            database=database,
            worker=worker,
            doorbell=doorbell,
            bell=Bell(_bells(storage)),
        )


@asynccontextmanager
async def _database(config: Config) -> AsyncIterator[Database]:
    database = Database(config.database_url, config.database.threads)
    await asyncio.to_thread(database.open)
    await asyncio.to_thread(migrate, database)
    try:
        yield database
    finally:
        await asyncio.to_thread(database.close)


@asynccontextmanager
async def _doorbell(bells: Path) -> AsyncIterator[tuple[str, Doorbell]]:
    worker = worker_name()
    doorbell = Doorbell(bells, worker)
    doorbell.open()
    try:
        yield worker, doorbell
    finally:
        doorbell.close()


def _bells(storage: Storage) -> Path:
    return storage.doorbells


def _runner(parts: Parts, tasks: Tasks, heartbeat: Heartbeat) -> Runner:
    return Runner(
        tasks,
        database=parts.database,
        worker=parts.worker,
        heartbeat=heartbeat,
        bell=parts.bell,
        context_for=partial(_context, parts),
        max_attempts=parts.config.queue.max_attempts,
        make_room=parts.storage.drop_ballast_where_full,
    )


def _context(parts: Parts, lease: Lease) -> Context:
    return Context(
        config=parts.config,
        storage=parts.storage,
        database=parts.database,
        launcher=parts.launcher,
        encoder=parts.encoder,
        worker=parts.worker,
        lease=lease,
        tell=parts.bell.ring,
    )


def _broker(parts: Parts, tasks: Tasks, runner: Runner, least_priority: int = 0) -> DbBroker:
    broker = DbBroker(
        parts.database,
        worker=parts.worker,
        doorbell=parts.doorbell,
        bell=parts.bell,
        lease_seconds=parts.config.queue.lease_seconds,
        poll_seconds=parts.config.queue.poll_seconds,
        least_priority=least_priority,
    )
    for kind in tasks:
        broker.register(kind, runner.perform)
    return broker


def _sweeper(parts: Parts) -> Sweeper:
    queue = parts.config.queue
    return Sweeper(
        database=parts.database,
        storage=parts.storage,
        bell=parts.bell,
        bells=_bells(parts.storage),
        evictor=_evictor(parts),
        lease_seconds=queue.lease_seconds,
        sweep_seconds=queue.sweep_seconds,
        link_seconds=parts.config.hls.token_seconds,
    )


def _evictor(parts: Parts) -> Evictor:
    return Evictor(
        config=parts.config,
        database=parts.database,
        storage=parts.storage,
        worker=parts.worker,
        tell=parts.bell.ring,
    )


async def _listen(broker: DbBroker, hands: int, stopping: asyncio.Event, drain_seconds: float) -> None:
    receiver = Receiver(
        broker, max_async_tasks=hands, run_startup=False, validate_params=False, wait_tasks_timeout=drain_seconds
    )
    await receiver.listen(stopping)


def _on_signal(stop: partial[None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _drain(runner: Runner, stopping: asyncio.Event, seconds: float) -> None:
    if stopping.is_set():
        return
    log.info("stopping")
    faulthandler.dump_traceback_later(seconds + HANGING_SECONDS, exit=True)
    stopping.set()
    runner.drain(seconds * PATIENCE)


@asynccontextmanager
async def _beside(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `loops` for as long as the block; one that dies takes the worker with it, to be started anew."""
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(one) for one in loops]
        yield
        for task in running:
            task.cancel()
