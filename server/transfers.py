"""Pieces on their way into one socket, one after the other each time the socket has room."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from server.pieces import WINDOW_BYTES, Piece

if TYPE_CHECKING:
    from asyncio import Transport

TURN_SECONDS = 0.002  # then the other connections have theirs: a film of one-byte frames is a million short reads
PATIENCE_SECONDS = 60.0  # for a reader that takes nothing; a paused player comes back with a Range


class Transfer:
    """`begin` sends what fits; unless `over` by then, it goes on by itself and calls `when_over` at its end."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: Transport,
        destination: socket.socket,
        head: bytes,
        pieces: Iterator[Piece],
    ) -> None:
        """`destination` is the connection's copy of the transport's socket."""
        self.sent = 0  # without the head
        self.over = False
        self.error: BaseException | None = None  # what cut it short; TimeoutError for a client that takes nothing
        self.when_over: Callable[[], None] | None = None
        self._transport = transport
        self._destination = destination
        self._descriptor = destination.fileno()
        self._head = head
        self._pieces = pieces
        self._piece: Piece | None = None
        self._listening = False  # for room in the socket
        self._watch: asyncio.TimerHandle | None = None
        self._loop = loop

    def begin(self) -> None:
        self._step()
        if not self.over:
            self._watch = self._loop.call_later(PATIENCE_SECONDS, self._look, self.sent)

    def stop(self) -> None:
        """Nobody waits for the end any more."""
        self.when_over = None
        self._end(None)

    def _step(self) -> None:
        if self.over:
            return
        try:
            self._send()
        except BlockingIOError:
            self._listen(True)
        except OSError as error:
            self._end(error)

    def _send(self) -> None:
        """As far as the socket and the disk let it, and no longer than is fair to the other connections."""
        if self._transport.is_closing():
            raise ConnectionResetError("The client has gone.")
        if self._head:
            self._send_head()
        until, deadline = self.sent + WINDOW_BYTES, self._loop.time() + TURN_SECONDS
        while self.sent < until and self._loop.time() < deadline:
            piece = self._piece or next(self._pieces, None)
            if piece is None:
                self._end(None)
                return
            if piece is not self._piece and not piece.is_ready():
                self._fetch(piece)
                return
            self._piece = piece
            self.sent += piece.send(self._descriptor)
            if piece.left:
                break  # the socket is full
            self._piece = None
        self._listen(True)

    def _send_head(self) -> None:
        # MORE: it leaves in one packet with what follows.
        sent = self._destination.send(self._head, socket.MSG_MORE)
        self._head = self._head[sent:]
        if self._head:
            raise BlockingIOError

    def _fetch(self, piece: Piece) -> None:
        """Not from here: a disk that has to spin up would hold up everybody."""
        self._listen(False)
        self._piece = piece
        reading = self._loop.run_in_executor(None, piece.fetch)
        reading.add_done_callback(self._fetched)

    def _fetched(self, reading: asyncio.Future[None]) -> None:
        if (error := reading.exception()) is not None:
            self._end(error)
        else:
            self._step()

    def _listen(self, wanted: bool) -> None:
        if wanted is self._listening:
            return
        self._listening = wanted
        if wanted:
            self._loop.add_writer(self._descriptor, self._step)
        else:
            self._loop.remove_writer(self._descriptor)

    def _look(self, seen: int) -> None:
        if self.sent == seen:
            self._end(TimeoutError("The client takes nothing."))
        else:
            self._watch = self._loop.call_later(PATIENCE_SECONDS, self._look, self.sent)

    def _end(self, error: BaseException | None) -> None:
        if self.over:
            return
        self.over, self.error = True, error
        self._listen(False)
        if self._watch is not None:
            self._watch.cancel()
        when_over, self.when_over = self.when_over, None
        if when_over is not None:
            when_over()
