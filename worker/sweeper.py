"""Puts right what the dead leave behind. Every worker sweeps; all of it may be done twice.

A lease is taken from its worker when it was *seen* to stand still, by this process's own monotonic clock: a
wall clock that jumps steals nothing. The full lease is the rule; a worker of this host whose doorbell refuses
is known to be dead, and need not be waited for that long.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import secrets
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vod.catalog import demands, jobs, leases, media_files
from vod.catalog.database import OUTAGE, Database
from vod.catalog.leases import HeldLease
from vod.queue import SUFFIX, Bell, answers
from vod.storage import Storage
from worker.evictor import Evictor
from worker.heartbeat import beat_seconds
from worker.superseded import remove_superseded

# A worker that lives renews every beat: three missed are not chance, where its doorbell is gone too.
BEATS_OF_THE_DEAD = 3

IDLE_SECONDS = 60  # that a film without jobs may stand before it is taken up again: one ends where others begin

PLANS_SECONDS = 3600  # between two looks for old ones: they go after a day, and each film costs a look

PLENTY_BYTES = 64 << 20  # of free disk: then room is set aside again for the rows of a full one

log = logging.getLogger(__name__)


def worker_name() -> str:
    """Unique; begins with the host, for that is how far a doorbell is heard."""
    return f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"


def is_dead_here(worker: str, bells: Path) -> bool:
    """Certain only of workers of this host; False means unknown."""
    return worker.startswith(f"{_host()}-") and not answers(bells / f"{worker}{SUFFIX}")


def _host() -> str:
    return socket.gethostname()[:40]


@dataclass(slots=True)
class Watch:
    """How long each lease has been standing still, in monotonic seconds."""

    first_seen: dict[HeldLease, float]

    def look(self, held: Iterable[HeldLease], moment: float) -> list[tuple[HeldLease, float]]:
        self.first_seen = {lease: self.first_seen.get(lease, moment) for lease in held}
        return [(lease, moment - since) for lease, since in self.first_seen.items()]


class Sweeper:
    def __init__(
        self,
        *,
        database: Database,
        storage: Storage,
        bell: Bell,
        bells: Path,
        evictor: Evictor,
        lease_seconds: float,
        sweep_seconds: float,
        link_seconds: float,
    ) -> None:
        """`link_seconds`: how long a stream link lives at most."""
        self._database = database
        self._storage = storage
        self._bell = bell
        self._bells = bells
        self._evictor = evictor
        self._lease_seconds = lease_seconds
        self._sweep_seconds = sweep_seconds
        self._link_seconds = link_seconds
        self._plans_looked_at = -math.inf
        self._watch = Watch({})

    async def run(self) -> None:
        """For as long as the worker lives."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_leases())
            group.create_task(self._clean_up())

    async def _watch_leases(self) -> None:
        while True:
            try:
                await self._free_abandoned()
            except OUTAGE as error:
                log.warning("leases not looked at, the database is away: %s", type(error).__name__)
            await asyncio.sleep(beat_seconds(self._lease_seconds))

    async def _free_abandoned(self) -> None:
        held = await self._database.read(leases.all_held)
        for lease, still_seconds in self._watch.look(held, time.monotonic()):
            if await self._is_abandoned(lease, still_seconds):
                state = await self._database.run(leases.free, lease)
                log.warning("job %d: its worker is gone, now %s", lease.job_id, state or "in other hands")
                self._bell.ring()

    async def _is_abandoned(self, lease: HeldLease, still_seconds: float) -> bool:
        if still_seconds >= self._lease_seconds:
            return True
        if still_seconds < BEATS_OF_THE_DEAD * beat_seconds(self._lease_seconds):
            return False
        return await asyncio.to_thread(is_dead_here, lease.worker, self._bells)

    async def _clean_up(self) -> None:
        while True:
            try:
                await self._database.run(leases.delete_completed)
                await self._database.run(demands.delete_unwanted)
                await self._take_up()
                await self._remove_deleted()
                await self._remove_superseded()
                await self._evictor.look()
                await asyncio.to_thread(self._storage.lay_ballast, PLENTY_BYTES)
            except OUTAGE as error:
                log.warning("nothing swept, the database is away: %s", type(error).__name__)
            await asyncio.sleep(self._sweep_seconds)

    async def _take_up(self) -> None:
        for media_id in await self._database.run(jobs.take_up, IDLE_SECONDS):
            log.warning("media file %s: it is not finished, and nobody was at work on it", media_id)
            self._bell.ring()

    async def _remove_superseded(self) -> None:
        if time.monotonic() - self._plans_looked_at < PLANS_SECONDS:
            return
        self._plans_looked_at = time.monotonic()
        for media_id, digest in await self._database.read(media_files.plans):
            try:
                removed = await asyncio.to_thread(
                    remove_superseded, self._storage, media_id, digest, self._link_seconds
                )
            except OSError as error:
                log.warning("media file %s: its old plans stay: %s", media_id, error.strerror)
                continue
            for old in removed:
                log.info("media file %s: its plan %s was superseded long ago and is removed", media_id, old)

    async def _remove_deleted(self) -> None:
        """Also what a worker wrote after the first removal, before it noticed."""
        deletions = await self._database.read(media_files.deletions)
        for media_id, extension in deletions:
            await asyncio.to_thread(self._storage.delete_media, media_id, extension)
        if deletions:
            await self._database.run(media_files.forget_deletions)
