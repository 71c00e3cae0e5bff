"""The rungs that are kept as a cache, and the room each takes. Blocking: call it in a thread."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from vod.catalog.evictions import PlannedFilm
from vod.errors import NotFound
from vod.hls.policy import evictable_rungs
from vod.hls.progress import read_plan
from vod.storage import Storage

SEGMENT_SUFFIX = ".m4s"


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedRung:
    film: PlannedFilm
    name: str
    size_bytes: int


class Inventory:
    """Taken again and again: a plan is read once, and a folder that has not changed is not counted again."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._names: dict[tuple[UUID, str], tuple[str, ...]] = {}
        self._counted: dict[Path, tuple[int, int]] = {}  # when the folder was changed, and its bytes

    def take(self, films: Iterable[PlannedFilm]) -> list[CachedRung]:
        """Film by film in the given order, the largest rung first."""
        names, counted = self._names, self._counted
        self._names, self._counted = {}, {}
        rungs = []
        for film in films:
            key = (film.media_id, film.digest)
            self._names[key] = names[key] if key in names else self._evictable(film)
            rungs += self._rungs(film, self._names[key], counted)
        return rungs

    def _evictable(self, film: PlannedFilm) -> tuple[str, ...]:
        try:
            plan = read_plan(self._storage.plan(film.media_id, film.digest))
            return tuple(picture.name for picture in evictable_rungs(plan))
        except NotFound:
            return ()  # deleted meanwhile, or of a version that is about to be replaced

    def _rungs(self, film: PlannedFilm, names: Iterable[str], counted: dict[Path, tuple[int, int]]) -> list[CachedRung]:
        rungs = []
        for name in names:
            size_bytes = self._size_bytes(self._storage.rendition(film.media_id, film.digest, name), counted)
            if size_bytes:
                rungs.append(CachedRung(film=film, name=name, size_bytes=size_bytes))
        return sorted(rungs, key=lambda rung: -rung.size_bytes)

    def _size_bytes(self, folder: Path, counted: dict[Path, tuple[int, int]]) -> int:
        try:
            changed = folder.stat().st_mtime_ns
            known = counted.get(folder)
            found = known if known and known[0] == changed else (changed, _segment_bytes(folder))
        except OSError:
            return 0  # not begun, deleted meanwhile, or on a disk that fails here: the others are looked at
        self._counted[folder] = found
        return found[1]


def _segment_bytes(folder: Path) -> int:
    """What the init section takes is not given back."""
    with os.scandir(folder) as entries:
        return sum(
            entry.stat(follow_symlinks=False).st_size for entry in entries if entry.name.endswith(SEGMENT_SUFFIX)
        )
