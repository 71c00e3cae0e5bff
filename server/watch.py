"""`/api/watch/{id}`: the remembered position of whoever asks."""

from __future__ import annotations

import time
from typing import Annotated

from aiohttp import web
from pydantic import Field

from server import bodies
from server.access import require_user
from server.contract import Given, Shown, operation, shown
from server.keys import DATABASE
from server.path_ids import media_id_in_path
from vod.catalog import watching

LONGEST_SECONDS = 1_000_000  # eleven days: whatever is more is not a position in a film


class PositionChange(Given):
    position: Annotated[float, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False)]


class PositionView(Shown):
    position: float
    updated_at: float


@operation("Where the caller stopped watching, in seconds.", answer=PositionView)
async def show(request: web.Request) -> web.Response:
    identity = await require_user(request)
    found = await request.app[DATABASE].read(watching.position, identity.user_id, media_id_in_path(request))
    return shown(PositionView(position=found.seconds, updated_at=found.updated_at))


@operation("Remember where the caller is.", body=PositionChange, status=204)
async def remember(request: web.Request) -> web.Response:
    identity = await require_user(request)
    media_id = media_id_in_path(request)
    body = await bodies.read_json(request, PositionChange)
    await request.app[DATABASE].run(watching.remember, identity.user_id, media_id, body.position, time.time())
    return web.Response(status=204)


routes = (
    web.get("/api/watch/{id}", show, name="position"),
    web.put("/api/watch/{id}", remember, name="position-remember"),
)
