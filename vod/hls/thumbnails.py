"""Stills as a DASH manifest can tell of them: tile after tile, each as long as the others (DASH-IF IOP §6.2.6).

Stills have the times of keyframes, which no manifest can tell. But where one length can be found so that each still
lies in the stretch of its tile, the sheets are regular enough; a film whose keyframes are too far apart for that has
its stills on our page alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from vod.hls.plan import Plan
from vod.hls.trickplay import Layout, layout, sheet_name
from vod.storage import Storage

CUE = re.compile(r"^(\d+):(\d\d):(\d\d)\.(\d{3}) --> .*\nsheet-(\d+)\.jpg#xywh=(\d+),(\d+),", re.MULTILINE)
# A still may be shown so much before its time: the index has rounded that, and the last tile is to reach the end.
TOO_EARLY = 50_000
# of an attribute, ISO/IEC 23009-1 §5.3.9.2.2
LARGEST_DURATION = (1 << 32) - 1
# Of a tile's time: how much of the film's end may have none, where the last keyframe lies just before a stretch
LONGEST_REST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnails:
    columns: int
    rows: int
    width: int  # of a sheet, in pixels
    height: int
    tile_microseconds: int
    bandwidth: int

    @property
    def sheet_microseconds(self) -> int:
        return self.tile_microseconds * self.columns * self.rows


def find_thumbnails(storage: Storage, media_id: UUID, plan: Plan) -> Thumbnails | None:
    """Blocking. None where there are no stills yet, or none that are regular."""
    try:
        index = storage.stills(media_id, plan.digest).read_text(encoding="utf-8")
        sheets = layout(plan)
        starts = still_starts(index, sheets)
        length = tile_microseconds(starts, sheets.tiles, math.ceil(plan.duration_seconds * 1_000_000))
        folder = storage.trickplay(media_id, plan.digest)
        sizes = [(folder / sheet_name(number)).stat().st_size for number in range(-(-len(starts) // sheets.tiles))]
    except (OSError, ValueError):
        return None
    return Thumbnails(
        columns=sheets.columns,
        rows=sheets.rows,
        width=sheets.columns * sheets.width,
        height=sheets.rows * sheets.height,
        tile_microseconds=length,
        bandwidth=-(-max(sizes) * 8_000_000 // (length * sheets.tiles)),
    )


def still_starts(index: str, layout: Layout) -> list[int]:
    """In microseconds, of each tile from the first on. Raises ValueError where one has no time of its own."""
    starts: list[int] = []
    for cue in CUE.findall(index):
        hours, minutes, seconds, part, *place = map(int, cue)
        if tuple(place) != layout.place(len(starts)):
            raise ValueError("a tile is left out")
        starts.append((((hours * 60 + minutes) * 60 + seconds) * 1000 + part) * 1000)
    return starts


def tile_microseconds(starts: Sequence[int], tiles: int, duration: int) -> int:
    """The longest time that each tile can have. Raises ValueError where there is none that fits the film."""
    length = min(((start + TOO_EARLY) // number for number, start in enumerate(starts) if number), default=duration)
    if length * tiles > LARGEST_DURATION or any(start >= (number + 1) * length for number, start in enumerate(starts)):
        raise ValueError("the stills are not regular")
    rest = duration - len(starts) * length
    if rest > 0 and (rest * LONGEST_REST > length or len(starts) % tiles == 0):
        raise ValueError("the stills end before the film")
    return length
