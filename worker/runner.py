"""Runs the body of one claimed job and records how it ended; every record is fenced by the claim."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable

from vod.catalog import leases
from vod.catalog.database import OUTAGE, Database
from vod.catalog.jobs import CANCELLED
from vod.catalog.models import JobKind
from vod.errors import DiskFull, HomereelError, JobCancelled, SourceError
from vod.queue import Bell
from worker.context import Context, Lease, Stop, Tasks
from worker.heartbeat import Heartbeat

# An encode may have an hour to go, and what it has published stays; the others are nearly done.
GIVEN_BACK_AT_ONCE = (JobKind.ENCODE,)

INTERNAL_ERROR = "An internal error, noted in the worker's log."
DISK_FULL = "There is too little free disk to go on; it continues by itself when there is room."
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
# Until a job that found the disk full looks again.
DISK_PAUSE_SECONDS = 15.0
# Until the end of a job is recorded once more, where the database was away.
OUTAGE_PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class Runner:
    def __init__(
        self,
        tasks: Tasks,
        *,
        database: Database,
        worker: str,
        heartbeat: Heartbeat,
        bell: Bell,
        context_for: Callable[[Lease], Context],
        max_attempts: int,
        make_room: Callable[[], None] = lambda: None,
    ) -> None:
        """`make_room` lets rows be written where the disk is full."""
        self._tasks = tasks
        self._database = database
        self._worker = worker
        self._heartbeat = heartbeat
        self._bell = bell
        self._context_for = context_for
        self._max_attempts = max_attempts
        self._make_room = make_room
        self._running: set[Lease] = set()
        self._draining = False

    async def perform(self, job_id: int, attempts: int) -> None:
        """A claim that no longer holds ends quietly."""
        job = await self._database.run(leases.held, job_id, attempts, self._worker)
        if job is None:
            return
        lease = Lease(job, self._heartbeat.beat_now)
        log.info("job %d: %s %s of %s, attempt %d", job.id, job.kind, job.lane, job.media_file_id, job.attempts)
        body = asyncio.ensure_future(self._body(lease))
        lease.guard(body)
        self._running.add(lease)
        if self._draining:
            lease.stop(Stop.DRAINED)
        with self._heartbeat.keeping(lease):
            await asyncio.wait({body})
        self._running.discard(lease)
        await self._record(lease, body)
        # What the body added is there to be claimed by all.
        self._bell.ring()

    def drain(self, patience_seconds: float) -> None:
        """Stop what would take long now and the rest in `patience_seconds`; stopped jobs are given back."""
        self._draining = True
        loop = asyncio.get_running_loop()
        for lease in self._running:
            if lease.job.kind in GIVEN_BACK_AT_ONCE:
                lease.stop(Stop.DRAINED)
            else:
                loop.call_later(patience_seconds, lease.stop, Stop.DRAINED)

    async def _body(self, lease: Lease) -> None:
        await self._tasks[lease.job.kind](lease.job, self._context_for(lease))

    async def _record(self, lease: Lease, body: asyncio.Task[None]) -> None:
        """Again until the database takes it: one that is away or has no room for a while is nobody's failure."""
        while True:
            try:
                ending = await self._database.run(self._end, lease, body)
            except OUTAGE as error:
                log.warning("job %d: its end could not be recorded: %s", lease.job.id, type(error).__name__)
                # of a full disk SQLite says "disk is full", or "disk I/O error" where it is its shared memory
                await asyncio.to_thread(self._make_room)
            else:
                log.info("job %d: %s", lease.job.id, ending)
                return
            if self._draining:
                return  # the lease runs out by itself; what the body made is found on the disk next time
            await asyncio.sleep(OUTAGE_PAUSE_SECONDS)

    def _end(self, lease: Lease, body: asyncio.Task[None]) -> str:
        """Inside a unit of work; says what became of the job."""
        error = None if body.cancelled() else body.exception()
        if not body.cancelled() and error is None:
            return "completed" if leases.complete(lease.job, self._worker) else "lost"
        if lease.stopped is Stop.LOST:
            return "lost"
        if lease.stopped is Stop.CANCELLED or isinstance(error, JobCancelled):
            leases.fail(lease.job, self._worker, CANCELLED)
            return "cancelled"
        if lease.stopped is Stop.UNWANTED:
            leases.complete(lease.job, self._worker)
            return "no longer wanted"
        if lease.stopped is Stop.DRAINED:
            leases.give_back(lease.job, self._worker, achieved=lease.has_achieved)
            return "given back"
        return self._fail(lease, error)

    def _fail(self, lease: Lease, error: BaseException | None) -> str:
        if isinstance(error, SourceError):
            leases.fail(lease.job, self._worker, error.detail)
            return f"failed for good: {error.detail}"
        if is_disk_full(error):
            leases.wait(lease.job, self._worker, DISK_FULL, DISK_PAUSE_SECONDS, achieved=lease.has_achieved)
            return "waits for free disk"
        return self._fail_attempt(lease, error)

    def _fail_attempt(self, lease: Lease, error: BaseException | None) -> str:
        reason = reason_of(error)
        if reason == INTERNAL_ERROR:
            log.error("job %d: internal error", lease.job.id, exc_info=error)
        state = leases.fail_attempt(
            lease.job, self._worker, reason, achieved=lease.has_achieved, max_attempts=self._max_attempts
        )
        return f"attempt failed, now {state or 'lost'}: {reason}"


def is_disk_full(error: BaseException | None) -> bool:
    return isinstance(error, DiskFull) or (isinstance(error, OSError) and error.errno in NO_SPACE)


def reason_of(error: BaseException | None) -> str:
    """One sentence for people."""
    return (error.detail or error.code) if isinstance(error, HomereelError) else INTERNAL_ERROR
