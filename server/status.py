"""`/health` and `/metrics`: whether this server can do its work, and in numbers how much of it there is."""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from server.access import require_user
from server.contract import Access, Shown, operation, shown
from server.keys import CONFIG, DATABASE, STORAGE
from server.metrics import METRICS, Metrics
from vod import queue
from vod.catalog import jobs, leases, media_files
from vod.catalog.database import OUTAGE
from vod.catalog.models import MediaStatus
from vod.storage import Storage

log = logging.getLogger(__name__)

State = Literal["ok", "failing"]


class Parts(Shown):
    database: State
    disk: State
    workers: State


class Health(Shown):
    """`failing`: nothing works. `degraded`: films play, but new ones cannot be taken in or made."""

    status: Literal["ok", "degraded", "failing"]
    parts: Parts


@operation("Whether the server can do its work, part by part.", access=Access.PUBLIC, answer=Health)
async def health(request: web.Request) -> web.Response:
    app = request.app
    parts = Parts(
        database=_state(await _database_answers(app)),
        disk=_state(await asyncio.to_thread(_takes_films, app[STORAGE], app[CONFIG].media.reserve_bytes)),
        workers=_state(await _workers(app) > 0),
    )
    if parts.database == "failing":
        return shown(Health(status="failing", parts=parts), status=503)
    whole = parts.disk == parts.workers == "ok"
    return shown(Health(status="ok" if whole else "degraded", parts=parts))


@operation("Numbers for Prometheus.", media_type="text/plain")
async def metrics(request: web.Request) -> web.Response:
    await require_user(request)
    await _measure(request.app, request.app[METRICS])
    text = await asyncio.to_thread(generate_latest, request.app[METRICS].registry)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _measure(app: web.Application, metrics: Metrics) -> None:
    """What is counted elsewhere; what happens here, the metrics know already."""
    films = await app[DATABASE].read(media_files.counts)
    for status in MediaStatus:
        metrics.media_files.labels(status).set(films.get(status, 0))
    metrics.jobs.clear()
    for (kind, state), count in (await app[DATABASE].read(jobs.counts)).items():
        metrics.jobs.labels(kind, state).set(count)
    metrics.disk_free_bytes.set(await asyncio.to_thread(app[STORAGE].free_bytes))
    metrics.workers.set(await _workers(app))


def _takes_films(storage: Storage, reserve_bytes: int) -> bool:
    return storage.is_writable() and storage.free_bytes() > reserve_bytes


async def _database_answers(app: web.Application) -> bool:
    try:
        await app[DATABASE].read(media_files.counts)
    except OUTAGE:
        log.warning("the database does not answer")
        return False
    return True


async def _workers(app: web.Application) -> int:
    """Those of this host answer at their doors; those of other hosts are seen while they hold a job."""
    seen = await asyncio.to_thread(_workers_here, app[STORAGE])
    try:
        held = await app[DATABASE].read(leases.all_held)
    except OUTAGE:
        return len(seen)
    return len(seen | {lease.worker for lease in held})


def _workers_here(storage: Storage) -> set[str]:
    bells = storage.doorbells.glob(f"*{queue.SUFFIX}")
    return {path.stem for path in bells if not path.name.startswith(queue.SERVER_BELL) and queue.answers(path)}


def _state(works: bool) -> State:
    return "ok" if works else "failing"


routes = (
    web.get("/health", health, name="health"),
    web.get("/metrics", metrics, name="metrics"),
)
