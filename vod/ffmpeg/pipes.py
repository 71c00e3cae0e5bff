"""The parent's ends of a child's pipes: counted, bounded and never waiting for each other."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO

# The kernel's default ceiling for an unprivileged pipe: a media write then rarely has to wait for our loop.
PIPE_BYTES = 1 << 20


class Counter:
    """Bytes over all pipes of one child, and when the last sign of life came."""

    def __init__(self, limit_bytes: int, on_excess: Callable[[], None], clock: Callable[[], float]) -> None:
        self._limit_bytes = limit_bytes
        self._on_excess = on_excess
        self._clock = clock
        self.total_bytes = 0
        self.last_sign = clock()

    def add(self, count: int) -> None:
        self.total_bytes += count
        self.sign_of_life()
        if self.total_bytes > self._limit_bytes:
            self._on_excess()

    def sign_of_life(self) -> None:
        self.last_sign = self._clock()


class MediaPipe(asyncio.StreamReaderProtocol):
    """A pipe somebody reads; the child waits when he is slow."""

    def __init__(self, reader: asyncio.StreamReader, counter: Counter) -> None:
        super().__init__(reader)
        self._counter = counter

    def data_received(self, data: bytes) -> None:
        self._counter.add(len(data))
        super().data_received(data)


class CollectingPipe(asyncio.Protocol):
    """Keeps the last `keep_bytes`; `closed` is done when the child has let go of its end."""

    def __init__(self, keep_bytes: int, counter: Counter | None = None) -> None:
        self._keep_bytes = keep_bytes
        self._counter = counter
        self._kept = bytearray()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def content(self) -> bytes:
        return bytes(self._kept)

    def data_received(self, data: bytes) -> None:
        if self._counter is not None:
            self._counter.add(len(data))
        self._kept += data
        del self._kept[: -self._keep_bytes]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self.closed.done():
            self.closed.set_result(None)


@dataclass(frozen=True, slots=True)
class Pipe:
    reader: FileIO
    writer: FileIO

    @classmethod
    def make(cls) -> Pipe:
        """Neither end is inherited unless asked for."""
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
        with suppress(OSError):  # over the user's soft limit for pipe pages: the default size works too
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return cls(FileIO(read_end, "rb"), FileIO(write_end, "wb"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipes:
    stdout: Pipe
    stderr: Pipe
    media: tuple[Pipe, ...]
    progress: tuple[Pipe, ...]  # one, or none for ffprobe

    @classmethod
    def make(cls, *, outputs: int, progress: bool) -> Pipes:
        return cls(
            stdout=Pipe.make(),
            stderr=Pipe.make(),
            media=tuple(Pipe.make() for _ in range(outputs)),
            progress=(Pipe.make(),) if progress else (),
        )

    @property
    def inherited(self) -> tuple[int, ...]:
        """In the order in which the child sees them as 3, 4, …"""
        return tuple(pipe.writer.fileno() for pipe in (*self.media, *self.progress))

    def close_writers(self) -> None:
        for pipe in self._all:
            pipe.writer.close()

    def close_readers(self) -> None:
        for pipe in self._all:
            pipe.reader.close()

    @property
    def _all(self) -> tuple[Pipe, ...]:
        return (self.stdout, self.stderr, *self.media, *self.progress)
