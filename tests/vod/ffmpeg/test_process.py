"""The launcher, with real children."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest

from tests.clips import clip
from vod.config import FfmpegSection
from vod.errors import OutputRefused, ProcessFailed, ProcessTimeout, SandboxUnavailable
from vod.ffmpeg import cage
from vod.ffmpeg.process import GIB, Command, Hardware, Launcher, Limits

ROOT = Path(__file__).parents[3]
ROOMY = Limits(address_space_bytes=4 * GIB, wall_seconds=60, output_bytes=GIB)
# Ten minutes at the speed of watching: a child that lives until it is stopped
ENDLESS = ("-re", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=600")

STREAM_FOR_EVER = """
import asyncio
from vod.config import FfmpegSection
from vod.ffmpeg.process import Command, Launcher
from tests.vod.ffmpeg.test_process import ENDLESS, ROOMY, children

async def main():
    launcher = Launcher(FfmpegSection())
    await launcher.start()
    command = Command(program="ffmpeg", arguments=(*ENDLESS, "-f", "nut", "pipe:3"), outputs=1, limits=ROOMY)
    async with launcher.stream(command) as running:
        await running.outputs[0].read(1)
        print(*children(), flush=True)
        await running.outputs[0].read()

asyncio.run(main())
"""
START_AS_NOBODY = """
import asyncio, ctypes, os, sys
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher

if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, as systemd's NoNewPrivileges does
# an interpreter in root's home is closed to this user
sys.executable = next(path for path in (sys.executable, "/usr/bin/python3") if os.access(path, os.X_OK))
print(asyncio.run(Launcher(FfmpegSection()).start()).walls.complete)
"""


def children() -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and _parent(entry) == os.getpid():
                yield int(entry.name)


def _parent(process: Path) -> int:
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])


def remux(*extra: str, limits: Limits = ROOMY, reads: tuple[Path, ...] | None = None) -> Command:
    film = clip("h264-25.mp4")
    return Command(
        program="ffmpeg",
        arguments=("-i", f"file:{film}", "-map", "0:v", "-c", "copy", "-f", "nut", *(extra or ("pipe:3",))),
        reads=(film,) if reads is None else reads,
        outputs=0 if extra else 1,
        limits=limits,
    )


def endless(**limits: float) -> Command:
    return Command(
        program="ffmpeg",
        arguments=(*ENDLESS, "-f", "nut", "pipe:3"),
        outputs=1,
        limits=Limits(address_space_bytes=4 * GIB, **{"wall_seconds": 60, "output_bytes": GIB} | limits),  # type: ignore[arg-type]
    )


async def test_the_self_test_proves_the_walls_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vod.ffmpeg.process")
    capabilities = await Launcher(FfmpegSection()).start()
    assert capabilities.walls.complete
    assert [line for line in caplog.messages if line.endswith("foreign file denied, socket denied")] == [
        f"sandbox: {capabilities.walls}; foreign file denied, socket denied"
    ]


def test_the_walls_stand_for_an_ordinary_user_without_new_privileges() -> None:
    finished = subprocess.run([sys.executable, "-c", START_AS_NOBODY], cwd=ROOT, capture_output=True, check=False)
    assert (finished.stdout, finished.stderr) == (b"True\n", b"")


async def test_required_walls_that_are_lacking_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cage, "available_walls", lambda: cage.Walls(landlock_abi=0, seccomp=True))
    with pytest.raises(SandboxUnavailable, match="no landlock, seccomp"):
        await Launcher(FfmpegSection()).start()


async def test_preferred_walls_are_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cage, "available_walls", lambda: cage.Walls(landlock_abi=0, seccomp=True))
    capabilities = await Launcher(FfmpegSection(sandbox="preferred")).start()
    assert str(capabilities.walls) == "no landlock, seccomp"


async def test_a_missing_program_is_named() -> None:
    with pytest.raises(ProcessFailed, match="ffmpeg-of-nobody was not found"):
        await Launcher(FfmpegSection(ffmpeg="ffmpeg-of-nobody")).start()


async def test_a_file_that_is_not_named_cannot_be_read(launcher: Launcher) -> None:
    async with launcher.stream(remux(reads=())) as running:
        await running.outputs[0].read()
        with pytest.raises(ProcessFailed) as failure:
            await running.finish()
    assert "Permission denied" in failure.value.stderr_tail


async def test_a_device_that_is_named_can_be_written(launcher: Launcher) -> None:
    """Nothing else of the same folder; /dev/full lets itself be opened and takes no byte."""
    full = dataclasses.replace(remux("-y", "/dev/full"), hardware=Hardware(devices=(Path("/dev/full"),)))
    with pytest.raises(ProcessFailed) as failure:
        await launcher.run(full)
    assert "No space left on device" in failure.value.stderr_tail
    with pytest.raises(ProcessFailed) as failure:
        await launcher.run(dataclasses.replace(full, hardware=Hardware(devices=(Path("/dev/null"),))))
    assert "Permission denied" in failure.value.stderr_tail


async def test_a_folder_that_a_driver_reads_can_be_read_and_not_written(launcher: Launcher, tmp_path: Path) -> None:
    reads = Hardware(reads=(tmp_path, tmp_path / "what-this-machine-lacks"))
    with pytest.raises(ProcessFailed) as failure:
        await launcher.run(dataclasses.replace(remux(str(tmp_path / "out.nut")), hardware=reads))
    assert "Permission denied" in failure.value.stderr_tail


async def test_no_file_can_be_written(launcher: Launcher, tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed) as failure:
        await launcher.run(remux(str(tmp_path / "out.nut")))
    assert "Permission denied" in failure.value.stderr_tail
    assert list(tmp_path.iterdir()) == []


async def test_each_output_arrives_in_its_own_pipe_and_progress_rises(launcher: Launcher) -> None:
    film = clip("h264-25.mp4")
    maps = ("-map", "0:v", "-c", "copy", "-f", "h264", "pipe:3", "-map", "0:a", "-c", "copy", "-f", "adts", "pipe:4")
    command = Command(program="ffmpeg", arguments=("-i", f"file:{film}", *maps), reads=(film,), outputs=2, limits=ROOMY)
    times: list[Fraction] = []
    async with launcher.stream(command, times.append) as running:
        video, audio = await asyncio.gather(*(output.read() for output in running.outputs))
        finished = await running.finish()
    assert video.startswith(b"\0\0\0\1")
    assert audio.startswith(b"\xff\xf1")
    assert times == sorted(times)
    assert Fraction(39, 10) < times[-1] < Fraction(41, 10)
    assert finished.cpu_seconds > 0


async def test_a_child_gets_no_environment_and_few_descriptors(launcher: Launcher) -> None:
    async with launcher.stream(endless()) as running:
        await running.outputs[0].read(1)
        (child,) = (Path(f"/proc/{pid}") for pid in children())
        assert (child / "environ").read_bytes() == b""
        # stdin, stdout, stderr, one output, progress
        assert {file.name for file in (child / "fd").iterdir()} == {"0", "1", "2", "3", "4"}
        limits = (child / "limits").read_text()
        assert "Max open files            256" in limits
        assert f"Max address space         {4 * GIB}" in limits
        assert os.getpgid(int(child.name)) == os.getsid(int(child.name)) == int(child.name)


async def test_a_child_over_its_wall_clock_is_stopped(launcher: Launcher) -> None:
    async with launcher.stream(endless(wall_seconds=0.5)) as running:
        with pytest.raises(ProcessTimeout, match=r"took longer than 0\.5 s"):
            await running.outputs[0].read()
        with pytest.raises(ProcessTimeout):
            await running.finish()
    assert list(children()) == []


async def test_a_child_that_makes_no_progress_is_stopped(launcher: Launcher) -> None:
    """One picture in a thousand seconds."""
    source = ("-re", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=1/1000:duration=9000")
    limits = Limits(address_space_bytes=4 * GIB, wall_seconds=60, stall_seconds=1)
    with pytest.raises(ProcessTimeout, match="no progress for 1 s"):
        await launcher.run(Command(program="ffmpeg", arguments=(*source, "-f", "null", "-"), limits=limits))
    assert list(children()) == []


async def test_a_child_that_writes_too_much_is_stopped(launcher: Launcher) -> None:
    async with launcher.stream(remux(limits=Limits(address_space_bytes=GIB, wall_seconds=60, output_bytes=9))) as run:
        with pytest.raises(OutputRefused, match="more than 9 bytes"):
            await run.outputs[0].read()


async def test_cancelling_leaves_no_child_behind(launcher: Launcher) -> None:
    started = asyncio.Event()

    async def encode() -> None:
        async with launcher.stream(endless()) as running:
            await running.outputs[0].read(1)
            started.set()
            await running.outputs[0].read()

    task = asyncio.create_task(encode())
    await started.wait()
    assert len(list(children())) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(children()) == []


async def test_a_child_deaf_to_term_is_killed(launcher: Launcher) -> None:
    """Stopped, it takes no signal but KILL."""
    async with launcher.stream(endless()) as running:
        await running.outputs[0].read(1)
        (pid,) = children()
        os.kill(pid, signal.SIGSTOP)
    assert list(children()) == []


async def test_a_killed_child_is_a_failure_that_says_so(launcher: Launcher) -> None:
    async with launcher.stream(endless()) as running:
        await running.outputs[0].read(1)
        (pid,) = children()
        os.kill(pid, signal.SIGKILL)
        await running.outputs[0].read()
        with pytest.raises(ProcessFailed, match="ffmpeg was killed by SIGKILL"):
            await running.finish()


def test_a_child_dies_with_a_killed_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", STREAM_FOR_EVER], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
        readable, _, _ = select.select([child], [], [], 10)
        os.close(child)
    assert readable == [child]
