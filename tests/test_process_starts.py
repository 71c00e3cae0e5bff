"""Processes start in one place; the two others start only this program's own worker (security.md bar 2)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.test_layers import our_sources

STARTERS = {
    "vod.ffmpeg.process": {"Popen"},  # ffmpeg and ffprobe, caged
    "vod.ffmpeg.sandbox": {"execve"},  # the cage becomes ffmpeg
    "server.commands": {"execv"},  # `homereel worker` becomes the worker
    "server.supervisor": {"create_subprocess_exec"},  # embedded workers
}
STARTING = {
    *("create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell"),
    *("execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe"),
    *("spawnl", "spawnle", "spawnv", "spawnve", "posix_spawn", "posix_spawnp", "fork", "forkpty", "popen"),
    *("system", "run_async"),
}
LIBRARIES = {"subprocess", "multiprocessing", "pty"}


def test_processes_start_where_they_may_and_nowhere_else() -> None:
    found = {module: set(starts(source)) for module, source in our_sources().items()}
    assert {module: calls for module, calls in found.items() if calls - STARTERS.get(module, set())} == {}


def test_every_named_starter_does_start_something() -> None:
    sources = our_sources()
    assert {module: set(starts(sources[module])) for module in STARTERS} == STARTERS


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("subprocess.run(['ffmpeg'])", id="subprocess"),
        pytest.param("from subprocess import run", id="from subprocess"),
        pytest.param("multiprocessing.Process()", id="multiprocessing"),
        pytest.param("asyncio.create_subprocess_shell('ffmpeg')", id="a shell"),
        pytest.param("os.system('ffmpeg')", id="system"),
        pytest.param("ffmpeg.run_async(stream)", id="ffmpeg-python runs it"),
        pytest.param("ffmpeg.output('x').run()", id="ffmpeg-python's chained run"),
        pytest.param("from os import posix_spawn", id="imported by name"),
        pytest.param("start = os.execv", id="under another name"),
    ],
)
def test_a_planted_start_is_found(source: str) -> None:
    assert list(starts(source))


def starts(source: str) -> Iterator[str]:
    """Calls that start a process, and the same functions under another name. A bare `subprocess.Popen` is a type."""
    tree = ast.parse(source)
    has_ffmpeg_python = any(isinstance(node, ast.Name) and node.id == "ffmpeg" for node in ast.walk(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from _imported_by_name(node)
        elif isinstance(node, ast.Attribute) and (node.attr in STARTING or (node.attr == "run" and has_ffmpeg_python)):
            yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from _called_of_a_library(node.func)


def _imported_by_name(node: ast.ImportFrom) -> list[str]:
    names = [alias.name for alias in node.names]
    return names if node.module in LIBRARIES else [name for name in names if name in STARTING]


def _called_of_a_library(function: ast.Attribute) -> list[str]:
    owner = function.value
    return [function.attr] if isinstance(owner, ast.Name) and owner.id in LIBRARIES else []
