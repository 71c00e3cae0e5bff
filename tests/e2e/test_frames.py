"""Every frame accounted for, whoever made its segment, in whatever order (design.md section 2, rules 1-4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.e2e.films import RECIPES, film
from tests.e2e.frames import (
    decoded_sound,
    encoded_whole,
    frame_hashes,
    joined,
    shown_times,
    signal_to_noise_db,
    similarity,
    written_out,
)
from tests.e2e.mill import SETTINGS, Mill, open_mill
from vod.catalog.models import MediaStatus
from vod.hls.plan import Plan

SEAM_SAMPLES = 2048
LONGEST_PACKET = 1536  # samples; AC-3's


@pytest.fixture
async def mill(tmp_path: Path) -> AsyncIterator[Mill]:
    async with open_mill(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("name", RECIPES)
async def test_each_frame_is_shown_when_the_original_shows_it_in_spans_by_two_workers_in_random_order(
    mill: Mill, name: str
) -> None:
    original = film(name)
    identifier = await mill.add(original)
    plan = await mill.plan_here(identifier)
    await mill.shuffle(seed=7)
    await mill.start_workers(2)
    ended = await mill.ends(identifier)
    assert (ended.status, ended.error_message) == (MediaStatus.READY, None)
    assert plan.video is not None
    wanted = [
        tick * plan.video.ticks_per_source_tick - plan.video.origin_ticks
        for tick in shown_times(original, plan.video.stream_index)
    ]
    for rung in plan.rungs:
        rendition = joined(mill.folder(identifier, plan, rung.name), plan.grid(rung.name).count)
        assert shown_times(rendition) == wanted
        likeness = similarity(original, plan, rendition, rung)
        assert len(likeness) == len(wanted)
        assert min(likeness) >= 0.9
    _assert_same_cuts(plan)
    _assert_seams_are_inaudible(mill, original, plan, identifier)


@pytest.fixture
async def copying_mill(tmp_path: Path) -> AsyncIterator[Mill]:
    # the films have a keyframe every hundred frames
    settings = SETTINGS.replace("segment_seconds = 2", "segment_seconds = 4")
    async with open_mill(tmp_path, settings, copied=True) as opened:
        yield opened


@pytest.mark.parametrize("name", [name for name in RECIPES if not name.endswith(".ts")])
async def test_encoded_rungs_have_the_cuts_of_the_original_s_own_pictures(copying_mill: Mill, name: str) -> None:
    """A player that switches between the original and a rung finds the same frames at the same times in both."""
    mill, original = copying_mill, film(name)
    identifier = await mill.add(original)
    plan = await mill.plan_here(identifier)
    await mill.start_workers(2)
    ended = await mill.ends(identifier)
    assert (ended.status, ended.error_message) == (MediaStatus.READY, None)
    assert plan.video is not None
    assert plan.video.copied is not None, plan.video.copy_refusal
    wanted = [
        tick * plan.video.ticks_per_source_tick - plan.video.origin_ticks
        for tick in shown_times(original, plan.video.stream_index)
    ]
    copy = written_out(mill.folder(identifier, plan, plan.video.copied.name), original)
    assert shown_times(copy) == wanted
    assert frame_hashes(copy) == frame_hashes(original)
    for rung in plan.rungs:
        rendition = joined(mill.folder(identifier, plan, rung.name), plan.grid(rung.name).count)
        assert shown_times(rendition) == wanted
        assert min(similarity(original, plan, rendition, rung)) >= 0.9
    _assert_same_cuts(plan)


def _assert_same_cuts(plan: Plan) -> None:
    """All video rungs share the plan's cuts; the sound's are within one packet of them."""
    assert plan.video is not None
    for sound in plan.sounds:
        assert len(sound.cuts) == len(plan.video.cuts)
        for ours, theirs in zip(sound.cuts[:-1], plan.video.cuts, strict=False):
            assert abs(ours / sound.timescale - theirs / plan.video.timescale) <= LONGEST_PACKET / sound.timescale


def _assert_seams_are_inaudible(mill: Mill, original: Path, plan: Plan, identifier: UUID) -> None:
    """Around each seam as near to the original's sound as one whole encode is, within 3 dB."""
    audio = plan.audio[0]
    clock = f"aresample={audio.sample_rate}:async=1:first_pts=0:ochl=stereo"
    wanted = decoded_sound(original, audio.stream_index, clock)
    whole = decoded_sound(encoded_whole(original, audio.stream_index, clock, audio.bitrate_bps))
    got = decoded_sound(joined(mill.folder(identifier, plan, audio.name), len(audio.cuts) - 1))
    assert len(got) == audio.cuts[-1]
    for cut in audio.cuts[1:-1]:
        around = slice(cut - SEAM_SAMPLES, cut + SEAM_SAMPLES)
        reached = signal_to_noise_db(wanted[around], got[around])
        assert reached >= signal_to_noise_db(wanted[around], whole[around]) - 3
