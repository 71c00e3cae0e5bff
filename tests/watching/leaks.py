"""The search for secrets in everything that a test run logged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.watching.child import LOGS
from tests.watching.secrets import SEEN, SHORTEST


@dataclass(frozen=True, slots=True)
class Leak:
    file: str
    line: int
    kind: str
    text: str  # the line, without the secret

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}: {self.text}"


def seen(folder: Path) -> dict[bytes, str]:
    """Each secret with its kind."""
    lines = [line for path in folder.glob(f"{SEEN}-*") for line in path.read_text(encoding="utf-8").splitlines()]
    return {secret.encode(): kind for kind, secret in map(json.loads, lines)}


def leaks(folder: Path) -> list[Leak]:
    """Every secret of `folder` that stands in a log of it."""
    secrets = seen(folder)
    return [leak for path in sorted(folder.glob(f"{LOGS}-*")) for leak in _leaks_of(path, secrets)]


def _leaks_of(path: Path, secrets: Mapping[bytes, str]) -> Iterator[Leak]:
    text = path.read_bytes()
    by_beginning: dict[bytes, list[bytes]] = {}
    for secret in secrets:
        by_beginning.setdefault(secret[:SHORTEST], []).append(secret)
    for position in _positions(text, list(by_beginning)):
        for secret in by_beginning[text[position : position + SHORTEST]]:
            if text.startswith(secret, position):
                start, number = text.rfind(b"\n", 0, position) + 1, text.count(b"\n", 0, position) + 1
                line = text[start:].partition(b"\n")[0].replace(secret, b"***")
                yield Leak(path.name, number, secrets[secret], line.decode("utf-8", "replace"))


def _positions(text: bytes, beginnings: list[bytes]) -> list[int]:
    """Where one of many eight-byte words stands; thousands of them, and tens of megabytes to look through."""
    wanted = np.sort(np.frombuffer(b"".join(beginnings), dtype="<u8"))
    found: list[npt.NDArray[np.int64]] = []
    for shift in range(min(SHORTEST, len(text))):
        words = np.frombuffer(text, dtype="<u8", offset=shift, count=(len(text) - shift) // SHORTEST)
        found.append(np.flatnonzero(np.isin(words, wanted)) * SHORTEST + shift)
    return sorted(int(position) for position in np.concatenate(found)) if found else []
