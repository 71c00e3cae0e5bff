"""What is made of a film without anybody asking (`[hls] policy`), and what of it is a cache that may be evicted.

`eager` makes everything. `on-demand` makes what has to be there for the film to play at once: sound, copies, and
where no picture is copied the preview rung; the other rungs are made for who watches them. design.md section 5.4: a
film is READY when the policy's lanes are complete and verified, and what is evicted later does not change that.
"""

from __future__ import annotations

from typing import Literal

from vod.hls.plan import LADDER_LANE, PREVIEW_LANE, REMUX_LANE, CopiedRung, Picture, Plan, Rendition

Policy = Literal["eager", "on-demand"]

# Two ways to make the pictures of a film in the background: all rungs, or the preview alone.
PICTURE_LANES = (LADDER_LANE, PREVIEW_LANE)
# Whose segments may be evicted, and are not made again before somebody asks for them.
CACHED_LANES = (LADDER_LANE, REMUX_LANE)


def kept_lanes(plan: Plan, policy: Policy) -> dict[str, tuple[Rendition, ...]]:
    """The lanes that are made in the background, until all of them is there."""
    if policy == "eager":
        return plan.lanes
    if plan.preview is None:  # a small film that is repacked: there is nothing less to make
        return {lane: parts for lane, parts in plan.lanes.items() if lane != LADDER_LANE}
    lanes = {lane: parts for lane, parts in plan.lanes.items() if lane not in CACHED_LANES}
    if has_copied_picture(plan):
        return lanes
    return {PREVIEW_LANE: (plan.preview,)} | lanes


def kept_renditions(plan: Plan, policy: Policy) -> frozenset[str]:
    """By name; copies are kept whatever the policy, for they take no room."""
    made = {part.name for parts in kept_lanes(plan, policy).values() for part in parts}
    return frozenset(made | {copied.name for copied in plan.copies})


def background_lane(plan: Plan, policy: Policy, lane: str) -> str | None:
    """The lane that goes on where a span of `lane` has ended; None where that was a viewer's.

    Another one where the policy was changed in the middle of the film.
    """
    kept = kept_lanes(plan, policy)
    if lane in PICTURE_LANES:
        return next((other for other in PICTURE_LANES if other in kept), None)
    return lane if lane in kept else None


def has_copied_picture(plan: Plan) -> bool:
    return plan.video is not None and plan.video.copied is not None


def evictable_rungs(plan: Plan) -> tuple[Picture, ...]:
    """All that can be made again but the preview, which a player can be given at any time."""
    written = [picture for picture in plan.pictures if not isinstance(picture, CopiedRung)]
    return tuple(picture for picture in written if picture != plan.preview)
