"""A child at work: its pipes, its deadlines and its end. `vod.ffmpeg.process` starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from logging import getLogger

from vod.errors import OutputRefused, ProcessError, ProcessFailed, ProcessTimeout, SandboxUnavailable
from vod.ffmpeg import sandbox
from vod.ffmpeg.command import STDOUT_BYTES, Command, Finished
from vod.ffmpeg.pipes import CollectingPipe, Counter, MediaPipe, Pipe, Pipes
from vod.ffmpeg.progress import OnProgress, ProgressPipe

log = getLogger(__name__)

STDERR_TAIL_BYTES = 64 << 10
READER_BYTES = 1 << 20
# ffmpeg has nothing to tidy up, its results are pipes; one that is stuck in a demuxer ignores TERM altogether.
GRACE_SECONDS = 2.0


class Running:
    """A child at work. `outputs` must be read concurrently, then `finish()` says how it ended."""

    def __init__(self, process: subprocess.Popen[bytes], command: Command) -> None:
        self.outputs: tuple[asyncio.StreamReader, ...] = ()
        self._process = process
        self._command = command
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._ended = asyncio.Event()
        self._verdict: ProcessError | None = None  # why we stopped it
        self._cpu_seconds = 0.0
        self._status = 0
        self._transports: list[asyncio.BaseTransport] = []
        self._counter = Counter(command.limits.output_bytes, self._stop_excess, self._loop.time)
        self._stdout = CollectingPipe(STDOUT_BYTES, self._counter)
        self._stderr = CollectingPipe(STDERR_TAIL_BYTES)
        self._exit_descriptor = os.pidfd_open(process.pid)
        self._loop.add_reader(self._exit_descriptor, self._reap)
        self._timer: asyncio.Handle = self._loop.call_soon(self._watch)

    async def connect(self, pipes: Pipes, on_progress: OnProgress | None) -> None:
        self.outputs = tuple(asyncio.StreamReader(READER_BYTES) for _ in pipes.media)
        for reader, pipe in zip(self.outputs, pipes.media, strict=True):
            await self._connect(MediaPipe(reader, self._counter), pipe)
        for progress in pipes.progress:
            await self._connect(ProgressPipe(self._counter.sign_of_life, on_progress), progress)
        await self._connect(self._stdout, pipes.stdout)
        await self._connect(self._stderr, pipes.stderr)

    async def _connect(self, protocol: asyncio.BaseProtocol, pipe: Pipe) -> None:
        transport, _ = await self._loop.connect_read_pipe(lambda: protocol, pipe.reader)
        self._transports.append(transport)

    async def finish(self) -> Finished:
        """Waits for the end; raises ProcessFailed, ProcessTimeout, OutputRefused or SandboxUnavailable."""
        await self._ended.wait()
        await self._stdout.closed
        await self._stderr.closed
        tail = self._stderr.content.decode("utf-8", "replace")
        if self._verdict is not None:
            self._verdict.stderr_tail = tail
            raise self._verdict
        if self._status == sandbox.EXIT_STATUS and sandbox.LAST_WORDS in tail:
            raise SandboxUnavailable(tail.strip(), tail)
        if self._status != 0:
            raise ProcessFailed(f"{self._command.program} {_describe(self._status)}", tail)
        return Finished(self._stdout.content, tail, self._cpu_seconds)

    async def end(self) -> None:
        """Kills what is left of the group and reaps it."""
        for transport in self._transports:
            transport.close()
        try:
            if not self._ended.is_set():
                self._signal(signal.SIGTERM)
                async with asyncio.timeout(GRACE_SECONDS):
                    await self._ended.wait()
        except TimeoutError:
            log.info("%s ignored SIGTERM; killing it", self._command.program)
        finally:
            self._signal(signal.SIGKILL)
            self._timer.cancel()
        await self._ended.wait()

    def _watch(self) -> None:
        limits, now = self._command.limits, self._loop.time()
        wall = self._started + limits.wall_seconds
        stall = wall if limits.stall_seconds is None else self._counter.last_sign + limits.stall_seconds
        if now >= wall:
            self._stop(ProcessTimeout(f"{self._command.program} took longer than {limits.wall_seconds:g} s"))
        elif now >= stall:
            self._stop(ProcessTimeout(f"{self._command.program} made no progress for {limits.stall_seconds:g} s"))
        else:
            self._timer = self._loop.call_at(min(wall, stall), self._watch)

    def _stop_excess(self) -> None:
        self._stop(OutputRefused(f"{self._command.program} wrote more than {self._command.limits.output_bytes} bytes"))

    def _stop(self, verdict: ProcessError) -> None:
        if self._verdict is not None or self._ended.is_set():
            return
        self._verdict = verdict
        for reader in self.outputs:  # a reader must not take the cut for the end
            reader.set_exception(verdict)
        self._signal(signal.SIGTERM)
        self._timer = self._loop.call_later(GRACE_SECONDS, self._signal, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if not self._ended.is_set():  # else the number may be somebody else's by now
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _reap(self) -> None:
        """Called once the child is a zombie: its number is still its own, so the group can be emptied safely."""
        self._signal(signal.SIGKILL)
        _, status, usage = os.wait4(self._process.pid, 0)
        self._status = self._process.returncode = os.waitstatus_to_exitcode(status)
        self._cpu_seconds = usage.ru_utime + usage.ru_stime
        self._loop.remove_reader(self._exit_descriptor)
        os.close(self._exit_descriptor)
        self._timer.cancel()
        self._ended.set()


def _describe(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
