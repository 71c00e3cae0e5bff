"""How the application is run: aiohttp's runner, with the short ways in front."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from server.lane import Connection, Lane
from server.shortcut import Shortcut
from server.streams import DESCRIPTORS


class Runner(web.AppRunner):
    """`options` are those of aiohttp's; an application without stream routes gets nothing in front."""

    def __init__(self, app: web.Application, *, fast_lane: bool = False, **options: Any) -> None:
        super().__init__(app, **options)
        self._fast_lane = fast_lane

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        if DESCRIPTORS not in self.app:
            return server
        shortcut = Shortcut(self.app, server.request_handler)
        return Server(server, shortcut, Lane(shortcut) if self._fast_lane else None)


class Server(web.Server):
    """In place of `made`, which aiohttp offers no other way to change."""

    def __init__(self, made: web.Server, shortcut: Shortcut, lane: Lane | None) -> None:
        super().__init__(
            shortcut.answer,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )
        self._lane = lane

    def __call__(self) -> RequestHandler:
        if self._lane is None:
            return super().__call__()
        return Connection(self, self._lane, loop=self._loop, **self._kwargs)
