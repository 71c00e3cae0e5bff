"""Stills for the seek bars of DASH players: Shaka finds each at its time, and who knows none plays the film."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.clips import clips_folder, make
from tests.e2e.browser.house import House as BrowserHouse
from tests.e2e.browser.house import drive
from tests.e2e.house import LOOK_SECONDS, PATIENCE_SECONDS, House, open_house
from tests.e2e.players import NO_DESKTOP, Stream, play_dash_in_ffmpeg, play_in_mpv, refusals, run_vlc
from tests.worker.winding import COLOUR_SECONDS, COLOURS, RGB, colours
from vod.hls.progress import load_plan
from vod.storage import Storage

pytestmark = pytest.mark.timeout(600)

# It takes every set for a stream, fetches one sheet, says that, and goes on without.
STILLS_IN_VLC = "Failed to create demuxer"
SECONDS = COLOUR_SECONDS * len(COLOURS)


@dataclass(frozen=True)
class Listed:
    """A film whose manifest lists its stills."""

    house: House
    media: dict[str, Any]

    @property
    def stream(self) -> Stream:
        address = self.house.url(self.media["dashUrl"])
        digest = address.split("/")[-2]
        plan = load_plan(Storage(self.house.root), UUID(self.media["id"]), digest)
        return Stream(url=address, dash_url=address, transport_url="", plan=plan)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def film(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Listed]:
    async with open_house(tmp_path_factory.mktemp("stills"), HOMEREEL_HLS_PRESET="ultrafast") as house:
        media = await house.ends(await house.upload(heard_colours()))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "thumbnail_tile" not in await manifest(house, media):
                await asyncio.sleep(LOOK_SECONDS)
        yield Listed(house, media)


def heard_colours() -> Path:
    path = clips_folder() / "heard-colours.mp4"
    keyed = colours("keyed.mp4", "-g", "25", "-keyint_min", "25")
    make("-i", str(keyed), "-f", "lavfi", "-i", f"sine=d={SECONDS}", "-c:v", "copy", "-c:a", "aac", str(path))
    return path


async def manifest(house: House, media: dict[str, Any]) -> str:
    async with house.client.get(house.url(media["dashUrl"])) as answer:
        answer.raise_for_status()
        return await answer.text()


@pytest.mark.asyncio(loop_scope="module")
async def test_shaka_finds_each_still_at_its_time(film: Listed) -> None:
    browser = BrowserHouse(film.house.url(""), film.house.environment)
    times = [COLOUR_SECONDS * (n + 0.5) for n in range(len(COLOURS))] + [0, SECONDS - 0.1]
    given = json.dumps({"dash": film.media["dashUrl"]})
    seen = await drive("thumbnails.mjs", browser, film=given, times=times)
    assert seen["errors"] == []
    assert seen["tracks"] == [{"width": 160, "height": 90, "mimeType": "image/jpeg"}]
    found = [nearest(still["colour"]) for still in seen["stills"]]
    assert found == [*COLOURS, COLOURS[0], COLOURS[-1]]
    assert all(
        still["startTime"] <= time < still["startTime"] + still["duration"]
        for still, time in zip(seen["stills"], times, strict=True)
    )


def nearest(colour: list[int]) -> str:
    return min(RGB, key=lambda name: sum(abs(a - b) for a, b in zip(RGB[name], colour, strict=True)))


@pytest.mark.asyncio(loop_scope="module")
async def test_ffmpeg_plays_the_film_all_the_same(film: Listed) -> None:
    show = await play_dash_in_ffmpeg(film.stream)
    assert show.complaints == ()
    assert show.off_seconds <= 0.1


@pytest.mark.asyncio(loop_scope="module")
async def test_mpv_plays_the_film_all_the_same(film: Listed) -> None:
    show = await play_in_mpv(film.stream)
    assert show.complaints == ()
    assert show.off_seconds <= 0.1


@pytest.mark.asyncio(loop_scope="module")
async def test_vlc_plays_the_film_all_the_same(film: Listed) -> None:
    log, status = await run_vlc(film.stream.dash_url, "--rate", "8")
    harmless = (NO_DESKTOP, STILLS_IN_VLC)
    errors = [line for line in log.splitlines() if " error: " in line]
    assert [line for line in errors if not any(words in line for words in harmless)] == []
    assert (status, refusals(log)) == (0, [])
    assert "EOF reached" in log
