"""What start opens and the same function closes, in order (aiohttp's cleanup contexts)."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from server import streams, transport, uploads
from server.changes import CHANGES
from server.holes import HOLES, Holes
from server.keys import BELL, CONFIG, CONFIG_PATH, DATABASE, STORAGE, TOKENS
from server.repeating import repeating
from server.shortcut import HEARD
from server.supervisor import Supervisor
from vod.catalog import accounts, throttle
from vod.catalog.migrations import migrate
from vod.queue import SERVER_BELL, Doorbell
from vod.tokens import TokenKeys, key_subject, user_subject

SUBJECTS_SECONDS = 20  # a revoked subject is out within 60 s, whatever process revoked it (design.md section 7)
HOUSEKEEPING_SECONDS = 3600

Context = Callable[[web.Application], AsyncIterator[None]]


async def storage(app: web.Application) -> AsyncIterator[None]:
    await asyncio.to_thread(app[STORAGE].prepare)
    yield


async def database(app: web.Application) -> AsyncIterator[None]:
    opened = app[DATABASE]
    await asyncio.to_thread(opened.open)
    await asyncio.to_thread(migrate, opened)
    yield
    await asyncio.to_thread(opened.close)


async def doorbell(app: web.Application) -> AsyncIterator[None]:
    """Workers ring at the server, too, when they have made something."""
    bell = Doorbell(app[STORAGE].doorbells, f"{SERVER_BELL}{os.getpid()}-{secrets.token_hex(4)}")
    bell.open()
    app[HOLES] = Holes(app[DATABASE], app[BELL], bell.listener())
    app[HEARD] = app[HOLES].has_players
    app[CHANGES].hear(bell.listener())
    yield
    bell.close()


async def token_keys(app: web.Application) -> AsyncIterator[None]:
    app[TOKENS] = await asyncio.to_thread(TokenKeys.load, app[STORAGE].secret("token-keys"))
    await _refresh_tokens(app)
    async with repeating(_refresh_tokens, app, SUBJECTS_SECONDS):
        yield


async def housekeeping(app: web.Application) -> AsyncIterator[None]:
    async with repeating(_forget_old, app, HOUSEKEEPING_SECONDS):
        yield


async def embedded_workers(app: web.Application) -> AsyncIterator[None]:
    section = app[CONFIG].worker
    supervisor = Supervisor(section.embedded, config_path=app.get(CONFIG_PATH), drain_seconds=section.drain_seconds)
    supervisor.start()
    yield
    await supervisor.stop()


CONTEXTS: tuple[Context, ...] = (
    storage,
    database,
    doorbell,
    token_keys,
    streams.context,
    transport.context,
    uploads.context,
    housekeeping,
    embedded_workers,
)


async def _refresh_tokens(app: web.Application) -> None:
    tokens = app[TOKENS]
    tokens.subjects.reading()
    users = await app[DATABASE].read(accounts.users)
    keys = await app[DATABASE].read(accounts.keys)
    tokens.subjects.replace([*(user_subject(user.id) for user in users), *(key_subject(key.id) for key in keys)])
    await asyncio.to_thread(tokens.refresh)


async def _forget_old(app: web.Application) -> None:
    now = time.time()
    await app[DATABASE].run(throttle.forget_old, now)
    await app[DATABASE].run(accounts.delete_old_sessions, now)
