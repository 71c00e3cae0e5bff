"""A film as a transport stream, for televisions and boxes: in players of their kind, and before it is made."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.clips import clips_folder, make
from tests.e2e.browser.house import House as BrowserHouse
from tests.e2e.browser.house import drive
from tests.e2e.films import SECONDS, X264, film
from tests.e2e.house import House, open_house
from tests.e2e.players import (
    NO_DESKTOP,
    Stream,
    play_in_mpv,
    play_transport_in_ffmpeg,
    play_transport_in_gstreamer,
    refusals,
    run_vlc,
)
from vod.hls.mpegts import CLOCK, DELAY
from vod.hls.progress import load_plan
from vod.storage import Storage

pytestmark = pytest.mark.timeout(600)

# When somebody speaks, once across a cut; and times a picture before, behind and between
LIT = ((1.0, 2.6), (5.0, 7.4), (11.0, 12.0))
AROUND = (0.5, 0.94, 1.06, 2.54, 2.66, 4.94, 5.06, 6.5, 7.34, 7.46, 10.94, 11.06, 11.94, 12.06)
FILMS = ("mp4-23.976.mp4", "variable.mkv")
SETTINGS = {"HOMEREEL_HLS_PRESET": "ultrafast", "HOMEREEL_HLS_MPEGTS": "true"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("transport"), **SETTINGS) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def streams(house: House) -> dict[str, Stream]:
    found = {}
    for name in FILMS:
        media = await house.ends(await house.upload(film(name)))
        assert media["status"] == "READY"
        found[name] = stream(house, media)
    return found


def stream(house: House, media: dict[str, Any]) -> Stream:
    digest = media["ladderUrl"].split("/")[-2]
    return Stream(
        url=house.url(media["transportUrl"]),
        dash_url="",
        transport_url=house.url(media["transportUrl"]),
        plan=load_plan(Storage(house.root), UUID(media["id"]), digest),
    )


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.asyncio(loop_scope="module")
async def test_all_of_it_is_decoded_by_ffmpeg_at_its_time(streams: dict[str, Stream], name: str) -> None:
    show = await play_transport_in_ffmpeg(streams[name])
    assert show.complaints == ()
    assert show.off_seconds <= 0.1


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.asyncio(loop_scope="module")
async def test_it_plays_to_its_end_in_mpv(streams: dict[str, Stream], name: str) -> None:
    show = await play_in_mpv(streams[name])
    assert show.complaints == ()
    assert show.off_seconds <= 0.1


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.asyncio(loop_scope="module")
async def test_it_plays_to_its_end_in_gstreamer(streams: dict[str, Stream], name: str) -> None:
    shown, status = await play_transport_in_gstreamer(streams[name].url)
    assert status == 0
    assert shown == pytest.approx({"video": SECONDS, "audio": SECONDS}, abs=0.2)


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.asyncio(loop_scope="module")
async def test_it_plays_to_its_end_in_vlc(streams: dict[str, Stream], name: str) -> None:
    log, status = await run_vlc(streams[name].url, "--rate", "8")
    assert [line for line in log.splitlines() if " error: " in line and NO_DESKTOP not in line] == []
    assert (status, refusals(log)) == (0, [])
    assert "EOF reached" in log
    # VLC tells of every counter that does not go on
    assert "discontinuity" not in log


@pytest.mark.asyncio(loop_scope="module")
async def test_subtitles_are_shown_while_the_picture_that_they_belong_to_is(house: House) -> None:
    media = await house.ends(await house.upload(lit_film()))
    browser = BrowserHouse(house.url(""), house.environment)
    film = json.dumps({"transport": media["transportUrl"]})
    shown = await drive("transport_cues.mjs", browser, film=film, cues=len(LIT), times=AROUND)
    assert shown["errors"] == []
    expected = [[any(start <= time < end for start, end in LIT)] * 2 for time in AROUND]
    assert shown["seen"] == expected


@pytest.mark.asyncio(loop_scope="module")
async def test_what_nobody_has_made_yet_is_waited_for(house: House) -> None:
    media_id = await house.upload(film("transport-25.ts"))
    media = await playable(house, media_id)
    base = house.url(media["transportUrl"]).removesuffix("transport.m3u8")
    master = await text_of(house, house.url(media["transportUrl"]))
    variant = re.findall(r"^\S+/ts/\S+\.m3u8$", master, re.M)[-1]
    playlist = await text_of(house, base + variant)
    last = re.findall(r"^\S+\.ts$", playlist, re.M)[-1]
    async with house.client.get(
        f"{base}{variant.rpartition('/')[0]}/{last}", headers={"User-Agent": "VLC/3"}
    ) as answer:
        assert (answer.status, answer.content_type) == (200, "video/mp2t")
        content = await answer.read()
    assert await shown_seconds(content) == pytest.approx(SECONDS + DELAY / CLOCK, abs=0.2)


def lit_film() -> Path:
    """White while somebody speaks, else black."""
    path, text = clips_folder() / "lit.mkv", clips_folder() / "lit.srt"
    text.write_text("".join(f"{n}\n{stamp(start)} --> {stamp(end)}\nlit\n\n" for n, (start, end) in enumerate(LIT)))
    lit = "+".join(f"between(t,{start},{end - 0.02})" for start, end in LIT)
    picture = f"color=black:s=640x360:r=25:d={SECONDS},drawbox=c=white:t=fill:enable='{lit}'"
    sound = f"sine=d={SECONDS}"
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-i", str(text))
    make(*inputs, *X264, "-c:a", "aac", "-c:s", "copy", "-disposition:s:0", "default", str(path))
    return path


def stamp(seconds: float) -> str:
    return f"00:00:{int(seconds):02d},{round(seconds % 1 * 1000):03d}"


async def playable(house: House, media_id: str) -> dict[str, Any]:
    while not (media := await house.film(media_id))["playable"]:
        await asyncio.sleep(0.05)
    return media


async def text_of(house: House, url: str) -> str:
    async with house.client.get(url) as answer:
        answer.raise_for_status()
        return await answer.text()


async def shown_seconds(content: bytes) -> float:
    """When its last picture is shown, on the stream's clock."""
    process = await asyncio.create_subprocess_exec(
        *("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0"),
        *("-f", "mpegts", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(content)
    return max(float(line.split(",")[0]) for line in output.decode().splitlines() if line[:1].isdigit())
