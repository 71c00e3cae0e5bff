"""What is to be run, within which limits, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MIB, GIB = 1 << 20, 1 << 30
STDOUT_BYTES = 8 * MIB

Program = Literal["ffmpeg", "ffprobe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`stall_seconds` without a byte of output or a step of `-progress` is the end, as is `wall_seconds`."""

    address_space_bytes: int
    wall_seconds: float
    stall_seconds: float | None = None
    output_bytes: int = STDOUT_BYTES  # over stdout and all media pipes
    cpu_seconds: int | None = None


PROBE_LIMITS = Limits(address_space_bytes=GIB, wall_seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What an encoder in hardware must be let at; what this machine lacks of it does no harm."""

    devices: tuple[Path, ...] = ()  # files that it opens, writes and commands
    reads: tuple[Path, ...] = ()  # files and folders where its driver looks for them


NO_HARDWARE = Hardware()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    program: Program
    arguments: tuple[str, ...]  # inputs are `-i file:PATH`, media outputs `pipe:3`, `pipe:4`, …
    reads: tuple[Path, ...] = ()  # the only files the child may open, besides its libraries
    outputs: int = 0
    hardware: Hardware = NO_HARDWARE
    limits: Limits = PROBE_LIMITS
    urgent: bool = False  # somebody waits: an equal of the server, not what stands back; ffprobe always is


@dataclass(frozen=True, slots=True)
class Finished:
    stdout: bytes
    stderr_tail: str
    cpu_seconds: float
