"""A thing done every few seconds for as long as a block runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web

log = logging.getLogger(__name__)


@asynccontextmanager
async def repeating(
    work: Callable[[web.Application], Awaitable[None]], app: web.Application, seconds: float
) -> AsyncIterator[None]:
    """First after `seconds`. A failure is logged and the next turn tries again: a database that is away comes back."""
    task = asyncio.create_task(_repeat(work, app, seconds), name=work.__name__)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _repeat(work: Callable[[web.Application], Awaitable[None]], app: web.Application, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work(app)
        except Exception:
            log.exception("%s failed", work.__name__)
