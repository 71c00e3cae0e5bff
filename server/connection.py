"""One client's connection: aiohttp's, with a copy of its socket for `os.sendfile`.

The loop refuses a writer on a transport's own descriptor, and the number of one that a leaving client has freed may
by then belong to another client. So bytes that pass by the transport go to a copy, which lives as long as the
connection: to make one for each segment costs a tenth of sending it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler


class Connection(RequestHandler):
    __slots__ = ("_copy",)

    def __init__(self, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._copy: socket.socket | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._copy is not None:
            self._copy.close()  # the client hears of the end when the last copy is closed

    def socket_copy(self) -> socket.socket | None:
        """None while bytes wait in the transport, over TLS, when the client has gone, and without descriptors left."""
        transport = self.transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size():
            return None
        if self._copy is None and transport.get_extra_info("sslcontext") is None:
            with suppress(OSError):
                self._copy = transport.get_extra_info("socket").dup()
        return self._copy
