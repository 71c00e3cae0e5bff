"""Watching a program that the tests started: its secrets, its loop, and a copy of all that it logs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tests.watching import blocking, secrets

FOLDER = "HOMEREEL_TEST_WATCH"  # where everything is written; nothing is watched without it
LOGS = "log"
LEVEL = "HOMEREEL_LOG_LEVEL"
# Their standard output is for the eyes of whoever typed them.
SHOWING = {"key", "setup-code"}


class Copied:
    """A text stream whose text is also written to a log."""

    def __init__(self, stream: Any, descriptor: int) -> None:
        self._stream = stream
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        os.write(self._descriptor, text.encode("utf-8", "backslashreplace"))
        written: int = self._stream.write(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def watch(folder: Path) -> None:
    # In the environment, so that it outranks a configuration file.
    os.environ.setdefault(LEVEL, "DEBUG")
    secrets.record(folder)
    blocking.watch(folder)
    log = folder / f"{LOGS}-{os.getpid()}.txt"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.write(descriptor, f"{sys.orig_argv}\n".encode())
    sys.stderr = Copied(sys.stderr, descriptor)
    if not SHOWING & set(sys.orig_argv):
        sys.stdout = Copied(sys.stdout, descriptor)
