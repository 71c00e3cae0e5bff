"""One watcher a process, while anybody listens: it looks at rows and disk at every ring and tells what changed.

Changes.listen() ── first listener ──> _watch: vod.catalog.changes.since, then the disk of running films
     ^                                    │
     └──── Listener, a bounded queue <────┘  one that reads too slowly is closed; its browser comes back
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from aiohttp import web

from server import media_views
from server.contract import Shown
from server.media_views import MediaFileState
from vod.catalog import changes
from vod.catalog.database import OUTAGE, Database
from vod.catalog.media_files import Entry
from vod.hls.policy import Policy
from vod.queue import heard
from vod.storage import Storage

LOOK_SECONDS = 1.0
SHORTEST_PAUSE_SECONDS = 0.2  # rings come with every segment
BACKLOG = 256

EventName = Literal["status", "progress", "renditions", "deleted"]

log = logging.getLogger(__name__)


class Deleted(Shown):
    id: UUID


@dataclass(frozen=True, slots=True)
class Change:
    """`event` says what changed; `data` is JSON: the whole media file, or the id of a deleted one."""

    event: EventName
    media_id: UUID
    data: str


class Listener:
    def __init__(self, media_id: UUID | None) -> None:
        self.closed = False
        self._media_id = media_id
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue(BACKLOG)

    def hear(self, change: Change) -> None:
        if self._media_id not in (None, change.media_id):
            return
        try:
            self._queue.put_nowait(change)
        except asyncio.QueueFull:
            self.close()

    def close(self) -> None:
        self.closed = True
        with suppress(asyncio.QueueFull):  # then nobody waits at the other end
            self._queue.put_nowait(None)

    async def next_change(self, seconds: float) -> Change | None:
        """None where nothing happened for so long, and when closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._queue.get()
        return None


class Changes:
    def __init__(self, database: Database, storage: Storage, policy: Policy) -> None:
        self._database = database
        self._storage = storage
        self._policy = policy
        self._listeners: set[Listener] = set()
        self._watching: asyncio.Task[None] | None = None
        self._told: dict[UUID, MediaFileState] = {}
        self._running: frozenset[UUID] = frozenset()
        self._ring = asyncio.Event()

    def hear(self, ring: asyncio.Event) -> None:
        """Look at once when this is set."""
        self._ring = ring

    @contextmanager
    def listen(self, media_id: UUID | None = None) -> Iterator[Listener]:
        """To everything, or to one media file."""
        listener = Listener(media_id)
        self._listeners.add(listener)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="changes")
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._stop_watching()

    def tell_deleted(self, media_id: UUID) -> None:
        self._told.pop(media_id, None)
        self._tell(Change("deleted", media_id, Deleted(id=media_id).model_dump_json(by_alias=True)))

    async def close(self, _app: web.Application) -> None:
        """At shutdown: streams that never end by themselves would hold it up."""
        for listener in self._listeners:
            listener.close()

    async def present(self, entry: Entry) -> Change:
        """How one media file stands now."""
        return _change("status", await media_views.state(self._storage, self._policy, entry))

    def _stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._watching = None
        self._told.clear()
        self._running = frozenset()

    async def _watch(self) -> None:
        moment: float | None = None
        while True:
            try:
                if moment is None:
                    moment = await self._database.read(changes.newest)
                moment = await self._look(moment)
            except OUTAGE:
                log.warning("the database is away; what is missed now, a later look finds by its time")
            except Exception:
                log.exception("a look at the library failed")
            await heard(self._ring, LOOK_SECONDS)
            await asyncio.sleep(SHORTEST_PAUSE_SECONDS)

    async def _look(self, moment: float) -> float:
        look = await self._database.read(changes.since, moment, self._running)
        for entry in look.entries:
            state = await media_views.state(self._storage, self._policy, entry)
            for event in _differences(self._told.get(state.id), state):
                self._tell(_change(event, state))
            self._told[state.id] = state
        self._running = look.running
        return look.newest

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener.hear(change)


CHANGES = web.AppKey("changes", Changes)


def _differences(old: MediaFileState | None, new: MediaFileState) -> list[EventName]:
    if old is None:
        return ["status"]
    candidates: dict[EventName, bool] = {
        "status": _without_filling(old) != _without_filling(new),
        "progress": old.progress != new.progress,
        "renditions": _complete(old) != _complete(new),
    }
    return [event for event, differs in candidates.items() if differs]


def _without_filling(state: MediaFileState) -> dict[str, object]:
    return state.model_dump(exclude={"progress", "renditions", "updated_at"})


def _complete(state: MediaFileState) -> dict[str, tuple[bool, bool]]:
    return {rendition.name: (rendition.complete, rendition.available) for rendition in state.renditions}


def _change(event: EventName, state: MediaFileState) -> Change:
    return Change(event, state.id, state.model_dump_json(by_alias=True))
