"""A household that keeps little: a quality is made for who watches it, goes with the budget, and comes back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.films import film
from tests.e2e.frames import shown_times
from tests.e2e.house import LOOK_SECONDS, House, open_house

SETTINGS = {
    "HOMEREEL_HLS_POLICY": "on-demand",
    "HOMEREEL_HLS_CACHE_BYTES": "1",
    "HOMEREEL_HLS_COPY_ORIGINALS": "false",
    "HOMEREEL_QUEUE_SWEEP_SECONDS": "1",
}
VLC = {"User-Agent": "VLC/3.0.24 LibVLC/3.0.24"}
KEPT, CACHED = "360p", "240p"

pytestmark = pytest.mark.timeout(300)


class Shelf:
    """One READY film."""

    def __init__(self, house: House, media: dict[str, Any], digest: str) -> None:
        self.house, self.media, self.digest = house, media, digest
        self.folder = house.root / "hls" / str(media["id"]) / digest / CACHED

    def segments(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.m4s"))

    def held_open(self) -> list[str]:
        """Segments that the server keeps on the disk although they were deleted."""
        assert self.house.server is not None
        links = Path(f"/proc/{self.house.server.pid}/fd").iterdir()
        opened = [str(link.readlink()) for link in links if link.is_symlink()]
        return [path for path in opened if path.endswith(".m4s (deleted)")]

    async def get(self, name: str) -> bytes:
        url = self.house.url(self.media["manifestUrl"].replace("master.m3u8", name))
        async with self.house.client.get(url, headers=VLC) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def play(self, number: int) -> bytes:
        return await self.get(f"{self.digest}/{CACHED}/{number:05d}.m4s")

    async def master(self) -> list[str]:
        return re.findall(r"^\w+/(\w+)\.m3u8$", (await self.get("master.m3u8")).decode(), re.MULTILINE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shelf(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shelf]:
    async with open_house(tmp_path_factory.mktemp("budget"), **SETTINGS) as house:
        media = await house.ends(await house.upload(film("mp4-23.976.mp4")))
        assert media["status"] == "READY", media["errorMessage"]
        (digest,) = {path.parent.name for path in (house.root / "hls" / media["id"]).glob("*/plan.json")}
        yield Shelf(house, media, digest)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_film_is_ready_with_one_quality_and_its_sound(shelf: Shelf) -> None:
    assert await shelf.master() == [KEPT]
    assert {one["name"]: one["complete"] for one in shelf.media["renditions"]} == {
        KEPT: True,
        CACHED: False,
        "audio-und": True,
    }
    assert [path.name for path in shelf.folder.iterdir()] == ["init.mp4"]


@pytest.mark.asyncio(loop_scope="module")
async def test_another_quality_is_made_for_who_asks_goes_again_and_comes_back(shelf: Shelf, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    await shelf.play(1)
    await _until(lambda: shelf.segments() == [])
    # on the same connection, which holds its last response until there is another
    assert await shelf.master() == [KEPT]
    await _until(lambda: shelf.held_open() == [])
    clip.write_bytes(await shelf.get(f"{shelf.digest}/{CACHED}/init.mp4") + await shelf.play(1))
    assert shown_times(clip)[0] == 144 * 1001
    assert "00001.m4s" in shelf.segments()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_film_that_lost_a_quality_is_still_ready(shelf: Shelf) -> None:
    media = await shelf.house.film(shelf.media["id"])
    assert (media["status"], media["readyAt"]) == ("READY", shelf.media["readyAt"])
    assert media["hasTrickplay"]


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(LOOK_SECONDS)
