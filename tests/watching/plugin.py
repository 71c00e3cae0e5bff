"""Fails a test run in which a secret was logged or a loop of ours was blocked, whatever the tests themselves said."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.watching import blocking, secrets
from tests.watching.child import FOLDER, LOGS
from tests.watching.leaks import leaks
from vod.log import TextFormatter

HERE = Path(__file__).parent
FINDINGS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    folder = Path(tempfile.mkdtemp(prefix="homereel-watch-"))
    config.add_cleanup(lambda: None if config.stash.get(FINDINGS, []) else shutil.rmtree(folder, ignore_errors=True))
    os.environ[FOLDER] = str(folder)
    paths = (str(HERE / "hook"), str(HERE.parents[1]), os.environ.get("PYTHONPATH", ""))
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    secrets.record(folder)
    blocking.watch(folder)
    config.pluginmanager.register(_Watcher(folder))


class _Watcher:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # As a configured program writes: what the formatter masks never reaches a line.
        self._handler = logging.FileHandler(folder / f"{LOGS}-tests.txt", encoding="utf-8")
        self._handler.setFormatter(TextFormatter())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        with _logging(self._handler):
            return (yield)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._handler.flush()
        found = [f"a secret is in the log: {leak}" for leak in leaks(self._folder)]
        found += [f"blocked: {call}" for call in blocking.found_in(self._folder)]
        session.config.stash[FINDINGS] = found
        if found:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        if found := config.stash.get(FINDINGS, []):
            terminalreporter.section(f"watched, kept in {self._folder}", red=True)
            terminalreporter.write("\n".join([*found, ""]))


@contextmanager
def _logging(handler: logging.Handler) -> Iterator[None]:
    """Everything at DEBUG, for each test anew: one before it may have configured the log."""
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
