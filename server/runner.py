"""How the application is run: aiohttp's runner, with the short ways in front."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from server.connection import Connection
from server.lane import Lane, LaneConnection
from server.shortcut import Shortcut
from server.streams import DESCRIPTORS


class Runner(web.AppRunner):
    """`options` are those of aiohttp's; an application without stream routes has nothing in front."""

    def __init__(self, app: web.Application, *, fast_lane: bool = False, **options: Any) -> None:
        super().__init__(app, **options)
        self._fast_lane = fast_lane

    async def _make_server(self) -> web.Server:
        server = Server(await super()._make_server())
        if DESCRIPTORS in self.app:
            shortcut = Shortcut(self.app, server.request_handler)
            server.request_handler = shortcut.answer
            server.lane = Lane(shortcut) if self._fast_lane else None
        return server


class Server(web.Server):
    """In place of `made`: aiohttp offers no other way to choose the kind of connections."""

    def __init__(self, made: web.Server) -> None:
        super().__init__(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )
        self.lane: Lane | None = None

    def __call__(self) -> Connection:
        if self.lane is None:
            return Connection(self, loop=self._loop, **self._kwargs)
        return LaneConnection(self, self.lane, loop=self._loop, **self._kwargs)
