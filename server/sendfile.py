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

WINDOW_BYTES = 2 << 20  # sent at one go; the other connections wait that long, about 0.4 ms
SMALL_BYTES = 32 << 10  # cheaper copied behind its header: one call and one packet less
COPY_BYTES = 256 << 10  # where there is no raw socket (TLS)
PATIENCE_SECONDS = 60.0  # for a reader that takes nothing; a paused player comes back with a Range


class FileResponse(RawResponse):
    """The selected bytes of an open file."""

    def __init__(self, file: OpenFile, request: web.Request) -> None:
        headers = request.headers
        if "Range" not in headers and "If-None-Match" not in headers:
            selection, lines = Selection(HTTPStatus.OK, 0, file.size), file.whole_lines
        else:
            selection = select(request.method, headers, file.etag, file.size)
            lines = file.lines + _length_lines(selection, file.size)
        super().__init__(selection.status, lines)
        self._file = file
        self._offset = selection.offset
        self._count = 0 if request.method == "HEAD" else selection.length

    async def _transmit(self, request: web.BaseRequest, transport: Transport) -> None:
        head = self._head(request)
        if self._count <= SMALL_BYTES:
            body = self._file.read_resident(self._offset, self._count)
            if body is not None:
                transport.write(head + body)
                self._body_length = self._count
                return
        try:
            await self._send(request, transport, head)
        except (OSError, asyncio.CancelledError) as error:  # TimeoutError, too
            # The length is promised: only a cut connection tells the client that this is not all.
            transport.abort()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise ConnectionResetError(f"cut after {self._body_length} of {self._count} bytes") from error

    async def _send(self, request: web.BaseRequest, transport: Transport, head: bytes) -> None:
        if not _has_raw_socket(transport):
            transport.write(head)
            await self._copy(request.writer)
            return
        transport.write(head)
        if transport.get_write_buffer_size():  # the client has not read what it asked for before
            await self._copy(request.writer)
            return
        transfer = Transfer(self._file, transport, self._offset, self._count)
        try:
            await transfer.run()
        finally:
            self._body_length = transfer.sent

    async def _copy(self, writer: AbstractStreamWriter) -> None:
        while left := self._count - self._body_length:
            offset = self._offset + self._body_length
            data = await asyncio.to_thread(os.pread, self._file.descriptor, min(left, COPY_BYTES), offset)
            if not data:
                raise OSError("The file is shorter than it was.")
            async with asyncio.timeout(PATIENCE_SECONDS):
                await writer.write(data)
            self._body_length += len(data)


class Transfer:
    """One stretch of a file on its way into one socket, a window each time the socket has room."""

    def __init__(self, file: OpenFile, transport: Transport, offset: int, count: int) -> None:
        self.sent = 0
        self._file = file
        self._transport = transport
        self._offset = offset
        self._count = count
        self._cached = offset  # up to here the page cache is known to hold the file
        self._reading = False
        self._seen = 0  # `sent` when the reader was last looked at
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[None] = self._loop.create_future()
        self._destination = os.dup(transport.get_extra_info("socket").fileno())

    async def run(self) -> None:
        """Raises OSError for a client that left, TimeoutError for one that takes nothing."""
        try:
            self._step()
            if not self._end.done():
                await self._rest()
            self._end.result()
        finally:
            self._end.cancel()
            os.close(self._destination)

    async def _rest(self) -> None:
        if not self._reading:
            self._loop.add_writer(self._destination, self._step)
        self._watch = self._loop.call_later(PATIENCE_SECONDS, self._look)
        try:
            await self._end
        finally:
            self._watch.cancel()
            self._loop.remove_writer(self._destination)

    def _step(self) -> None:
        if self._end.done():
            return
        try:
            self._send_window()
        except BlockingIOError:
            return  # the loop calls again when there is room
        except OSError as error:
            self._end.set_exception(error)
        if self.sent == self._count:
            self._end.set_result(None)

    def _send_window(self) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError("The client has gone.")
        offset = self._offset + self.sent
        if offset == self._cached:
            self._cached = min(offset + WINDOW_BYTES, self._offset + self._count)
            if not self._file.is_resident(offset, self._cached - offset):
                self._fetch(offset, self._cached - offset)
                return
        sent = os.sendfile(self._destination, self._file.descriptor, offset, self._cached - offset)
        if sent == 0:
            raise OSError("The file is shorter than it was.")
        self.sent += sent

    def _fetch(self, offset: int, count: int) -> None:
        """Not from here: a disk that has to spin up would hold up everybody."""
        self._loop.remove_writer(self._destination)
        self._reading = True
        reading = self._loop.run_in_executor(None, self._file.read_ahead, offset, count)
        reading.add_done_callback(self._continue)

    def _continue(self, reading: asyncio.Future[None]) -> None:
        self._reading = False
        if self._end.done() or reading.cancelled():
            return
        if (error := reading.exception()) is not None:
            self._end.set_exception(error)
        else:
            self._loop.add_writer(self._destination, self._step)

    def _look(self) -> None:
        if self._end.done():
            return
        if self.sent == self._seen:
            self._end.set_exception(TimeoutError("The client takes nothing."))
            return
        self._seen = self.sent
        self._watch = self._loop.call_later(PATIENCE_SECONDS, self._look)


def _length_lines(selection: Selection, size: int) -> bytes:
    if selection.status is HTTPStatus.OK:
        return b"Content-Length: %d\r\n" % size
    first, last = selection.offset, selection.offset + selection.length - 1
    if selection.status is HTTPStatus.PARTIAL_CONTENT:
        return f"Content-Length: {selection.length}\r\nContent-Range: bytes {first}-{last}/{size}\r\n".encode()
    if selection.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return f"Content-Length: 0\r\nContent-Range: bytes */{size}\r\n".encode()
    return b""


def _has_raw_socket(transport: Transport) -> bool:
    """False for TLS, and while bytes wait in the transport: ours would overtake them."""
    if transport.get_extra_info("sslcontext") is not None or transport.get_write_buffer_size():
        return False
    connection = transport.get_extra_info("socket")
    return connection is not None and connection.fileno() >= 0
