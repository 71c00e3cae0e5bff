"""A thread that looks fifty times a second at what each event loop's thread is doing, and asks the kernel too.

Wall time proves nothing on a busy machine. A thread that is blocked sits in a system call other than its selector's;
one that computes uses processor time without leaving one Python instruction.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from tests.watching.patching import wrap

EVERY_SECONDS = 0.02
LONGEST_COMPUTING_NS = 100_000_000
LONGEST_LOCKED_SAMPLES = 25  # a thread that waits for the interpreter's own lock looks the same, briefly

FUTEX = "futex"
# Calls that wait for a disk, another process or a clock. Reads and writes are missing: those of sockets and pipes are
# most of a loop's honest work.
SYSTEM_CALLS = {
    "x86_64": {
        74: "fsync",
        75: "fdatasync",
        277: "sync_file_range",
        257: "openat",
        262: "newfstatat",
        332: "statx",
        73: "flock",
        61: "wait4",
        247: "waitid",
        35: "nanosleep",
        230: "clock_nanosleep",
        137: "statfs",
        82: "rename",
        87: "unlink",
        263: "unlinkat",
        83: "mkdir",
        217: "getdents64",
        77: "ftruncate",
        202: FUTEX,
    },
    "aarch64": {
        82: "fsync",
        83: "fdatasync",
        84: "sync_file_range",
        56: "openat",
        79: "newfstatat",
        291: "statx",
        32: "flock",
        260: "wait4",
        95: "waitid",
        101: "nanosleep",
        115: "clock_nanosleep",
        43: "statfs",
        38: "renameat",
        35: "unlinkat",
        34: "mkdirat",
        61: "getdents64",
        46: "ftruncate",
        98: FUTEX,
    },
}

Report = Callable[[str, FrameType], None]


@dataclass(slots=True)
class Stay:
    """How long a thread has been at one instruction of one frame."""

    frame: FrameType
    instruction: int
    since_ns: int  # its processor time when it was first seen here
    locked_samples: int = 0

    def holds(self, frame: FrameType) -> bool:
        return self.frame is frame and self.instruction == frame.f_lasti


class Sampler:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._loops: dict[int, int] = {}  # thread -> the kernel's number of it
        self._stays: dict[int, Stay] = {}
        self._calls = SYSTEM_CALLS.get(platform.machine(), {})

    def start(self) -> None:
        wrap(asyncio.BaseEventLoop, "run_forever", self._noting)
        threading.Thread(target=self._run, name="loop sampler", daemon=True).start()

    def _noting(self, original: Callable[[Any], None]) -> Callable[[Any], None]:
        def run_forever(loop: Any) -> None:
            thread = threading.get_ident()
            self._loops[thread] = threading.get_native_id()
            try:
                original(loop)
            finally:
                self._loops.pop(thread, None)

        return run_forever

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(EVERY_SECONDS)
            for thread, number in list(self._loops.items()):
                with suppress(OSError):  # the thread has just ended
                    self._look(thread, number)

    def _look(self, thread: int, number: int) -> None:
        frame = sys._current_frames().get(thread)
        if frame is None:
            return
        instruction, call, used_ns = frame.f_lasti, self._system_call(number), _processor_ns(number)
        if sys._current_frames().get(thread) is not frame or frame.f_lasti != instruction:
            return  # it has moved on, and the kernel's answer may belong elsewhere
        stay = self._stays.get(thread)
        if stay is None or not stay.holds(frame):
            stay = self._stays[thread] = Stay(frame, instruction, used_ns)
        stay.locked_samples = stay.locked_samples + 1 if call == FUTEX else 0
        if call is not None and call != FUTEX:
            self._report(f"the system call {call}", frame)
        if stay.locked_samples >= LONGEST_LOCKED_SAMPLES:
            self._report("a lock", frame)
        if used_ns - stay.since_ns >= LONGEST_COMPUTING_NS:
            self._report("a long computation", frame)

    def _system_call(self, number: int) -> str | None:
        """None while it runs, and for calls that are a loop's own."""
        words = Path(f"/proc/self/task/{number}/syscall").read_text().split()
        return self._calls.get(int(words[0])) if words and words[0].isdecimal() else None


def _processor_ns(number: int) -> int:
    return int(Path(f"/proc/self/task/{number}/schedstat").read_text().split()[0])
