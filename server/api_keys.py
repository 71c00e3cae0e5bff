"""`/api/keys`: keys that let programs act as a user. A key is shown once, when it is made."""

from __future__ import annotations

import time
from typing import Annotated

from aiohttp import web
from pydantic import Field

from server import bodies
from server.access import require_user
from server.contract import Given, Shown, operation, shown
from server.keys import DATABASE, TOKENS
from server.path_ids import number_in_path
from vod.catalog import accounts
from vod.errors import Forbidden
from vod.tokens import key_subject


class NewKey(Given):
    name: Annotated[str, Field(max_length=64)]
    is_admin: bool = False


class KeyView(Shown):
    id: int
    name: str
    user: str
    is_admin: bool
    created_at: float


class FreshKey(KeyView):
    key: str


class KeyList(Shown):
    items: list[KeyView]
    next: str | None = None


@operation("The caller's keys; an administrator sees everybody's.", answer=KeyList)
async def list_keys(request: web.Request) -> web.Response:
    identity = await require_user(request)
    whose = None if identity.is_admin else identity.user_id
    found = await request.app[DATABASE].read(accounts.keys, whose)
    return shown(KeyList(items=[_view(record) for record in found]))


@operation("Make a key for the caller. Its rights are at most the caller's.", body=NewKey, answer=FreshKey, status=201)
async def add_key(request: web.Request) -> web.Response:
    identity = await require_user(request)
    body = await bodies.read_json(request, NewKey)
    if body.is_admin and not identity.is_admin:
        raise Forbidden("A key cannot have more rights than whoever makes it.")
    record, key = await request.app[DATABASE].run(accounts.add_key, identity.user_id, body.name, is_admin=body.is_admin)
    return shown(FreshKey(**_view(record).model_dump(), key=key), status=201)


@operation("Revoke a key; it and the stream links made with it stop working at once.", status=204)
async def revoke_key(request: web.Request) -> web.Response:
    identity = await require_user(request)
    whose = None if identity.is_admin else identity.user_id
    key_id = number_in_path(request)
    await request.app[DATABASE].run(accounts.revoke_key, key_id, time.time(), user_id=whose)
    request.app[TOKENS].subjects.revoke(key_subject(key_id))
    return web.Response(status=204)


def _view(record: accounts.KeyRecord) -> KeyView:
    return KeyView(
        id=record.id,
        name=record.name,
        user=record.user_name,
        is_admin=record.is_admin,
        created_at=record.created_at,
    )


routes = (
    web.get("/api/keys", list_keys, name="keys"),
    web.post("/api/keys", add_key, name="key-add"),
    web.delete("/api/keys/{id}", revoke_key, name="key-revoke"),
)
