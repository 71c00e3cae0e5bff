"""How the application is run: aiohttp's runner, with the short ways in front."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from server.shortcut import Shortcut
from server.streams import DESCRIPTORS


class Runner(web.AppRunner):
    """`options` are those of aiohttp's; an application without stream routes gets nothing in front."""

    def __init__(self, app: web.Application, **options: Any) -> None:
        super().__init__(app, **options)

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return Server(server, Shortcut(self.app, server.request_handler)) if DESCRIPTORS in self.app else server


class Server(web.Server):
    """In place of `made`, which aiohttp offers no other way to change."""

    def __init__(self, made: web.Server, shortcut: Shortcut) -> None:
        super().__init__(
            shortcut.answer,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )
