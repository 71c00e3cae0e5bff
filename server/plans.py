"""Which segments a plan foresees: the difference between "not yet" and "never". Plans never change."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path

from vod.hls.plan import Plan

LARGEST_CACHE = 64

PlanKey = tuple[str, str]  # media id, digest


class PlanCache:
    def __init__(self) -> None:
        self._counts: OrderedDict[PlanKey, dict[str, int]] = OrderedDict()

    async def segment_count(self, key: PlanKey, path: Path, rendition: str) -> int:
        """0 for a rendition that is not planned, and where there is no plan at all."""
        counts = self._counts.get(key)
        if counts is None:
            try:
                counts = await asyncio.to_thread(_read, path)
            except FileNotFoundError:
                return 0
            self._counts[key] = counts
            while len(self._counts) > LARGEST_CACHE:
                self._counts.popitem(last=False)
        return counts.get(rendition, 0)

    def forget(self, media_id: str) -> None:
        for key in [key for key in self._counts if key[0] == media_id]:
            del self._counts[key]


def _read(path: Path) -> dict[str, int]:
    plan = Plan.from_json(path.read_text(encoding="utf-8"))
    return {name: plan.grid(name).count for name in plan.renditions}
