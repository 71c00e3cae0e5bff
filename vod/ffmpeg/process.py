"""The one place that starts processes: ffmpeg and ffprobe, each in a cage, bounded and killed with us.

A child gets no shell, no environment, no network, no file but those named, and no way to write except its pipes. It
leads a process group of its own; TERM, then KILL, goes to the whole group. It is started from the event loop's thread,
for the parent-death signal follows the thread that started it.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path

from vod.config import FfmpegSection
from vod.errors import ProcessFailed, SandboxUnavailable
from vod.ffmpeg import cage, selftest
from vod.ffmpeg.command import GIB, PROBE_LIMITS, Command, Finished, Hardware, Limits, Program
from vod.ffmpeg.pipes import Pipes
from vod.ffmpeg.progress import OnProgress
from vod.ffmpeg.running import Running

__all__ = ["GIB", "PROBE_LIMITS", "Capabilities", "Command", "Finished", "Hardware", "Launcher", "Limits", "Running"]

log = getLogger(__name__)

# Twice a second: a viewer's bar moves, and the stall clock never waits long for news.
PROGRESS_SECONDS = "0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    ffmpeg_version: str
    ffprobe_version: str
    walls: cage.Walls


class Launcher:
    def __init__(self, settings: FfmpegSection) -> None:
        self.settings = settings
        self._walls = cage.NO_WALLS
        self._programs: dict[Program, Path] = {}

    async def start(self) -> Capabilities:
        """Finds the programs and proves the walls.

        Raises ProcessFailed where a program is missing, SandboxUnavailable where required walls are.
        """
        self._programs = {"ffmpeg": _find(self.settings.ffmpeg), "ffprobe": _find(self.settings.ffprobe)}
        await self._raise_walls()
        capabilities = Capabilities(
            ffmpeg_version=await self._version("ffmpeg"),
            ffprobe_version=await self._version("ffprobe"),
            walls=self._walls,
        )
        log.info("ffmpeg %s, ffprobe %s", capabilities.ffmpeg_version, capabilities.ffprobe_version)
        return capabilities

    async def run(self, command: Command) -> Finished:
        """For commands whose result is text on stdout, at most 8 MiB."""
        async with self.stream(command) as running:
            return await running.finish()

    @asynccontextmanager
    async def stream(self, command: Command, on_progress: OnProgress | None = None) -> AsyncIterator[Running]:
        pipes = Pipes.make(outputs=command.outputs, progress=command.program == "ffmpeg")
        running = self._spawn(command, pipes)
        try:
            await running.connect(pipes, on_progress)
            yield running
        finally:
            await running.end()

    async def _raise_walls(self) -> None:
        if self.settings.sandbox == "off":
            log.warning("sandbox: off; originals are read with all rights of this user")
            return
        self._walls = cage.available_walls()
        try:
            if self.settings.sandbox == "required" and not self._walls.complete:
                raise SandboxUnavailable(f"this system offers {self._walls}; [ffmpeg] sandbox requires both")
            verdict = await selftest.prove(self.run, self._walls)
        except SandboxUnavailable as error:
            if self.settings.sandbox == "required":
                raise
            self._walls = cage.NO_WALLS
            log.warning("sandbox: off; %s", error.detail)
        else:
            log.info("sandbox: %s; %s", self._walls, verdict)

    async def _version(self, program: Program) -> str:
        finished = await self.run(Command(program=program, arguments=("-version",)))
        return finished.stdout.split()[2].decode("ascii", "replace")  # "ffmpeg version 5.1.9-0+deb12u1 Copyright …"

    def _spawn(self, command: Command, pipes: Pipes) -> Running:
        argv = cage.caged(
            [str(self._programs[command.program]), *_own_arguments(command), *command.arguments],
            reads=command.reads,
            pipes=pipes.inherited,
            walls=self._walls,
            nice=0 if command.urgent or command.program == "ffprobe" else self.settings.nice,
            address_space_bytes=command.limits.address_space_bytes,
            cpu_seconds=command.limits.cpu_seconds,
            hardware=command.hardware,
        )
        log.debug("starting %s", shlex.join(argv))
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,  # one byte "q" would end a transcode early, with status 0
                stdout=pipes.stdout.writer,
                stderr=pipes.stderr.writer,
                pass_fds=pipes.inherited,
                env={},  # FFREPORT alone would write files
                start_new_session=True,
            )
        except OSError as error:
            pipes.close_readers()
            raise ProcessFailed(f"{command.program} could not be started: {error.strerror}") from None
        finally:
            pipes.close_writers()
        return Running(process, command)


def _own_arguments(command: Command) -> list[str]:
    if command.program == "ffprobe":
        return ["-v", "error", "-hide_banner"]
    progress = f"pipe:{3 + command.outputs}"
    return ["-nostdin", "-hide_banner", "-v", "warning", "-progress", progress, "-stats_period", PROGRESS_SECONDS]


def _find(program: str) -> Path:
    found = shutil.which(program)
    if found is None:
        raise ProcessFailed(f"{Path(program).name} was not found; install it or name it in the [ffmpeg] section")
    return Path(found).resolve()
