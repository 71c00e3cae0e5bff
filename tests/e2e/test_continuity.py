"""What is seen stays in one piece whatever viewers do, in a film that is made while they seek about in it.

After the continuity tests of zoriya/Kyoo's transcoder: monotonic decode times after seeks, rungs that are switched
without a hole, a storm of seeks, viewers beside each other.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from tests.e2e.browser.house import House as BrowserHouse
from tests.e2e.browser.house import drive
from tests.e2e.films import BAR_PIXELS, CLOCK_BARS, LONG_SECONDS, film
from tests.e2e.house import LOOK_SECONDS, PATIENCE_SECONDS, open_house
from tests.e2e.players import decode_from, refusals, run_vlc, seek_in_mpv
from vod.hls.fragments import SampleDefaults
from vod.hls.plan import Plan
from vod.hls.progress import load_plan
from vod.hls.verify import read_samples
from vod.storage import Storage

# Slow enough that most of what is sought has to be made.
SETTINGS = {"HOMEREEL_HLS_PRESET": "medium", "HOMEREEL_HLS_CRF": "10", "HOMEREEL_HLS_COPY_ORIGINALS": "false"}
VIEWERS = ("hls.js", "Shaka")
SEEKS = 5
VLC_SECONDS = (255, 267)  # a stretch that nobody else sees
# By DASH: ffmpeg (5.1, 7.0) cannot seek in HLS of fragmented MP4 (mpv-player/mpv#15184).
FFMPEG_PLACES, FFMPEG_SECONDS = (239, 281), 7  # two at the same time, each over a seam or two
MPV_PLACE = 271
SHORTEST_STEP_SECONDS = 20  # so that no place was fetched with the one before
# A frame of the picture's second may be on the screen when the next has begun.
LATE_SECONDS = 0.1
FRAME_RATE = 25
WHITE = 128  # and brighter
FRAMES_IN_HAND = 10  # decoded before the counting began, or not counted yet

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return asyncio.run(_spend(tmp_path_factory.mktemp("continuity")))


async def _spend(folder: Path) -> Any:
    dice = random.Random(7)
    async with open_house(folder, **SETTINGS) as house:
        identifier = await house.upload(film("long.mp4"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (media := await house.film(identifier))["manifestUrl"]:
                await asyncio.sleep(LOOK_SECONDS)
        storage = Storage(house.root)
        plan = load_plan(storage, UUID(identifier), media["ladderUrl"].split("/")[-2])
        there = len(storage.segments_present(UUID(identifier), plan.digest, "360p"))
        seen = await drive(
            "continuity.mjs",
            BrowserHouse(house.url(""), house.environment),
            film={"hls": media["ladderUrl"]},
            seconds=LONG_SECONDS,
            seeks={viewer: _places(dice) for viewer in VIEWERS},
            bars=CLOCK_BARS,
            barPixels=BAR_PIXELS,
        )
        master = house.url(media["manifestUrl"])
        log, _ = await run_vlc(master, f"--start-time={VLC_SECONDS[0]}", f"--stop-time={VLC_SECONDS[1]}")
        manifest = house.url(media["dashUrl"])
        decoded = await asyncio.gather(*(decode_from(manifest, place, FFMPEG_SECONDS) for place in FFMPEG_PLACES))
        shown = await seek_in_mpv(manifest, MPV_PLACE)
        seams = list(_seams(storage, UUID(identifier), plan))
    return seen | {"there": there, "seams": seams, "vlc": log, "ffmpeg": decoded, "mpv": shown}


def _places(dice: random.Random) -> list[int]:
    steps = range(SHORTEST_STEP_SECONDS, VLC_SECONDS[0] - 2 * SHORTEST_STEP_SECONDS, SHORTEST_STEP_SECONDS)
    return [place + dice.randrange(SHORTEST_STEP_SECONDS) for place in dice.sample(steps, SEEKS)]


def _seams(storage: Storage, media_id: UUID, plan: Plan) -> Iterator[tuple[str, int, tuple[int, int], tuple[int, int]]]:
    """Of each segment that was made in whatever order: when it is decoded, from and to, and what is planned."""
    for name in plan.renditions:
        cuts = plan.grid(name).cuts
        init = storage.init_section(media_id, plan.digest, name)
        for number in sorted(storage.segments_present(media_id, plan.digest, name)):
            samples = read_samples(
                storage.segment(media_id, plan.digest, name, number), SampleDefaults.of_init_section(init.read_bytes())
            )
            yield name, number, (samples[0].decode_time, samples[-1].end), (cuts[number], cuts[number + 1])


@pytest.mark.parametrize("viewer", VIEWERS)
def test_every_place_that_is_sought_plays_and_shows_what_belongs_there(night: Any, viewer: str) -> None:
    seen = night["viewers"][viewer]
    assert seen["failure"] is None
    assert len(seen["seeks"]) == SEEKS
    for place in seen["seeks"]:
        assert place["second"] in {int(place["mediaTime"]), int(place["mediaTime"] - LATE_SECONDS)}
        assert place["mediaTime"] >= place["place"]


@pytest.mark.parametrize("viewer", VIEWERS)
def test_after_a_storm_of_seeks_the_last_one_plays(night: Any, viewer: str) -> None:
    storm = night["viewers"][viewer]["storm"]
    assert storm["second"] in {int(storm["mediaTime"]), int(storm["mediaTime"] - LATE_SECONDS)}


@pytest.mark.parametrize("viewer", VIEWERS)
def test_rungs_are_switched_without_a_hole(night: Any, viewer: str) -> None:
    rungs = night["viewers"][viewer]["rungs"]
    assert len(set(rungs["heights"])) == 2
    frames = (rungs["currentTime"] - rungs["from"]) * FRAME_RATE
    assert rungs["frames"] - rungs["before"] >= frames - FRAMES_IN_HAND
    assert rungs["second"] in {int(rungs["mediaTime"]), int(rungs["mediaTime"] - LATE_SECONDS)}


@pytest.mark.parametrize("viewer", VIEWERS)
def test_no_player_meets_an_error_that_it_cannot_mend(night: Any, viewer: str) -> None:
    assert [error for error in night["viewers"][viewer]["errors"] if error.startswith("fatal")] == []


def test_vlc_plays_from_a_place_that_nobody_has_made_and_is_never_refused(night: Any) -> None:
    assert refusals(night["vlc"]) == []
    fetched = {int(number) for number in re.findall(r"Retrieving \S+/360p/(\d+)\.m4s", night["vlc"])}
    first, last = (second // 6 for second in VLC_SECONDS)
    assert fetched >= set(range(first, last + 1))
    assert not fetched & set(range(1, first - 1))


@pytest.mark.parametrize("viewer", range(len(FFMPEG_PLACES)))
def test_ffmpeg_decodes_from_a_place_that_nobody_has_made_without_a_gap(night: Any, viewer: int) -> None:
    place, (frames, complaints) = FFMPEG_PLACES[viewer], night["ffmpeg"][viewer]
    assert complaints == []
    assert frames.keys() == {"video", "audio"}
    for shown in frames.values():
        assert place - 0.1 <= shown[0][0] <= place + 0.1
        assert shown[-1][1] >= place + FFMPEG_SECONDS - 0.1
        assert max(abs(start - end) for (_, end), (start, _) in pairwise(shown)) < 0.001


def test_mpv_shows_the_place_that_it_is_sent_to(night: Any) -> None:
    assert _clock(night["mpv"]) == MPV_PLACE


def _clock(picture: Image.Image) -> int:
    """The second that is written in it."""
    middles = np.asarray(picture)[BAR_PIXELS // 2, BAR_PIXELS // 2 :: BAR_PIXELS][:CLOCK_BARS]
    return sum(1 << bar for bar, brightness in enumerate(middles) if brightness > WHITE)


def test_hardly_more_than_the_beginning_was_there_when_they_came(night: Any) -> None:
    assert night["there"] * 6 < SHORTEST_STEP_SECONDS


def test_every_segment_begins_where_the_one_before_it_ends_whoever_made_them(night: Any) -> None:
    assert [seam for seam in night["seams"] if seam[2] != seam[3]] == []
