"""A file's bytes from the page cache to the socket without passing through Python.

`os.sendfile` goes to a duplicate of the connection's descriptor: the loop refuses a writer on a transport's
own, and the number of one that a leaving client has freed may by then belong to another client.
"""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from server.byte_ranges import Selection, select
from server.descriptors import OpenFile
from server.raw_response import RawResponse

if TYPE_CHECKING:
    from asyncio import Transport

    from aiohttp.abc import AbstractStreamWriter

WINDOW_BYTES = 1 << 20  # sent at one go; the other connections wait that long, about 0.2 ms
COPY_BYTES = 256 << 10  # where there is no raw socket (TLS)
PATIENCE_SECONDS = 60.0  # for a reader that takes nothing; a paused player comes back with a Range


class FileResponse(RawResponse):
    """The selected bytes of an open file."""

    def __init__(self, file: OpenFile, request: web.Request) -> None:
        selection = select(request.method, request.headers, file.etag, file.size)
        super().__init__(selection.status, file.lines + _length_lines(selection, file.size))
        self._file = file
        self._offset = selection.offset
        self._count = 0 if request.method == "HEAD" else selection.length

    async def _transmit(self, request: web.BaseRequest, transport: Transport) -> None:
        transport.write(self._head(request))
        if self._count == 0:
            return
        try:
            if _has_raw_socket(transport):
                await self._send(transport)
            else:
                await self._copy(request.writer)
        except (OSError, asyncio.CancelledError) as error:  # TimeoutError too
            # The length is promised: only a cut connection tells the client that this is not all.
            transport.abort()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise ConnectionResetError(f"cut after {self._body_length} of {self._count} bytes") from error

    async def _send(self, transport: Transport) -> None:
        loop = asyncio.get_running_loop()
        destination = os.dup(transport.get_extra_info("socket").fileno())
        try:
            while left := self._count - self._body_length:
                await self._send_window(loop, transport, destination, min(left, WINDOW_BYTES))
        finally:
            os.close(destination)

    async def _send_window(
        self, loop: asyncio.AbstractEventLoop, transport: Transport, destination: int, count: int
    ) -> None:
        offset = self._offset + self._body_length
        if not self._file.is_resident(offset, count):
            await loop.run_in_executor(None, self._file.read_ahead, offset, count)
        if transport.is_closing():
            raise ConnectionResetError("The client has gone.")
        try:
            sent = os.sendfile(destination, self._file.descriptor, offset, count)
        except BlockingIOError:
            await _writable(loop, destination)
            return
        if sent == 0:
            raise OSError("The file is shorter than it was.")
        self._body_length += sent
        if sent == WINDOW_BYTES:
            await asyncio.sleep(0)  # a client as fast as this must not starve the others

    async def _copy(self, writer: AbstractStreamWriter) -> None:
        while left := self._count - self._body_length:
            offset = self._offset + self._body_length
            data = await asyncio.to_thread(os.pread, self._file.descriptor, min(left, COPY_BYTES), offset)
            if not data:
                raise OSError("The file is shorter than it was.")
            async with asyncio.timeout(PATIENCE_SECONDS):
                await writer.write(data)
            self._body_length += len(data)


def _length_lines(selection: Selection, size: int) -> bytes:
    first, last = selection.offset, selection.offset + selection.length - 1
    match selection.status:
        case HTTPStatus.PARTIAL_CONTENT:
            return f"Content-Length: {selection.length}\r\nContent-Range: bytes {first}-{last}/{size}\r\n".encode()
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return f"Content-Length: 0\r\nContent-Range: bytes */{size}\r\n".encode()
        case HTTPStatus.NOT_MODIFIED:
            return b""
    return f"Content-Length: {selection.length}\r\n".encode()


def _has_raw_socket(transport: Transport) -> bool:
    """False for TLS, and while bytes wait in the transport: ours would overtake them."""
    if transport.get_extra_info("sslcontext") is not None or transport.get_write_buffer_size():
        return False
    socket = transport.get_extra_info("socket")
    return socket is not None and socket.fileno() >= 0


async def _writable(loop: asyncio.AbstractEventLoop, destination: int) -> None:
    """Raises TimeoutError."""
    ready = loop.create_future()
    loop.add_writer(destination, _wake, ready)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ready
    finally:
        loop.remove_writer(destination)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
