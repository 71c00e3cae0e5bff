"""A film of which little more than the plan exists: what is asked for is made, while the rest is being encoded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.e2e.films import film
from tests.e2e.frames import shown_times
from tests.e2e.house import LOOK_SECONDS, PATIENCE_SECONDS, House, open_house

# Slow enough that nobody comes past the beginning while a test looks.
SETTINGS = {
    "HOMEREEL_HLS_PRESET": "medium",
    "HOMEREEL_HLS_CRF": "10",
    "HOMEREEL_HLS_COPY_ORIGINALS": "false",
    "HOMEREEL_QUEUE_POLL_SECONDS": "0.5",
}
VLC = {"User-Agent": "VLC/3.0.24 LibVLC/3.0.24"}
BROWSER = {"User-Agent": "Mozilla/5.0"}
PREVIEW = "360p"

pytestmark = pytest.mark.timeout(600)


class Showing:
    """A film that can be played but is far from made."""

    def __init__(self, house: House, media: dict[str, Any], master: str, playlist: str) -> None:
        self.house = house
        self.id = media["id"]
        self.status = media["status"]
        self.base = media["manifestUrl"].removesuffix("master.m3u8")
        self.master = master
        self.digest = re.search(rf"^(\w+)/{PREVIEW}\.m3u8$", master, re.M)[1]  # type: ignore[index]
        self.segments = re.findall(r"^\S+\.m4s$", playlist, re.M)

    async def get(self, name: str, headers: dict[str, str] = VLC) -> bytes:
        url = self.house.url(f"{self.base}{self.digest}/{name}")
        async with self.house.client.get(url, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def jobs(self) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.house.key}"}
        async with self.house.client.get(self.house.url("/api/jobs?limit=200"), headers=headers) as answer:
            found: list[dict[str, Any]] = (await answer.json())["items"]
        return [job for job in found if job["mediaFileId"] == self.id]

    async def demands(self) -> list[dict[str, Any]]:
        return [job for job in await self.jobs() if job["lane"] in {PREVIEW, "audio-und"}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def showing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Showing]:
    async with open_house(tmp_path_factory.mktemp("holes"), **SETTINGS) as house:
        identifier = await house.upload(film("long.mp4"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (media := await house.film(identifier))["manifestUrl"]:
                assert media["status"] != "FAILED", media["errorMessage"]
                await asyncio.sleep(LOOK_SECONDS)
        async with house.client.get(house.url(media["manifestUrl"])) as answer:
            master = await answer.text()
        playlist = re.search(rf"^\w+/{PREVIEW}\.m3u8$", master, re.M)
        assert playlist is not None, master
        async with house.client.get(house.url(media["manifestUrl"].replace("master.m3u8", playlist[0]))) as answer:
            yield Showing(house, media, master, await answer.text())


@pytest.mark.asyncio(loop_scope="module")
async def test_a_film_can_be_played_long_before_it_is_made(showing: Showing) -> None:
    assert showing.status == "PROCESSING"
    assert re.findall(r"^\w+/(\w+)\.m3u8$", showing.master, re.M) == [PREVIEW]
    assert len(showing.segments) == 50
    assert await showing.get(showing.segments[0])


@pytest.mark.asyncio(loop_scope="module")
async def test_a_place_that_nobody_has_made_is_made_when_it_is_asked_for(showing: Showing, tmp_path: Path) -> None:
    last = len(showing.segments) - 1
    picture = await showing.get(f"{PREVIEW}/init.mp4") + await showing.get(showing.segments[last])
    clip = tmp_path / "last.mp4"
    clip.write_bytes(picture)
    assert shown_times(clip)[0] == last * 6 * 12800
    assert await showing.get(f"audio-und/{last:05d}.m4s")
    assert (await showing.house.film(showing.id))["status"] == "PROCESSING"


@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_made_for_a_viewer_is_not_made_again(showing: Showing) -> None:
    before = len(await showing.demands())
    first = await showing.get(showing.segments[-1])
    assert await showing.get(showing.segments[-1], BROWSER) == first
    assert len(await showing.demands()) == before


@pytest.mark.asyncio(loop_scope="module")
async def test_any_number_of_viewers_of_one_place_cost_one_encode(showing: Showing) -> None:
    before = len(await showing.demands())
    bodies = await asyncio.gather(*(showing.get(showing.segments[30]) for _ in range(12)))
    assert len(set(bodies)) == 1
    assert len(await showing.demands()) == before + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_viewer_who_leaves_is_no_longer_worked_for(showing: Showing) -> None:
    """Each of them asks for a place and seeks on at once; only the last one stays."""
    for place in (40, 36, 20):
        leaving = asyncio.ensure_future(showing.get(showing.segments[place]))
        await _until(showing, partial(_begins_at, place))
        leaving.cancel()
    await showing.get(showing.segments[15])
    await _until(showing, lambda jobs: not any(job["firstSegment"] in {40, 36, 20} for job in jobs if _is_open(job)))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_rung_that_is_not_made_yet_comes_when_somebody_chooses_it(showing: Showing) -> None:
    assert await showing.get("240p/init.mp4")
    assert await showing.get("240p/00025.m4s")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_segment_beyond_the_plan_is_never_made(showing: Showing) -> None:
    with pytest.raises(aiohttp.ClientResponseError) as refused:
        await showing.get(f"{PREVIEW}/00050.m4s")
    assert refused.value.status == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_a_cancelled_film_keeps_what_it_has_and_makes_no_more(showing: Showing) -> None:
    headers = {"Authorization": f"Bearer {showing.house.key}"}
    url = showing.house.url(f"/media-files/{showing.id}/cancel")
    async with showing.house.client.post(url, headers=headers) as answer:
        answer.raise_for_status()
    assert await showing.get(showing.segments[0], BROWSER)
    with pytest.raises(aiohttp.ClientResponseError) as refused:
        await showing.get(showing.segments[45], BROWSER)
    assert refused.value.status == 503


async def _until(showing: Showing, holds: Callable[[list[dict[str, Any]]], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds(await showing.demands()):
            await asyncio.sleep(LOOK_SECONDS)


def _begins_at(place: int, jobs: list[dict[str, Any]]) -> bool:
    return any(job["firstSegment"] == place for job in jobs)


def _is_open(job: dict[str, Any]) -> bool:
    return job["state"] in {"PENDING", "IN_PROGRESS"}
