"""What is made without anybody asking, and what may go again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.vod.hls.builders import make_audio, make_plan, make_rung, make_video
from vod.hls.plan import CopiedRung, Plan
from vod.hls.policy import Policy, background_lane, evictable_rungs, kept_lanes, kept_renditions

RUNGS = tuple(make_rung(name=f"{height}p", width=height * 16 // 9, height=height) for height in (1080, 720, 360, 240))
ENCODED = make_plan(video=make_video(rungs=RUNGS), audio=(make_audio(),))
COPIED = make_plan(
    video=make_video(
        rungs=RUNGS[1:],
        copied=CopiedRung(
            name="original", stream_index=0, width=1920, height=1080, codec="avc1.640028", expected_bps=8_000_000
        ),
    ),
    audio=(make_audio(),),
)
SOUND = make_plan(audio=(make_audio(),))


@pytest.mark.parametrize(
    ("plan", "policy", "lanes", "renditions"),
    [
        (ENCODED, "eager", ["ladder", "audio-0"], {"1080p", "720p", "360p", "240p", "audio-eng"}),
        (ENCODED, "on-demand", ["preview", "audio-0"], {"360p", "audio-eng"}),
        (COPIED, "eager", ["ladder", "audio-0"], {"original", "720p", "360p", "240p", "audio-eng"}),
        (COPIED, "on-demand", ["audio-0"], {"original", "audio-eng"}),
        (replace(COPIED, copied_on_demand=True), "on-demand", ["copy", "audio-0"], {"original", "audio-eng"}),
        (SOUND, "on-demand", ["audio-0"], {"audio-eng"}),
    ],
)
def test_a_policy_keeps_what_a_film_needs_to_play(
    plan: Plan, policy: Policy, lanes: list[str], renditions: set[str]
) -> None:
    assert list(kept_lanes(plan, policy)) == lanes
    assert kept_renditions(plan, policy) == renditions


@pytest.mark.parametrize(
    ("plan", "policy", "ended", "goes_on"),
    [
        (ENCODED, "eager", "ladder", "ladder"),
        (ENCODED, "eager", "audio-0", "audio-0"),
        (ENCODED, "on-demand", "preview", "preview"),
        (ENCODED, "on-demand", "720p", None),
        (COPIED, "on-demand", "preview", None),
    ],
)
def test_a_lane_of_the_policy_goes_on_and_a_viewer_s_does_not(
    plan: Plan, policy: Policy, ended: str, goes_on: str | None
) -> None:
    assert background_lane(plan, policy, ended) == goes_on


def test_a_policy_that_was_changed_takes_over_where_the_other_one_was() -> None:
    assert background_lane(ENCODED, "on-demand", "ladder") == "preview"
    assert background_lane(ENCODED, "eager", "preview") == "ladder"
    assert background_lane(COPIED, "on-demand", "ladder") is None


def test_every_encoded_rung_but_the_preview_is_a_cache() -> None:
    assert [rung.name for rung in evictable_rungs(ENCODED)] == ["1080p", "720p", "240p"]
    assert evictable_rungs(SOUND) == ()
