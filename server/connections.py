"""Nobody may use up everybody's connections (security.md 3.4): each costs a descriptor, and those are counted.

A connection that waits for a request is cheap to lose: its client opens another. One that is being answered may
be an upload. So of what an address holds the oldest waiting ones go, and busy ones only beyond all reason.
"""

from __future__ import annotations

import asyncio
import resource
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from server.hosts import household, is_within

WAITING_AN_ADDRESS = 20  # a browser keeps six
ALL_AN_ADDRESS = 1000
LOOK_SECONDS = 1.0
MOST_DESCRIPTORS = 1 << 16


def raise_descriptor_limit() -> None:
    """Most systems start a program with room for 1,024 although it may ask for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@asynccontextmanager
async def shared_fairly(runner: web.BaseRunner, proxies: Sequence[str]) -> AsyncIterator[None]:
    """For as long as the block runs. Behind a proxy of `proxies` is everybody, so it is not counted."""
    task = asyncio.create_task(_thin_out_often(runner, proxies), name="connections")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _thin_out_often(runner: web.BaseRunner, proxies: Sequence[str]) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if runner.server is not None:
            thin_out(runner.server.connections, proxies)


def thin_out(connections: Iterable[RequestHandler], proxies: Sequence[str]) -> None:
    """`connections` are in the order in which they came."""
    by_address: defaultdict[str, list[RequestHandler]] = defaultdict(list)
    for connection in connections:
        address = _address(connection)
        if address is not None and not is_within(address, proxies):
            by_address[household(address)].append(connection)
    for held in by_address.values():
        waiting = [connection for connection in held if not connection._request_in_progress]
        for connection in (*waiting[:-WAITING_AN_ADDRESS], *held[_most() :]):
            connection.force_close()


def _address(connection: RequestHandler) -> str | None:
    """None once it is closed."""
    if connection.transport is None or connection.transport.is_closing():
        return None
    peer = connection.transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else None


def _most() -> int:
    """No address gets more than a quarter of all there are."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ALL_AN_ADDRESS if soft == resource.RLIM_INFINITY else min(ALL_AN_ADDRESS, soft // 4)
