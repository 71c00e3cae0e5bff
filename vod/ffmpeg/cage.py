"""What a child process may touch, written as orders for `sandbox.py`."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vod.ffmpeg import sandbox
from vod.ffmpeg.command import NO_HARDWARE, Hardware

# Where dynamic loaders look; a binary from elsewhere (conda, /opt) brings the `lib` beside its own `bin`.
LIBRARY_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store")
# The loader's cache, and the only devices a codec has a use for (seeds and sinks).
LIBRARY_FILES = ("/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/null", "/dev/zero", "/dev/urandom")
LOADERS = ("/lib*/ld-linux*.so.*", "/lib/*/ld-linux*.so.*", "/lib/ld-musl-*.so.*")
OPEN_FILES = 256


@dataclass(frozen=True, slots=True)
class Walls:
    """Which of the two kernel mechanisms stand round every child."""

    landlock_abi: int  # 0: none
    seccomp: bool

    @property
    def complete(self) -> bool:
        return self.landlock_abi > 0 and self.seccomp

    def __str__(self) -> str:
        landlock = f"landlock (ABI {self.landlock_abi})" if self.landlock_abi else "no landlock"
        return f"{landlock}, {'seccomp' if self.seccomp else 'no seccomp'}"


NO_WALLS = Walls(landlock_abi=0, seccomp=False)


def available_walls() -> Walls:
    return Walls(landlock_abi=sandbox.landlock_abi(), seccomp=sandbox.seccomp_available())


def caged(
    command: Sequence[str],
    *,
    reads: Sequence[Path],
    pipes: Sequence[int],
    walls: Walls,
    nice: int,
    address_space_bytes: int,
    cpu_seconds: int | None,
    hardware: Hardware = NO_HARDWARE,
) -> list[str]:
    """The argv that runs `command` (its program an absolute path) inside the walls; this process is its parent."""
    limits = {"CORE": 0, "FSIZE": 0, "NOFILE": OPEN_FILES, "AS": address_space_bytes, "CPU": cpu_seconds}
    if hardware.devices:
        # drivers of graphics hardware reserve more addresses than any machine has memory: what is written counts
        limits |= {"AS": None, "DATA": address_space_bytes}
    orders: list[tuple[str, object]] = [("parent", os.getpid()), ("nice", nice)]
    orders += [("pipe", pipe) for pipe in pipes]
    orders += [("limit", f"{kind}={limit}") for kind, limit in limits.items() if limit is not None]
    if walls.landlock_abi:
        orders += [("landlock", 1), *_open_paths(Path(command[0]), reads), *_hardware_paths(hardware)]
    if walls.seccomp:
        orders += [("seccomp", 1)]
    script = [sys.executable, "-I", "-S", sandbox.__file__]
    return [*script, *(str(word) for order in orders for word in order), "--", *command]


def _open_paths(program: Path, reads: Sequence[Path]) -> Iterator[tuple[str, str | Path]]:
    for path in reads:
        yield "read", path.absolute()
    for library in (*LIBRARY_FOLDERS, *LIBRARY_FILES, program.resolve().parent.parent / "lib"):
        if Path(library).exists():
            yield "library", library
    for loader in [found for pattern in LOADERS for found in glob.glob(pattern)]:  # noqa: PTH207 - absolute pattern
        yield "executable", loader
    yield "executable", program


def _hardware_paths(hardware: Hardware) -> Iterator[tuple[str, Path]]:
    yield from (("device", path) for path in hardware.devices if path.exists())
    yield from (("library", path) for path in hardware.reads if path.exists())
