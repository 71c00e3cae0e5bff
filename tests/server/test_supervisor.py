from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from typing import Any

import pytest

from server.supervisor import Supervisor
from tests.worker.conftest import Yard, yard  # noqa: F401  the fixture
from vod.catalog.models import JobState

SERVER = """
import asyncio, sys
from pathlib import Path
from server.supervisor import Supervisor

async def main():
    supervisor = Supervisor(1, config_path=Path(sys.argv[1]), drain_seconds=10, module="tests.worker.station")
    supervisor.start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


def supervisor_of(yard: Yard, count: int) -> Supervisor:  # noqa: F811
    return Supervisor(count, config_path=yard.path, drain_seconds=10, module="tests.worker.station")


def process_of(worker: str) -> int:
    """The process that a worker's name holds: host, process, random."""
    return int(worker.rsplit("-", 2)[1])


async def test_the_workers_take_jobs_and_stop_gives_them_back(yard: Yard) -> None:  # noqa: F811
    jobs = [yard.add_job(yard.add_film(), "hang") for _ in range(2)]
    supervisor = supervisor_of(yard, 2)
    supervisor.start()
    await yard.until(lambda: all(yard.job(job).state == JobState.IN_PROGRESS for job in jobs))
    assert supervisor.alive == 2
    await supervisor.stop()
    assert supervisor.alive == 0
    assert [(yard.job(job).state, yard.job(job).fruitless) for job in jobs] == [(JobState.PENDING, 0)] * 2


async def test_a_killed_worker_is_replaced(yard: Yard) -> None:  # noqa: F811
    job = yard.add_job(yard.add_film(), "hang")
    supervisor = supervisor_of(yard, 1)
    supervisor.start()
    await yard.until(lambda: yard.job(job).state == JobState.IN_PROGRESS)
    first = yard.job(job).worker
    os.kill(process_of(first), signal.SIGKILL)
    await yard.until(lambda: yard.job(job).state == JobState.PENDING)
    yard.end_backoff()
    await yard.until(lambda: yard.job(job).worker != first)
    await supervisor.stop()


async def test_a_worker_that_cannot_be_started_is_tried_again(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    starts: list[object] = [OSError(errno.EAGAIN, "no more processes"), asyncio.subprocess.DEVNULL]

    async def start(*command: str, **options: Any) -> asyncio.subprocess.Process:
        if isinstance(failure := starts.pop(0), OSError):
            raise failure
        return await create_subprocess_exec(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    job = yard.add_job(yard.add_film(), "hang")
    supervisor = supervisor_of(yard, 1)
    supervisor.start()
    await yard.until(lambda: yard.job(job).state == JobState.IN_PROGRESS)
    await supervisor.stop()


async def test_stopping_before_a_worker_is_up_leaves_none(yard: Yard) -> None:  # noqa: F811
    supervisor = supervisor_of(yard, 2)
    supervisor.start()
    await supervisor.stop()
    assert supervisor.alive == 0


async def test_the_workers_of_a_killed_server_give_back_their_jobs_and_end(yard: Yard) -> None:  # noqa: F811
    job = yard.add_job(yard.add_film(), "hang")
    server = await create_subprocess_exec(sys.executable, "-c", SERVER, str(yard.path), stdout=PIPE)
    await yard.until(lambda: yard.job(job).state == JobState.IN_PROGRESS)
    server.kill()
    assert server.stdout is not None
    # The worker inherited the pipe: its end is the worker's end.
    await server.stdout.read()
    assert (yard.job(job).state, yard.job(job).fruitless) == (JobState.PENDING, 0)
