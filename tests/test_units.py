"""The units are valid, hardened, explained, and leave the sandbox round ffmpeg what it is built with."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNITS = ("homereel.service", "homereel-worker@.service")
EXPOSURE = {"homereel.service": 20, "homereel-worker@.service": 15}  # tenths; a bare unit has 96
INSTALLED_AT = "/opt/homereel"

START_LAUNCHER = """
import asyncio
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher
asyncio.run(Launcher(FfmpegSection()).start())
"""


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_with_the_unit(unit: str, tmp_path: Path) -> None:
    """From a copy that points at this checkout, for systemd looks whether the program is there."""
    copy = tmp_path / unit.replace("@.", "@1.")
    copy.write_text(text_of(unit).replace(INSTALLED_AT, str(ROOT)), encoding="utf-8")
    result = run("systemd-analyze", "verify", "--man=no", str(copy))
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_is_hardened(unit: str) -> None:
    threshold = f"--threshold={EXPOSURE[unit]}"
    result = run("systemd-analyze", "security", "--offline=true", "--no-pager", threshold, str(ROOT / "systemd" / unit))
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("unit", UNITS)
def test_a_reason_stands_over_every_directive_that_limits(unit: str) -> None:
    """From the first limit on, every directive, or the second of a pair, stands under a comment."""
    limits = text_of(unit).partition("# ---- what it may use up\n")[2].partition("[Install]")[0]
    explained = re.findall(r"(?:^#.*\n)+((?:^\w+=.*\n){1,2})", limits, re.MULTILINE)
    directives = re.findall(r"^\w+=.*\n", limits, re.MULTILINE)
    assert "".join(explained) == "".join(directives) != ""


def test_the_worker_unit_may_do_no_more_than_the_server_unit() -> None:
    server, worker = (hardening(unit) for unit in UNITS)
    assert worker - server == {"RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes"}
    assert server - worker == {"RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX"}


@pytest.mark.parametrize("unit", UNITS)
def test_the_sandbox_round_ffmpeg_needs_no_call_that_the_unit_refuses(unit: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    result = run("strace", "-f", "-qq", "-o", str(trace), sys.executable, "-c", START_LAUNCHER, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    called = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(encoding="utf-8"), re.MULTILINE))
    assert {"landlock_restrict_self", "capset", "execve"} <= called
    assert called - allowed_calls(unit) == set()


def allowed_calls(unit: str) -> set[str]:
    """SystemCallFilter lines as systemd reads them: in order, `~` takes away, `@` is a set of sets."""
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", text_of(unit), re.MULTILINE):
        named = {call for word in line.removeprefix("~").split() for call in calls_in(word)}
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def calls_in(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    listed = run("systemd-analyze", "syscall-filter", word).stdout.splitlines()[1:]
    names = {line.strip() for line in listed if line.strip() and not line.strip().startswith("#")}
    return {call for name in names for call in calls_in(name)}


def hardening(unit: str) -> set[str]:
    return set(re.findall(r"^\w+=.*$", text_of(unit).partition("# ---- what it may not do\n")[2], re.MULTILINE))


def text_of(unit: str) -> str:
    return (ROOT / "systemd" / unit).read_text(encoding="utf-8")


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
