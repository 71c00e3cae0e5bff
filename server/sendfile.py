"""A representation as a response: its bytes go from the page cache to the socket without passing through Python."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from server import transfers
from server.byte_ranges import Selection, select
from server.connection import Connection
from server.descriptors import Representation
from server.pieces import copied_pieces, pieces
from server.raw_response import RawResponse
from server.transfers import Transfer

if TYPE_CHECKING:
    import socket
    from asyncio import Transport

    from aiohttp.abc import AbstractStreamWriter

SMALL_BYTES = 32 << 10  # cheaper copied behind its header: one call and one packet less


class FileResponse(RawResponse):
    """The selected bytes of an open or a virtual file."""

    def __init__(self, file: Representation, request: web.BaseRequest) -> None:
        headers = request.headers
        if hdrs.RANGE not in headers and hdrs.IF_NONE_MATCH not in headers:
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
        try:
            if (body := self._at_hand()) is not None:
                transport.write(head + body)
                self._body_length = self._count
                if transport.get_write_buffer_size():
                    await _drain(request.writer)
            elif isinstance(request.protocol, Connection) and (copy := request.protocol.socket_copy()) is not None:
                await self._send(transport, copy, head)
            else:
                transport.write(head)
                await self._copy(transport, request.writer)
        except (OSError, asyncio.CancelledError) as error:  # TimeoutError, too
            # The length is promised: only a cut connection tells the client that this is not all.
            transport.abort()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise ConnectionResetError(f"cut after {self._body_length} of {self._count} bytes") from error

    def _at_hand(self) -> bytes | bytearray | None:
        if self._count == 0:
            return b""
        return self._file.read_resident(self._offset, self._count) if self._count <= SMALL_BYTES else None

    async def _send(self, transport: Transport, destination: socket.socket, head: bytes) -> None:
        body = pieces(self._file, self._offset, self._count)
        transfer = Transfer(asyncio.get_running_loop(), transport, destination, head, body)
        try:
            transfer.begin()
            if not transfer.over:
                await _end_of(transfer)
        finally:
            transfer.stop()
            self._body_length = transfer.sent
        if transfer.error is not None:
            raise OSError("cut short") from transfer.error

    async def _copy(self, transport: Transport, writer: AbstractStreamWriter) -> None:
        for piece in copied_pieces(self._file, self._offset, self._count):
            if not piece.is_ready():
                await asyncio.to_thread(piece.fetch)
            data = piece.read()
            transport.write(data)
            await _drain(writer)
            self._body_length += len(data)


async def _end_of(transfer: Transfer) -> None:
    over = asyncio.Event()
    transfer.when_over = over.set
    await over.wait()


async def _drain(writer: AbstractStreamWriter) -> None:
    async with asyncio.timeout(transfers.PATIENCE_SECONDS):
        await writer.drain()


def _length_lines(selection: Selection, size: int) -> bytes:
    if selection.status is HTTPStatus.OK:
        return b"Content-Length: %d\r\n" % size
    first, last = selection.offset, selection.offset + selection.length - 1
    if selection.status is HTTPStatus.PARTIAL_CONTENT:
        return f"Content-Length: {selection.length}\r\nContent-Range: bytes {first}-{last}/{size}\r\n".encode()
    if selection.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return f"Content-Length: 0\r\nContent-Range: bytes */{size}\r\n".encode()
    return b""
