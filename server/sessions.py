"""Signing in and out, and the first set-up: what the pages' forms call.

A page's handler reads its form with `bodies.read_form`, calls `sign_in` or `set_up`, and lets the returned
`NewSession` attach itself to its answer. Both raise HomereelError with a sentence to show.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from server import setup_code
from server.access import check_origin, require_user, session_cookie
from server.contract import operation
from server.hosts import client_address
from server.keys import CONFIG, DATABASE, PASSWORDS, STORAGE
from vod.catalog import accounts, throttle
from vod.errors import Forbidden, Unauthenticated

# A path on this server and nothing else: `//evil` and `/\evil` are other hosts to a browser.
LOCAL_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*\Z")

SETUP_ACCOUNT = "\x00set-up"  # for counting guesses; no user can have this name


@dataclass(frozen=True, slots=True)
class NewSession:
    session_id: str
    cookie: str
    secure: bool

    def attach(self, response: web.StreamResponse) -> None:
        response.set_cookie(
            self.cookie,
            self.session_id,
            max_age=accounts.SESSION_LIFE_SECONDS,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="Lax",
        )


async def needs_set_up(request: web.Request) -> bool:
    return not await request.app[DATABASE].read(accounts.is_set_up)


async def sign_in(request: web.Request, name: str, password: str) -> NewSession:
    """Raises Unauthenticated (wrong name or password, not saying which), Throttled, Forbidden (another site)."""
    check_origin(request, required=False)
    database, passwords = request.app[DATABASE], request.app[PASSWORDS]
    address = client_address(request)
    await database.run(throttle.count_attempt, name, address, time.time())
    known = await database.read(accounts.password_hash, name)
    user_id, stored = known or (0, None)
    if not await passwords.matches(stored, password) or stored is None:
        raise Unauthenticated("The name or the password is wrong.")
    await database.run(throttle.forgive, name, address)
    if passwords.outdated(stored):
        await database.run(accounts.renew_hash, user_id, await passwords.hash(password))
    return await start(request, user_id)


async def set_up(request: web.Request, code: str, name: str, password: str) -> NewSession:
    """Make the first administrator and sign him in.

    Raises Forbidden (wrong code, another site), Conflict (already set up), Invalid (name or password), Throttled.
    """
    check_origin(request, required=False)
    database, storage = request.app[DATABASE], request.app[STORAGE]
    address = client_address(request)
    await database.run(throttle.count_attempt, SETUP_ACCOUNT, address, time.time())
    if not await asyncio.to_thread(setup_code.is_right, storage, code):
        raise Forbidden("The set-up code is wrong. `homereel setup-code` shows it.")
    password_hash = await request.app[PASSWORDS].hash(password)
    account = await database.run(accounts.add_first_admin, name, password_hash)
    await database.run(throttle.forgive, SETUP_ACCOUNT, address)
    await asyncio.to_thread(setup_code.discard, storage)
    return await start(request, account.id)


async def sign_out(request: web.Request, response: web.StreamResponse, *, everywhere: bool = False) -> None:
    """End this session, or all of this user's; an API key has none to end."""
    identity = await require_user(request)
    database = request.app[DATABASE]
    if everywhere:
        await database.run(accounts.end_sessions, identity.user_id)
    elif session_id := request.cookies.get(session_cookie(request)):
        await database.run(accounts.end_session, session_id)
    response.del_cookie(session_cookie(request), path="/", secure=_secure(request), httponly=True, samesite="Lax")


@operation("Sign out everywhere: ends every session of the caller.", status=HTTPStatus.NO_CONTENT)
async def sign_out_everywhere(request: web.Request) -> web.Response:
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    await sign_out(request, response, everywhere=True)
    return response


def local_path(target: str) -> str:
    """Where to go after signing in: `target` if it is a path of ours, else the front page."""
    return target if LOCAL_PATH.match(target) else "/"


async def start(request: web.Request, user_id: int) -> NewSession:
    """A session never outlives a sign-in: one that somebody planted in this browser before is dead now."""
    database, cookie = request.app[DATABASE], session_cookie(request)
    if old := request.cookies.get(cookie):
        await database.run(accounts.end_session, old)
    session_id = await database.run(accounts.start_session, user_id, time.time())
    return NewSession(session_id, cookie, _secure(request))


def _secure(request: web.Request) -> bool:
    return request.app[CONFIG].server.public_url.startswith("https://")


routes = (web.delete("/api/sessions", sign_out_everywhere, name="sessions-end"),)
