"""Missing segments: raising them, and waiting until a worker has made them.

request ── Holes.fill ──> vod.catalog.demands.want, a ring ──> a worker makes the segment and rings back
              └── waits: the disk is asked at every ring and a few times a second <───────┘

A segment of the film is a file; whether it is there only the disk tells, wherever it was made. All who wait for a
place share one demand; it is renewed while somebody waits or plays on nearby, and let go with the last one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from vod.catalog import demands
from vod.catalog.database import OUTAGE, Database
from vod.catalog.demands import Demand
from vod.errors import JobCancelled, NotFound, SegmentNotReady
from vod.queue import Bell, heard

# Players that retry are told to come back before their own patience ends (hls.js 10 s, ExoPlayer 8 s) …
PATIENCE_SECONDS = 8.0
# … the others stop for good at any error and wait as long as it takes (measured: VLC 25 s and more).
LONG_PATIENCE_SECONDS = 60.0
PATIENT_PLAYERS = ("vlc", "lavf", "libmpv", "mpv", "gstreamer", "souphttpsrc")
RETRY_SECONDS = 1

LOOK_SECONDS = 0.2  # a worker on another host rings no bell here
RENEW_SECONDS = 2.0
AHEAD_SEGMENTS = 5  # about half a minute: what a player keeps in its buffer

log = logging.getLogger(__name__)


Seat = tuple[str, str]  # a viewer's token and a rendition


@dataclass(slots=True, eq=False)
class Hole:
    """One missing file and those who wait for it."""

    path: Path
    demand: Demand
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    shared: Demand | None = None  # the open demand that covers this place


class Holes:
    def __init__(self, database: Database, bell: Bell, ring: asyncio.Event) -> None:
        """`ring` is set whenever a worker of this host has made something."""
        self._database = database
        self._bell = bell
        self._ring = ring
        self._holes: dict[Path, Hole] = {}
        self._played: dict[Demand, float] = {}  # demands somebody plays in, and when they were last renewed
        self._renewed_at = time.monotonic()
        self._renewals: set[asyncio.Task[None]] = set()
        self._seats: dict[Seat, Demand] = {}  # where each viewer waited last
        self._closed = False

    def has_players(self) -> bool:
        """Whether anybody plays where segments are being made for him: then every request has to be heard of."""
        return bool(self._played)

    def close(self) -> None:
        """Whoever waits is told to come back."""
        self._closed = True

    async def fill(self, path: Path, demand: Demand, request: web.Request) -> None:
        """Until `path` is there. Raises SegmentNotReady after as long as this player waits, or when it cannot come."""
        hole = self._holes.setdefault(path, Hole(path, demand))
        hole.waiting += 1
        try:
            await self._raise(hole)
            await self._leave_former_seat(hole, (request.path.split("/", 5)[4], demand.lane))
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_seconds(request.headers.get("User-Agent", ""))):
                    await self._filled_or_left(hole, request)
        finally:
            hole.waiting -= 1
            await self._leave(hole, viewer_is_there=_is_there(request))
        if not hole.filled.is_set():
            raise SegmentNotReady("This part of the film is not made yet.", RETRY_SECONDS)

    def played(self, demand: Demand) -> None:
        """Somebody takes this segment, which is there: whoever makes the next ones for him goes on."""
        now = time.monotonic()
        for open_demand, renewed_at in self._played.items():
            if _covers(open_demand, demand) and now - renewed_at > RENEW_SECONDS:
                self._played[open_demand] = now
                renewal = asyncio.create_task(self._play_on(open_demand), name="renew a demand")
                self._renewals.add(renewal)
                renewal.add_done_callback(self._renewals.discard)
                return

    async def watch(self) -> None:
        """For as long as the server lives."""
        while True:
            await heard(self._ring, LOOK_SECONDS if self._holes else RENEW_SECONDS)
            try:
                self._forget_left()
                if self._holes:
                    await self._look()
            except Exception:
                log.exception("a look at missing segments failed")

    async def _raise(self, hole: Hole) -> None:
        """Raises SegmentNotReady where nobody will make it."""
        try:
            hole.shared = await self._database.run(demands.want, hole.demand)
        except OUTAGE:
            log.warning("the database is away; the segment is waited for all the same")
            return
        except (JobCancelled, NotFound):
            hole.shared = None
        if hole.shared is None:
            raise SegmentNotReady("This part of the film was not made, and nothing is at it.", RETRY_SECONDS)
        self._played[hole.shared] = time.monotonic()
        self._ring.set()  # looks at once, and often from now on
        self._bell.ring()

    async def _filled_or_left(self, hole: Hole, request: web.Request) -> None:
        while not (hole.filled.is_set() or self._closed) and _is_there(request):
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await hole.filled.wait()

    async def _leave(self, hole: Hole, *, viewer_is_there: bool) -> None:
        """Who was told to come back is still waited for; who has gone is not."""
        if hole.waiting:
            return
        self._holes.pop(hole.path, None)
        if hole.filled.is_set() or viewer_is_there:
            return
        if hole.shared is not None and not self._is_awaited(hole.shared):
            await self._let_go(hole.shared)

    async def _leave_former_seat(self, hole: Hole, seat: Seat) -> None:
        """A viewer who waits at another place of a rendition has sought on: nobody makes the former one for him."""
        former = self._seats.get(seat)
        if hole.shared is None or former == hole.shared:
            return
        self._seats[seat] = hole.shared
        if former is not None and former not in self._seats.values() and not self._is_awaited(former):
            await self._let_go(former)

    async def _let_go(self, demand: Demand) -> None:
        self._played.pop(demand, None)
        with suppress(*OUTAGE):
            await self._database.run(demands.let_go, demand)
        self._bell.ring()

    def _is_awaited(self, demand: Demand) -> bool:
        return any(hole.shared == demand for hole in self._holes.values())

    async def _look(self) -> None:
        present = await asyncio.to_thread(_present, list(self._holes))
        for path in present:
            if path in self._holes:
                self._holes[path].filled.set()
        if time.monotonic() - self._renewed_at > RENEW_SECONDS:
            self._renewed_at = time.monotonic()
            for demand in {hole.demand for hole in self._holes.values() if not hole.filled.is_set()}:
                await self._want_still(demand)

    async def _play_on(self, demand: Demand) -> None:
        with suppress(*OUTAGE):
            await self._database.run(demands.renew, demand)

    async def _want_still(self, demand: Demand) -> None:
        with suppress(*OUTAGE, JobCancelled, NotFound):
            await self._database.run(demands.want, demand)

    def _forget_left(self) -> None:
        """Demands that nobody has played in for as long as they live."""
        oldest = time.monotonic() - demands.WANTED_SECONDS
        for demand in [demand for demand, renewed_at in self._played.items() if renewed_at < oldest]:
            del self._played[demand]
        for seat in [seat for seat, demand in self._seats.items() if demand not in self._played]:
            del self._seats[seat]


HOLES = web.AppKey("holes", Holes)


async def close(app: web.Application) -> None:
    """For the application's shutdown, which does not wait for those who wait."""
    app[HOLES].close()


@asynccontextmanager
async def watching(holes: Holes) -> AsyncIterator[None]:
    task = asyncio.create_task(holes.watch(), name="holes")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def patience_seconds(user_agent: str) -> float:
    agent = user_agent.lower()
    return LONG_PATIENCE_SECONDS if any(player in agent for player in PATIENT_PLAYERS) else PATIENCE_SECONDS


def _is_there(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def _present(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.exists()]


def _covers(demand: Demand, place: Demand) -> bool:
    same = (demand.media_id, demand.lane) == (place.media_id, place.lane)
    return same and demand.first <= place.first <= demand.last
