"""Who may call what: every route against everybody. The table must name every route, so that none is forgotten.

The answers are those to a call with a wrong id or an empty body: whoever is let in gets 2xx, 3xx, or an error
about the request itself, never 401 or 403.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

import pytest
from aiohttp import web

from server import pages
from server.access import CSRF_HEADER
from server.contract import Access, operation_of
from server.keys import DATABASE
from server.routes import ROUTES
from tests.server.conftest import House, Person
from vod.catalog import accounts

NOBODYS = UUID(int=1)
REFUSED = {401, 403}


class Call(NamedTuple):
    method: str
    path: str


PUBLIC = {
    Call("GET", "/health"),
    Call("GET", "/openapi.json"),
    Call("GET", "/login"),
    Call("POST", "/login"),
    Call("GET", "/setup"),
    Call("POST", "/setup"),
    Call("GET", "/static/{path:.+}"),
}

SIGNED = {
    Call("GET", "/stream/hls/{id}/{token}/{name:.+}"),
    Call("OPTIONS", "/stream/hls/{id}/{token}/{name:.+}"),
    Call("GET", "/stream/hls/{id}/{token}/transport.m3u8"),
    Call("GET", "/stream/hls/{id}/{token}/{digest}/ts/{names}.m3u8"),
    Call("GET", "/stream/hls/{id}/{token}/{digest}/ts/{names}/{number}.ts"),
    Call("GET", "/stream/hls/{id}/{token}/{digest}/ts/{names}/{number}.vtt"),
    Call("GET", "/stream/original/{id}/{token}/{name}"),
    Call("OPTIONS", "/stream/original/{id}/{token}/{name}"),
    Call("GET", "/play/{id}/{token}.m3u"),
}

USER = {
    Call("GET", "/"),
    Call("GET", "/movies/{id}"),
    Call("GET", "/series/{id}"),
    Call("GET", "/watch/{id}"),
    Call("GET", "/upload"),
    Call("GET", "/jobs"),
    Call("GET", "/admin/keys"),
    Call("GET", "/artwork/{id}/poster.jpg"),
    Call("POST", "/logout"),
    Call("POST", "/media/upload"),
    Call("GET", "/media-files"),
    Call("GET", "/media-files/{id}"),
    Call("PATCH", "/media-files/{id}"),
    Call("DELETE", "/media-files/{id}"),
    Call("POST", "/media-files/{id}/retry"),
    Call("POST", "/media-files/{id}/cancel"),
    Call("GET", "/media-files/{id}/events"),
    Call("GET", "/media-files/{id}/subtitles"),
    Call("POST", "/media-files/{id}/subtitles"),
    Call("DELETE", "/media-files/{id}/subtitles/{sidecar}"),
    Call("GET", "/events"),
    Call("GET", "/stream/hls/{id}/master.m3u8"),
    Call("GET", "/api/watch/{id}"),
    Call("PUT", "/api/watch/{id}"),
    Call("GET", "/api/jobs"),
    Call("DELETE", "/api/sessions"),
    Call("PATCH", "/api/series/{id}"),
    Call("GET", "/api/keys"),
    Call("POST", "/api/keys"),
    Call("DELETE", "/api/keys/{id}"),
    Call("PATCH", "/api/users/{id}"),
    Call("GET", "/metrics"),
}

ADMIN = {
    Call("GET", "/admin/users"),
    Call("GET", "/api/users"),
    Call("POST", "/api/users"),
    Call("DELETE", "/api/users/{id}"),
}

# They end the session that the calls after them need; test_sessions has them.
SIGN_OUT = {Call("POST", "/logout"), Call("DELETE", "/api/sessions")}
EVERY_CALL = sorted(PUBLIC | SIGNED | USER | ADMIN)


def _routes() -> list[web.RouteDef]:
    return [route for route in ROUTES if isinstance(route, web.RouteDef)]


def _call(route: web.RouteDef) -> Call:
    """As the table writes it: the shape of an id is each route's own matter."""
    path = re.sub(r"{(id|number|digest|names):(?:[^{}]|{[^{}]*})*}", r"{\1}", route.path)
    return Call(route.method, path)


def _path(call: Call) -> str:
    numbered = call.path.startswith(("/movies", "/series", "/api/series", "/api/users"))
    text = call.path.replace("{id}", "7" if numbered else str(NOBODYS))
    text = text.replace("{sidecar}", str(NOBODYS))
    text = text.replace("{token}", "abcd.1.u1.h.AAAAAAAAAAAAAAAAAAAAAA").replace("{name}", "a.mp4")
    text = text.replace("{digest}", "0" * 16).replace("{names}", "720p").replace("{number}", "00000")
    return text.replace("{name:.+}", "master.m3u8").replace("{path:.+}", "css/base.css")


async def _status(person: Person, call: Call) -> int:
    json: dict[str, str] | None = (
        {} if call.path.startswith(("/api/", "/media-files")) and call.method != "GET" else None
    )
    async with await person.ask(call.method, _path(call), json=json) as answer:
        location = answer.headers.get("Location", "")
        return 401 if location.startswith("/login?") else answer.status


def test_the_table_names_every_route_and_no_other() -> None:
    assert {_call(route) for route in _routes()} == set(EVERY_CALL)


def test_every_route_has_a_name_of_its_own() -> None:
    names = [route.kwargs.get("name") for route in _routes()]
    assert None not in names and len(names) == len(set(names))


def test_every_route_but_a_page_says_what_it_promises() -> None:
    described = [route for route in _routes() if route.method != "OPTIONS" and route not in pages.routes]
    assert [route.path for route in described if operation_of(route.handler) is None] == []


@pytest.mark.parametrize("route", _routes(), ids=lambda route: f"{route.method} {route.path}")
def test_what_a_route_says_of_its_access_is_what_the_table_says(route: web.RouteDef) -> None:
    described = operation_of(route.handler)
    tables = {Access.PUBLIC: PUBLIC, Access.SIGNED: SIGNED, Access.USER: USER, Access.ADMIN: ADMIN}
    assert described is None or _call(route) in tables[described.access]


async def test_nobody_gets_in_but_where_all_may(house: House, admin: Person) -> None:
    let_in = await _let_in(await house.visitor(), EVERY_CALL)
    assert let_in == PUBLIC | {call for call in SIGNED if call.method == "OPTIONS"}


async def test_a_user_gets_in_where_no_administrator_is_asked_for(user: Person) -> None:
    assert await _let_in(user, (USER | ADMIN) - SIGN_OUT) == USER - SIGN_OUT


async def test_an_administrator_gets_in_everywhere(admin: Person) -> None:
    assert await _let_in(admin, (USER | ADMIN) - SIGN_OUT) == (USER | ADMIN) - SIGN_OUT


async def test_a_key_opens_what_its_user_may(house: House, user: Person) -> None:
    assert await _let_in(await house.program("Uwe"), USER | ADMIN) == USER


async def test_an_administrators_own_key_opens_everything(house: House, admin: Person) -> None:
    assert await _let_in(await house.program("Ada", admin=True), USER | ADMIN) == USER | ADMIN


async def test_a_revoked_key_opens_nothing(house: House, user: Person) -> None:
    program = await house.program("Uwe")
    (key,) = await house.app[DATABASE].run(accounts.keys)
    await house.app[DATABASE].run(accounts.revoke_key, key.id, 0.0)
    assert await _let_in(program, USER | ADMIN) == set()


async def test_no_change_without_the_token_of_the_form(admin: Person) -> None:
    del admin.headers[CSRF_HEADER]
    changes = {call for call in USER | ADMIN if call.method != "GET"}
    assert await _let_in(admin, changes) == set()


async def _let_in(person: Person, calls: Collection[Call]) -> set[Call]:
    return {call for call in sorted(calls) if await _status(person, call) not in REFUSED}
