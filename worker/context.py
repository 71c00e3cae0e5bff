"""What a task body is given: the parts of `vod` it calls, and the lease on its job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from vod.catalog.database import Database
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind
from vod.config import Config
from vod.ffmpeg.process import Launcher
from vod.hls.plan import SOFTWARE
from vod.storage import Storage


class Stop(StrEnum):
    """Why a body was cancelled."""

    LOST = "lost"  # somebody else has the job now: write nothing
    CANCELLED = "cancelled"  # a person asked for it
    DRAINED = "drained"  # this worker is stopping
    UNWANTED = "unwanted"  # the viewer whom it was made for has gone


class Lease:
    """The right to do one job, for as long as the heartbeat says so."""

    def __init__(self, job: JobSnapshot, beat: Callable[[], None]) -> None:
        """`beat` has the heartbeat look at once."""
        self.job = job
        self.progress = 0.0
        self.has_achieved = False
        self.stopped: Stop | None = None
        self._beat = beat
        self._body: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        return self.stopped is None

    def report(self, progress: float) -> None:
        """0..1 of this job; shown to people with the next heartbeat."""
        self.progress = min(max(progress, 0.0), 1.0)

    def achieved(self) -> None:
        """Something that stays was made, a segment published: this attempt does not count as a failure.

        Recorded at once, so that a worker killed right after it is forgiven too.
        """
        if not self.has_achieved:
            self.has_achieved = True
            self._beat()

    def guard(self, body: asyncio.Task[None]) -> None:
        self._body = body

    def stop(self, reason: Stop) -> None:
        """Cancel the body; the first reason stays, except that a lost lease outranks all."""
        if self.stopped is None or reason is Stop.LOST:
            self.stopped = reason
        if self._body is not None:
            self._body.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    config: Config
    storage: Storage
    database: Database
    launcher: Launcher
    worker: str
    lease: Lease
    encoder: str = SOFTWARE  # a key of `vod.hls.encoders`: what new films are planned for
    tell: Callable[[], None] = lambda: None  # a segment is there: rings at whoever may wait for it


# A body returns when its job is done, and raises a HomereelError with a sentence for people when it cannot be.
Body = Callable[[JobSnapshot, Context], Awaitable[None]]
Tasks = Mapping[JobKind, Body]
