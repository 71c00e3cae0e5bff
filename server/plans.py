"""What a plan foresees of a rendition: the difference between "not yet" and "never". Plans never change."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from vod.errors import NotFound
from vod.hls.plan import PREVIEW_LANE, Copied, Plan
from vod.hls.progress import read_plan

LARGEST_CACHE = 64

PlanKey = tuple[str, str]  # media id, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    segment_count: int
    is_copied: bool  # its segments are ranges of the original
    lanes: tuple[str, ...]  # those that make it


class PlanCache:
    def __init__(self) -> None:
        self._plans: OrderedDict[PlanKey, dict[str, Foreseen]] = OrderedDict()

    async def foreseen(self, key: PlanKey, path: Path, rendition: str) -> Foreseen | None:
        """None for a rendition that is not planned, and where there is no plan at all."""
        plan = self._plans.get(key)
        if plan is None:
            try:
                plan = await asyncio.to_thread(_read, path)
            except NotFound:
                return None
            self._plans[key] = plan
            while len(self._plans) > LARGEST_CACHE:
                self._plans.popitem(last=False)
        return plan.get(rendition)

    def forget(self, media_id: str) -> None:
        for key in [key for key in self._plans if key[0] == media_id]:
            del self._plans[key]


def _read(path: Path) -> dict[str, Foreseen]:
    plan = read_plan(path)
    return {
        name: Foreseen(
            segment_count=plan.grid(name).count,
            is_copied=isinstance(rendition, Copied),
            lanes=tuple(_lanes(plan, name)),
        )
        for name, rendition in plan.renditions.items()
    }


def _lanes(plan: Plan, rendition: str) -> list[str]:
    lanes = [lane for lane, parts in plan.lanes.items() if rendition in {part.name for part in parts}]
    is_preview = plan.preview is not None and plan.preview.name == rendition
    return [*lanes, PREVIEW_LANE] if is_preview else lanes
