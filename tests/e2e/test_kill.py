"""Whatever is killed, a film becomes READY, with the frames it would have had, and keeps what was made."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.e2e.films import film
from tests.e2e.frames import joined, shown_times
from tests.e2e.house import LOOK_SECONDS, House, open_house
from vod.hls.plan import Plan
from vod.hls.progress import load_plan
from vod.storage import Storage

KILLS = 30
MOST_NEW_SEGMENTS = 3
MOST_SECONDS = 0.3

# Few segments a span and short leases: many moments to be killed in, and little waiting after each.
SETTINGS = {
    "HOMEREEL_HLS_SEGMENT_SECONDS": "2",
    "HOMEREEL_HLS_SPAN_SECONDS": "6",
    "HOMEREEL_HLS_AUDIO_SPAN_SECONDS": "12",
    "HOMEREEL_HLS_PRESET": "ultrafast",
    "HOMEREEL_HLS_COPY_ORIGINALS": "false",  # there would be little to kill
    "HOMEREEL_QUEUE_LEASE_SECONDS": "2",
    "HOMEREEL_QUEUE_SWEEP_SECONDS": "1",
    "HOMEREEL_QUEUE_POLL_SECONDS": "0.5",
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, **SETTINGS) as opened:
        yield opened


@pytest.mark.timeout(900)
async def test_a_film_survives_thirty_kills_of_server_worker_and_ffmpeg(house: House) -> None:
    chance = random.Random(20)
    original = film("long.mp4")
    identifier = await house.upload(original)
    kept: dict[Path, int] = {}
    kills = 0
    while kills < KILLS and not await _is_ended(house, identifier):
        await _until_new_segments(house, chance.randint(0, MOST_NEW_SEGMENTS), identifier)
        await asyncio.sleep(chance.uniform(0, MOST_SECONDS))
        kept |= _segments(house)
        kills += await _kill_one(house, chance)
    ended = await house.ends(identifier)
    assert kills == KILLS
    assert (ended["status"], ended["errorMessage"]) == ("READY", None)
    now = _segments(house)
    assert {path: inode for path, inode in now.items() if path in kept} == kept
    _assert_undisturbed(house, identifier, original)


async def _kill_one(house: House, chance: random.Random) -> bool:
    """Whether there was somebody to kill."""
    victim = chance.choice(["server", "worker", "ffmpeg", "ffmpeg"])
    if victim == "server":
        await house.kill_server()
        await house.start()
        return True
    found = house.processes(victim)
    if found:
        os.kill(chance.choice(found), signal.SIGKILL)
    return bool(found)


async def _until_new_segments(house: House, count: int, identifier: str) -> None:
    wanted = len(_segments(house)) + count
    while len(_segments(house)) < wanted and not await _is_ended(house, identifier):
        await asyncio.sleep(LOOK_SECONDS)


async def _is_ended(house: House, identifier: str) -> bool:
    return (await house.film(identifier))["status"] in {"READY", "FAILED"}


def _segments(house: House) -> dict[Path, int]:
    """Every published segment, with the inode that a second writing would change."""
    return {path: path.stat().st_ino for path in house.root.glob("hls/*/*/*/*.m4s")}


def _assert_undisturbed(house: House, identifier: str, original: Path) -> None:
    storage, plan = Storage(house.root), _plan(house, identifier)
    assert plan.video is not None
    wanted = [
        tick * plan.video.ticks_per_source_tick - plan.video.origin_ticks
        for tick in shown_times(original, plan.video.stream_index)
    ]
    for rung in plan.rungs:
        folder = storage.rendition(UUID(identifier), plan.digest, rung.name)
        assert shown_times(joined(folder, plan.grid(rung.name).count)) == wanted


def _plan(house: House, identifier: str) -> Plan:
    (path,) = house.root.glob(f"hls/{identifier}/*/plan.json")
    return load_plan(Storage(house.root), UUID(identifier), path.parent.name)
