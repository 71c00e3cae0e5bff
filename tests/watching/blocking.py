"""Finds calls of ours that block an event loop: disk, database, hashes, processes, sleeps and locks.

Two ways beside each other. Audit events and wrapped functions tell of every call of a known kind, however short, in a
thread that runs a loop. A sampler looks at each loop's thread fifty times a second and asks the kernel what it is
doing: it finds what nobody wrapped, where it takes long enough to matter.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import linecache
import os
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from tests.watching.patching import patch_modules, wrap
from tests.watching.sampler import Sampler

FOUND = "blocking"

ROOT = str(Path(__file__).parents[2])
OURS = tuple(f"{ROOT}/{package}/" for package in ("vod", "server", "worker"))
WATCHING = f"{ROOT}/tests/watching/"
TESTS = f"{ROOT}/tests/"
STEP_OF_A_LOOP = asyncio.Handle._run.__code__

EVENTS = frozenset(
    {
        *(
            "open",
            "os.listdir",
            "os.scandir",
            "os.mkdir",
            "os.remove",
            "os.rename",
            "os.rmdir",
            "os.link",
            "os.symlink",
        ),
        *("os.truncate", "os.chmod", "os.chown", "os.utime", "shutil.rmtree", "shutil.copyfile", "fcntl.flock"),
        *("fcntl.lockf", "sqlite3.connect", "socket.getaddrinfo", "socket.gethostbyname"),
        *("subprocess.Popen", "os.system", "os.fork", "os.posix_spawn"),
    }
)
# Calls without an audit event in Python 3.11.
FUNCTIONS = ("stat", "lstat", "fsync", "fdatasync", "statvfs", "access", "readlink")

# file:function -> why it may block the loop's thread.
ALLOWED: dict[str, str] = {
    "vod/ffmpeg/process.py:_spawn": "the parent-death signal follows the thread that starts the child",
    "server/supervisor.py:_start_one": "the parent-death signal follows the thread that starts the worker",
    "vod/ffmpeg/process.py:_find": "looks for the programs once, before any job is taken",
    "server/app.py:build_app": "puts the parts together, before anybody is served",
    "worker/app.py:_parts": "opens everything, before any job is taken",
    "worker/app.py:_database": "opens the rows, before any job is taken",
    "vod/queue.py:open": "binds the doorbell once, before any job is taken; the socket belongs to the loop",
    "vod/queue.py:close": "takes the doorbell down after the last job",
}


class BlockingCalls:
    """What was found, once a place, written down at once for a process that may be killed."""

    def __init__(self, folder: Path) -> None:
        path = folder / f"{FOUND}-{os.getpid()}.jsonl"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._known: set[tuple[str, str]] = set()

    def check(self, what: str, frame: FrameType | None) -> None:
        """A call of this kind stands at the top of `frame`, in a thread that runs a loop."""
        if (found := culprit(frame)) is None or is_allowed(found):
            return
        place = (what, f"{place_of(found)}:{found.f_lineno}")
        if place not in self._known:
            self._known.add(place)
            os.write(self._descriptor, f"{json.dumps([*place, _stack(frame)])}\n".encode())


def watch(folder: Path) -> None:
    """From now on, in this process; an audit hook cannot be taken away again."""
    calls = BlockingCalls(folder)

    def on_event(event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS and asyncio._get_running_loop() is not None and not _is_descriptor(arguments):
            calls.check(event, sys._getframe(1))

    sys.addaudithook(on_event)
    for name in FUNCTIONS:
        _watch_function(name, calls)
    wrap(time, "sleep", _guarded("time.sleep", calls))
    wrap(Future, "result", _guarded("Future.result", calls, unless=Future.done))
    patch_modules({"peewee": lambda module: _watch_peewee(module, calls), "argon2": lambda m: _watch_argon2(m, calls)})
    Sampler(calls.check).start()


def culprit(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of ours, if what the loop runs is a coroutine or a callback of ours; else None.

    The tests' own coroutines may block; what they await of ours may not.
    """
    found: FrameType | None = None
    while frame is not None and frame.f_code is not STEP_OF_A_LOOP:
        file = frame.f_code.co_filename
        is_coroutine = bool(frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR))
        if file.startswith("<frozen importlib") or file in (linecache.__file__, traceback.__file__):
            return None  # a module's first import, a traceback's lines
        if file.startswith(OURS):
            found = found or frame
            if is_coroutine:
                return found
        elif file.startswith(TESTS) and not file.startswith(WATCHING) and (is_coroutine or found is None):
            return None
        frame = frame.f_back
    return found if frame is not None else None


def is_allowed(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code is not STEP_OF_A_LOOP:
        if place_of(frame) in ALLOWED:
            return True
        frame = frame.f_back
    return False


def place_of(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename.removeprefix(ROOT).lstrip('/')}:{frame.f_code.co_name}"


def _stack(frame: FrameType | None) -> str:
    """From the step of the loop inwards."""
    lines = []
    while frame is not None and frame.f_code is not STEP_OF_A_LOOP:
        if not frame.f_code.co_filename.startswith(WATCHING):
            lines.append(f"    {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}\n")
        frame = frame.f_back
    return "".join(reversed(lines))


def _is_descriptor(arguments: tuple[Any, ...]) -> bool:
    return bool(arguments) and isinstance(arguments[0], int)


def _watch_function(name: str, calls: BlockingCalls) -> None:
    original = getattr(os, name)
    # An open descriptor's fstat asks no disk; fsync of one does.
    unless = _is_number if name == "stat" else None
    wrap(os, name, _guarded(f"os.{name}", calls, unless))
    for capable in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if original in capable:
            capable.add(getattr(os, name))


def _is_number(first: object) -> bool:
    return isinstance(first, int)


def _watch_peewee(module: ModuleType, calls: BlockingCalls) -> None:
    wrap(module.Database, "execute_sql", _guarded("a database statement", calls))


def _watch_argon2(module: ModuleType, calls: BlockingCalls) -> None:
    for name in ("hash", "verify"):
        wrap(module.PasswordHasher, name, _guarded(f"argon2 {name}", calls))


def _guarded(
    what: str, calls: BlockingCalls, unless: Callable[[Any], bool] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`unless` is asked with the call's first argument."""

    def around(original: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            if asyncio._get_running_loop() is not None and not (unless and arguments and unless(arguments[0])):
                calls.check(what, sys._getframe(1))
            return original(*arguments, **named)

        return guarded

    return around


def found_in(folder: Path) -> list[str]:
    """Each blocking call with its stack, for people."""
    lines = [line for path in sorted(folder.glob(f"{FOUND}-*")) for line in path.read_text().splitlines()]
    distinct = {(what, where): stack for what, where, stack in map(json.loads, lines)}
    return [f"{what} on the loop's thread, in {where}\n{stack}" for (what, where), stack in distinct.items()]
