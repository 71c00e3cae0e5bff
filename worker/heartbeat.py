"""Keeps the leases of running jobs, shows their progress, and stops a body that may not go on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from vod.catalog import leases
from vod.catalog.database import OUTAGE, Database
from vod.queue import heard
from worker.context import Lease, Stop

# Progress is watched live, and a cancel should not keep anybody waiting should its ring get lost.
LONGEST_BEAT_SECONDS = 2.0

log = logging.getLogger(__name__)


def beat_seconds(lease_seconds: float) -> float:
    return min(lease_seconds / 3, LONGEST_BEAT_SECONDS)


class Heartbeat:
    def __init__(self, database: Database, worker: str, lease_seconds: float, ring: asyncio.Event) -> None:
        self._database = database
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._ring = ring
        self._kept: dict[int, Lease] = {}
        self._renewed_at = time.monotonic()

    @contextmanager
    def keeping(self, lease: Lease) -> Iterator[None]:
        self._renewed_at = time.monotonic()
        self._kept[lease.job.id] = lease
        try:
            yield
        finally:
            del self._kept[lease.job.id]

    def beat_now(self) -> None:
        self._ring.set()

    async def run(self) -> None:
        """For as long as the worker lives. A ring makes it look at once: it may mean a cancel."""
        while True:
            await heard(self._ring, beat_seconds(self._lease_seconds))
            if self._kept:
                await self._beat(dict(self._kept))

    async def _beat(self, kept: dict[int, Lease]) -> None:
        try:
            renewal = await self._database.run(
                leases.renew,
                self._worker,
                {job_id: lease.job.attempts for job_id, lease in kept.items()},
                self._lease_seconds,
                {job_id: lease.progress for job_id, lease in kept.items()},
                [job_id for job_id, lease in kept.items() if lease.has_achieved],
            )
        except OUTAGE as error:
            log.warning("no heartbeat, the database is away: %s", type(error).__name__)
            self._stop_outlived(kept)
            return
        self._renewed_at = time.monotonic()
        stopped = ((Stop.LOST, renewal.lost), (Stop.CANCELLED, renewal.cancelled), (Stop.UNWANTED, renewal.unwanted))
        for reason, job_ids in stopped:
            for job_id in job_ids:
                # one that has ended meanwhile, well, has nothing to stop
                if self._kept.get(job_id) is kept[job_id]:
                    _stop(kept[job_id], reason)

    def _stop_outlived(self, kept: dict[int, Lease]) -> None:
        """Nobody could be told that we live for a whole lease: by now another worker may have the job."""
        if time.monotonic() - self._renewed_at > self._lease_seconds:
            for lease in kept.values():
                _stop(lease, Stop.LOST)


def _stop(lease: Lease, reason: Stop) -> None:
    if lease.stopped is not reason:
        log.info("job %d: %s", lease.job.id, reason)
        lease.stop(reason)
