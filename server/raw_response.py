"""Responses whose header block is ready-made bytes (performance.md section 1, technique 1).

`web.StreamResponse` builds and serialises a header map for every request: most of what a small file costs.
These hand their bytes to the transport themselves. Routing, keep-alive, access log and graceful shutdown
stay aiohttp's: `prepare` is called where it always is, after every middleware, and what they read of a
response (status, body length, keep-alive) is kept true. Headers that a middleware adds are not sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http_writer import HttpVersion11

if TYPE_CHECKING:
    from asyncio import Transport

    from aiohttp.abc import AbstractStreamWriter

CROSS_ORIGIN_FIELDS = {
    # The token is the credential; a Chromecast receiver and a page elsewhere must read what it opens.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
SAFE_FIELDS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def header_lines(fields: Mapping[str, str]) -> bytes:
    """Raises ValueError for a field that would end its line."""
    text = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    if text.count("\r") != len(fields) or text.count("\n") != len(fields):
        raise ValueError("a header field holds a line break")
    return text.encode("latin-1")


class RawResponse(web.StreamResponse):
    """`lines` are header lines without status, date and connection; `body` follows unless the request is HEAD."""

    def __init__(self, status: int, lines: bytes, body: bytes = b"") -> None:
        super().__init__(status=status)
        self._lines = lines
        self._bytes = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        if self._eof_sent:
            return None
        self._eof_sent = True
        self._keep_alive = request.keep_alive
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("The client has gone.")
        await self._transmit(request, transport)
        return None

    async def _transmit(self, request: web.BaseRequest, transport: Transport) -> None:
        body = b"" if request.method == "HEAD" else self._bytes
        transport.write(self._head(request) + body)
        self._body_length = len(body)
        await request.writer.drain()

    def _head(self, request: web.BaseRequest) -> bytes:
        persistent = request.keep_alive
        if persistent == (request.version >= HttpVersion11):
            connection = b"\r\n"  # what this version does unasked
        else:
            connection = b"Connection: keep-alive\r\n\r\n" if persistent else b"Connection: close\r\n\r\n"
        return b"".join((_STATUS_LINES[self._status], _date_line(), self._lines, connection))


def whole_head(lines: bytes) -> bytes:
    """Of a 200 on a connection that stays."""
    return b"".join((_STATUS_LINES[200], _date_line(), lines, b"\r\n"))


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_date = (0, b"")


def _date_line() -> bytes:
    global _date  # noqa: PLW0603  # one formatted line a second, shared by every response
    now = int(time.time())
    if _date[0] != now:
        _date = (now, f"Date: {formatdate(now, usegmt=True)}\r\n".encode())
    return _date[1]
