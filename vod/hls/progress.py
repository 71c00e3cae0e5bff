"""How far a plan is filled, asked of the disk (design.md section 2, rule 5). Blocking: call it in a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from vod.errors import NotFound
from vod.hls.plan import AudioPlan, Copied, Plan, RemuxedRung, Rendition
from vod.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionState:
    rendition: Rendition
    present: frozenset[int]
    total: int

    @property
    def complete(self) -> bool:
        return len(self.present) == self.total

    def lacks(self, number: int) -> bool:
        """False for a segment that it never has: sound may end earlier than pictures."""
        return number < self.total and number not in self.present


def servable(plan: Plan, states: Mapping[str, RenditionState]) -> frozenset[str]:
    """What a player may be offered now: complete, or made faster than it is watched, once its head is there."""
    return frozenset(
        name
        for name, state in states.items()
        if state.complete or (0 in state.present and _is_fast(plan, state.rendition))
    )


def _is_fast(plan: Plan, rendition: Rendition) -> bool:
    return isinstance(rendition, AudioPlan | Copied | RemuxedRung) or rendition == plan.preview


def load_plan(storage: Storage, media_id: UUID, digest: str) -> Plan:
    """A plan never changes, so it is read once. Raises NotFound where it is gone or of another version."""
    return _kept_plan(storage.plan(media_id, digest))


def read_plan(path: Path) -> Plan:
    """Raises as `load_plan` does."""
    try:
        return Plan.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotFound("This film has no plan that this version of Homereel can read.") from None


_kept_plan = lru_cache(maxsize=64)(read_plan)


def rendition_states(storage: Storage, media_id: UUID, plan: Plan) -> dict[str, RenditionState]:
    """By rendition name, in the plan's order."""
    return {name: _state(storage, media_id, plan, rendition) for name, rendition in plan.renditions.items()}


def lane_progress(
    plan: Plan, lanes: Mapping[str, Sequence[Rendition]], states: Mapping[str, RenditionState]
) -> dict[str, float]:
    """By lane, 0..1: the share of the film's time that is there in all of the lane's renditions."""
    return {lane: _share(plan, [states[part.name] for part in parts]) for lane, parts in lanes.items()}


def missing_segments(storage: Storage, media_id: UUID, plan: Plan, lane: str) -> list[int]:
    """Segments that at least one rendition of the lane lacks, in order."""
    states = rendition_states(storage, media_id, plan)
    parts = [states[part.name] for part in plan.parts(lane)]
    longest = max(part.total for part in parts)
    return [number for number in range(longest) if any(part.lacks(number) for part in parts)]


def _state(storage: Storage, media_id: UUID, plan: Plan, rendition: Rendition) -> RenditionState:
    total = plan.grid(rendition.name).count
    if isinstance(rendition, Copied) and storage.segment_index(media_id, plan.digest, rendition.name).exists():
        present = set(range(total))
    else:
        present = storage.segments_present(media_id, plan.digest, rendition.name)
    return RenditionState(
        rendition=rendition, present=frozenset(number for number in present if number < total), total=total
    )


def _share(plan: Plan, parts: list[RenditionState]) -> float:
    grid = plan.grid(parts[0].rendition.name)
    whole = Fraction(grid.cuts[-1] - grid.cuts[0], grid.timescale) * len(parts)
    there = sum((grid.duration(number) for part in parts for number in part.present), Fraction(0))
    return float(there / whole) if whole else 0.0
