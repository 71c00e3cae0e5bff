"""An evening with the whole corpus: every file uploaded to one house, every film played by every player."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import aiohttp

from tests.e2e.browsers import play_elsewhere, play_on_our_pages
from tests.e2e.corpus_film import Film
from tests.e2e.house import House, open_house
from tests.e2e.players import PLAYERS, Stream, decoded_ends
from tests.hls_package import Answer, fetch_package
from tests.vod.ffmpeg.corpus import MEDIA, manifest
from vod.hls.progress import load_plan
from vod.storage import Storage

PLAYERS_AT_ONCE = 2

# What is asked here is whether films play, not how they look: few lines and a hasty encoder save minutes.
MAX_LINES = 360
SETTINGS = {"HOMEREEL_HLS_PRESET": "ultrafast", "HOMEREEL_HLS_MAX_LINES": str(MAX_LINES), "HOMEREEL_HLS_MPEGTS": "true"}


@dataclass(kw_only=True)
class Evening:
    films: dict[str, Film]
    violations: Sequence[str]  # of the content security policy, in the browser
    console_errors: Sequence[str]


async def spend_evening(folder: Path) -> Evening:
    async with open_house(folder, **SETTINGS) as house:
        films = [await _upload(house, name) for name in manifest()]
        for film in films:
            await _wait_for(house, film)
        ready = [film for film in films if film.plan]
        seen, *_ = await asyncio.gather(play_on_our_pages(house, ready), _play_outside_browsers(house, ready))
        await play_elsewhere(house, ready)
        for film in ready:
            assert film.plan is not None
            copied = [one.name for one in film.plan.copies]
            film.package = await fetch_package(_Getter(house, film), copied=copied)
            film.decoded_seconds = await _decoded_seconds(film)
    found = {film.name: film for film in films}
    return Evening(films=found, violations=seen["violations"], console_errors=seen["consoleErrors"])


async def _upload(house: House, name: str) -> Film:
    form = aiohttp.FormData()
    with (MEDIA / name).open("rb") as content:
        form.add_field("file", content, filename=name)
        headers = {"Authorization": f"Bearer {house.key}"}
        async with house.client.post(house.url("/media/upload"), headers=headers, data=form) as answer:
            said = await answer.json()
    if answer.ok:
        return Film(name=name, identifier=said["mediaFileId"])
    return Film(name=name, reason=said["code"])


async def _wait_for(house: House, film: Film) -> None:
    if not film.identifier:
        return
    film.facts = await house.ends(film.identifier)
    film.status, film.reason = film.facts["status"], film.facts["errorMessage"]
    if film.status == "READY":
        film.subtitles = (await house.ask("GET", f"/media-files/{film.identifier}/subtitles"))["items"]
        # one whose copy did not stand the verification has an older plan beside it
        digest = film.facts["ladderUrl"].split("/")[-2]
        film.plan = load_plan(Storage(house.root), UUID(film.identifier), digest)


async def _play_outside_browsers(house: House, films: Sequence[Film]) -> None:
    seats = asyncio.Semaphore(PLAYERS_AT_ONCE)

    async def play(film: Film, player: str) -> None:
        assert film.plan is not None
        async with seats:
            film.shows[player] = await PLAYERS[player](_stream(house, film))

    async with asyncio.TaskGroup() as playing:
        for film in films:
            for player in PLAYERS:
                playing.create_task(play(film, player))


@dataclass(frozen=True)
class _Getter:
    house: House
    film: Film

    async def __call__(self, path: str) -> Answer:
        async with self.house.client.get(f"{_manifest(self.house, self.film).rpartition('/')[0]}/{path}") as answer:
            return Answer(answer.status, await answer.read(), answer.headers)


def _stream(house: House, film: Film) -> Stream:
    assert film.plan is not None
    return Stream(
        url=_manifest(house, film),
        dash_url=house.url(film.facts["dashUrl"]),
        transport_url=house.url(film.facts["transportUrl"]),
        plan=film.plan,
    )


def _manifest(house: House, film: Film) -> str:
    return house.url(film.facts["manifestUrl"])


async def _decoded_seconds(film: Film) -> float:
    """From the first to the last moment of the streams that the plan uses."""
    assert film.plan is not None
    video = [film.plan.video.stream_index] if film.plan.video else []
    streams = [*video, *film.heard_tracks()]
    mapped = [word for stream in streams for word in ("-map", f"0:{stream}")]
    encoders = ("-fps_mode", "passthrough", "-enc_time_base", "-1", "-c:v", "rawvideo", "-c:a", "pcm_s16le")
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-nostdin", "-v", "quiet", "-copyts", "-i", f"file:{MEDIA / film.name}"),
        *(*mapped, *encoders, "-f", "framecrc", "-"),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    ends = [end for _, end in decoded_ends(output.decode())]
    return float(max(ends) - film.plan.start_seconds)
