"""Server-sent events: `/events` for the whole library, `/media-files/{id}/events` for one film."""

from __future__ import annotations

import time
from contextlib import suppress
from uuid import UUID

from aiohttp import web

from server.access import identify, require_user
from server.changes import CHANGES, Change, Listener
from server.contract import operation
from server.keys import DATABASE
from server.path_ids import media_id_in_path
from vod.catalog import changes, media_files
from vod.catalog.media_files import Entry

HEARTBEAT_SECONDS = 15.0  # below the idle limits of common proxies, and how soon a dead browser is noticed
RECONNECT_MILLISECONDS = 2000

EVENT_STREAM = "text/event-stream"
HEADERS = {
    "Content-Type": EVENT_STREAM,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back until its buffer is full
}


@operation("Changes of all films, as server-sent events.", media_type=EVENT_STREAM)
async def library_events(request: web.Request) -> web.StreamResponse:
    await require_user(request)
    return await _stream(request, None)


@operation("Changes of one film, as server-sent events.", media_type=EVENT_STREAM)
async def media_file_events(request: web.Request) -> web.StreamResponse:
    await require_user(request)
    return await _stream(request, media_id_in_path(request))


async def _stream(request: web.Request, media_id: UUID | None) -> web.StreamResponse:
    """The present first, then what changes; listening begins before the look, so that nothing falls between."""
    response = web.StreamResponse(headers=HEADERS)
    with request.app[CHANGES].listen(media_id) as listener:
        entries = await request.app[DATABASE].read(_entries, media_id)
        with suppress(ConnectionError):  # how a browser says goodbye
            await response.prepare(request)
            await response.write(f"retry: {RECONNECT_MILLISECONDS}\n\n".encode())
            for entry in entries:
                await _write(response, await request.app[CHANGES].present(entry))
            await _pass_on(request, response, listener)
    return response


async def _pass_on(request: web.Request, response: web.StreamResponse, listener: Listener) -> None:
    asked_at = time.monotonic()
    while not listener.closed:
        change = await listener.next_change(HEARTBEAT_SECONDS)
        # Also while there is much to tell: a film that is being encoded never leaves the stream quiet.
        if change is None or time.monotonic() - asked_at >= HEARTBEAT_SECONDS:
            if await identify(request) is None:
                return  # signed out meanwhile
            asked_at = time.monotonic()
        if change is None:
            await response.write(b": still here\n\n")
        else:
            await _write(response, change)


def _entries(media_id: UUID | None) -> list[Entry]:
    return changes.unfinished() if media_id is None else [media_files.get(media_id)]


async def _write(response: web.StreamResponse, change: Change) -> None:
    await response.write(f"event: {change.event}\ndata: {change.data}\n\n".encode())


# A HEAD would wait for the end of what has none.
routes = (
    web.get("/events", library_events, name="events", allow_head=False),
    web.get("/media-files/{id}/events", media_file_events, name="media-file-events", allow_head=False),
)
