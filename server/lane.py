"""The fast lane: a kept segment is answered where its request arrives, without aiohttp's parser, tasks and objects.

A `LaneConnection` answers by itself only a whole plain GET that arrives while nothing else is going on; every other
byte goes where it always goes. It leans on private fields of aiohttp, whose version is
pinned; `tests/server/test_lane.py` holds it against the application, byte for byte.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Any

from aiohttp import web

from server.connection import Connection
from server.descriptors import Representation
from server.pieces import pieces
from server.raw_response import whole_head
from server.request_heads import Framing, PlainFields
from server.sendfile import SMALL_BYTES
from server.shortcut import HLS_FOLDER, Shortcut
from server.transfers import Transfer

HELD_BYTES = 64 << 10  # of further requests, until a client that sends them has read its answer

START = b"GET " + HLS_FOLDER.encode()
LINE_END = b" HTTP/1.1\r\n"


class Lane:
    """What all connections share."""

    def __init__(self, shortcut: Shortcut) -> None:
        self.tally = shortcut.tally
        self._shortcut = shortcut
        self._plain_fields = PlainFields(shortcut.is_host)

    def find(self, data: bytes) -> Representation | None:
        """The segment that these bytes, as one whole request, ask for and may have."""
        line, _, fields = data.partition(LINE_END)
        if not line.startswith(START) or fields not in self._plain_fields:
            return None
        return self._shortcut.find(str(line[len(START) :], "latin-1"))


class LaneConnection(Connection):
    __slots__ = ("_framing", "_held", "_lane", "_lane_open", "_transfer")

    def __init__(self, manager: web.Server, lane: Lane, **options: Any) -> None:
        super().__init__(manager, **options)
        self._lane = lane
        self._lane_open = False
        self._framing = Framing()
        self._transfer: Transfer | None = None
        self._held = b""  # what came while it ran

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # At DEBUG each segment has its line in the log; the application writes it.
        is_logged = self._logging_enabled and self.access_log.isEnabledFor(logging.DEBUG)
        self._lane_open = transport.get_extra_info("sslcontext") is None and not is_logged

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._transfer is not None:
            self._transfer.stop()
            self._leave_lane()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._transfer is not None:
            self._hold(data)
            return
        if data.startswith(START) and self._is_idle() and self.transport is not None:
            started = time.monotonic()
            file = self._lane.find(data)
            if file is not None and self._answer(file, self.transport):
                self._lane.tally.add(200, time.monotonic() - started)
                return
        self._framing.feed(data)
        super().data_received(data)

    def _is_idle(self) -> bool:
        waiter, transport = self._waiter, self.transport
        return (
            self._lane_open
            and self._framing.is_at_rest
            and waiter is not None
            and not waiter.done()
            and not self._messages
            and not self._close
            and not self._force_close
            and not self._upgraded
            and transport is not None
            and not transport.is_closing()
            and not transport.get_write_buffer_size()
        )

    def _answer(self, file: Representation, transport: asyncio.Transport) -> bool:
        """False, and nothing has happened, where there is no socket to send to."""
        body = file.read_resident(0, file.size) if file.size <= SMALL_BYTES else None
        destination = self.socket_copy() if body is None else None
        if body is None and destination is None:
            return False
        self._request_count += 1
        if self._manager is not None:
            self._manager.requests_count += 1
        head = whole_head(file.whole_lines)
        if body is not None:
            transport.write(head + body)
            self._stay()
        elif destination is not None:
            self._send(Transfer(self._loop, transport, destination, head, pieces(file, 0, file.size)))
        return True

    def _send(self, transfer: Transfer) -> None:
        transfer.begin()
        if transfer.over:
            self._ended(transfer)
            return
        self._transfer = transfer
        self._request_in_progress = True  # for who stops the server, and for who counts connections
        transfer.when_over = partial(self._over, transfer)

    def _over(self, transfer: Transfer) -> None:
        self._leave_lane()
        self._ended(transfer)
        held, self._held = self._held, b""
        if self.transport is None or self.transport.is_closing():
            return
        if self._close:  # the server stops, and has waited for this
            self.transport.close()
            return
        self._resume_transport_reading()
        if held:
            self.data_received(held)

    def _ended(self, transfer: Transfer) -> None:
        if transfer.error is None:
            self._stay()
        elif self.transport is not None:
            # The length is promised: only a cut connection tells the client that this is not all.
            self.transport.abort()

    def _leave_lane(self) -> None:
        self._transfer = None
        self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)

    def _stay(self) -> None:
        """Wait for the next request as long as after any other answer."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)

    def _process_keepalive(self) -> None:
        """While the lane sends, aiohttp sees a connection that waits for a request."""
        if self._transfer is None:
            super()._process_keepalive()
        else:
            self._keepalive_handle = self._loop.call_later(self._keepalive_timeout, self._process_keepalive)

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > HELD_BYTES:
            self._pause_transport_reading()
