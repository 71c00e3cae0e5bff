"""The way from a committed job row to a worker that claims it: a taskiq broker over the rows, and a doorbell.

The row is the truth. A ring only says "look now"; whoever misses one finds the row at the next poll.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from taskiq import AsyncBroker, BrokerMessage, TaskiqMessage

from vod.catalog import leases
from vod.catalog.database import OUTAGE, Database
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind

SUFFIX = ".bell"
SERVER_BELL = "server-"  # begins the names of bells that no worker answers
RING = b"1"

log = logging.getLogger(__name__)


class Bell:
    """Wakes every worker of this host that has a `Doorbell` in `folder`. Never blocks, never raises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A thread of its own: the folder may lie on a disk that has to spin up first.
        self._hand = ThreadPoolExecutor(1, thread_name_prefix="bell")

    def ring(self) -> None:
        # RuntimeError: the program is ending, and its workers with it or polling.
        with suppress(RuntimeError):
            self._hand.submit(self._ring_all)

    def _ring_all(self) -> None:
        with suppress(OSError):
            for path in self._folder.iterdir():
                if path.suffix == SUFFIX and not answers(path):
                    path.unlink(missing_ok=True)


class Doorbell:
    """A worker's end: a datagram socket named after it, gone with its process whatever kills it."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._path = folder / f"{worker}{SUFFIX}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._listeners: list[asyncio.Event] = []

    def open(self) -> None:
        """Needs a running loop. Where the disk knows no sockets, the worker polls."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _short(self._path) as address:
                self._socket.bind(address)
        except OSError as error:
            log.warning("no doorbell here (%s): jobs start at the next poll", error.strerror)
            return
        asyncio.get_running_loop().add_reader(self._socket, self._on_ring)

    def listener(self) -> asyncio.Event:
        """Set at each ring; whoever waits for it clears it."""
        event = asyncio.Event()
        self._listeners.append(event)
        return event

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _on_ring(self) -> None:
        with suppress(BlockingIOError):
            while self._socket.recv(1):
                pass
        for event in self._listeners:
            event.set()


def answers(path: Path) -> bool:
    """Ring at one doorbell; False when its process is gone. A queue full of rings is an answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sender:
        try:
            with _short(path) as address:
                sender.sendto(RING, address)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for `path` that fits into the 108 bytes of a socket address, however deep the media root lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def heard(event: asyncio.Event, seconds: float) -> bool:
    """Wait for a ring, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True


class DbBroker(AsyncBroker):
    """Its messages are claims: a task's name is the job's kind, its arguments the job's id and attempt.

    Nothing is acknowledged: the lease says whether somebody is at it, and it runs out by itself.
    """

    def __init__(
        self,
        database: Database,
        *,
        worker: str,
        doorbell: Doorbell,
        bell: Bell,
        lease_seconds: float,
        poll_seconds: float,
        least_priority: int = 0,
    ) -> None:
        super().__init__()
        self._database = database
        self._worker = worker
        self._ring = doorbell.listener()
        self._bell = bell
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._least_priority = least_priority

    def register(self, kind: JobKind, perform: Callable[[int, int], Awaitable[None]]) -> None:
        """Claim jobs of this kind, and have `perform` do them: it is given the job's id and attempt."""

        async def task(job_id: int, attempts: int) -> None:
            await perform(job_id, attempts)

        self.register_task(task, task_name=kind)

    async def kick(self, message: BrokerMessage) -> None:  # noqa: ARG002  taskiq's own name for it
        """Only rings: the row is already there, written in its caller's transaction."""
        self._bell.ring()

    async def listen(self) -> AsyncGenerator[bytes, None]:
        while True:
            if (job := await self._claim()) is not None:
                yield self._message(job)
            else:
                await heard(self._ring, self._poll_seconds)

    async def _claim(self) -> JobSnapshot | None:
        kinds = [JobKind(name) for name in self.get_all_tasks()]
        claiming = asyncio.ensure_future(
            self._database.run(
                leases.claim, self._worker, self._lease_seconds, kinds, least_priority=self._least_priority
            )
        )
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # The claim commits in its thread all the same; nobody is left to do the job.
            with suppress(*OUTAGE):
                if (job := await claiming) is not None:
                    await self._database.run(leases.give_back, job, self._worker)
            raise
        except OUTAGE as error:
            log.warning("the database is away: %s", type(error).__name__)
            return None

    def _message(self, job: JobSnapshot) -> bytes:
        name = f"{job.id}-{job.attempts}"
        call = TaskiqMessage(task_id=name, task_name=job.kind, labels={}, args=[job.id, job.attempts], kwargs={})
        return self.formatter.dumps(call).message
