"""An evening with the whole corpus: every file uploaded to one house, every film played by every player."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from tests.e2e.browser.house import House as BrowserHouse
from tests.e2e.browser.house import drive
from tests.e2e.house import House, open_house
from tests.e2e.players import PLAYERS, Show, Stream, decoded_ends
from tests.hls_package import Answer, Package, fetch_package
from tests.vod.ffmpeg.corpus import MEDIA, manifest
from vod.hls.plan import Plan
from vod.hls.progress import load_plan
from vod.storage import Storage

BROWSER = "hls.js"
PASSWORD = "a long enough password"
PLAYERS_AT_ONCE = 2

# What is asked here is whether films play, not how they look: few lines and a hasty encoder save minutes.
MAX_LINES = 360
SETTINGS = {"HOMEREEL_HLS_PRESET": "ultrafast", "HOMEREEL_HLS_MAX_LINES": str(MAX_LINES)}


@dataclass(kw_only=True)
class Film:
    """What became of one file of the corpus."""

    name: str
    identifier: str = ""
    status: str = "REFUSED"
    reason: str | None = None  # of a refusal: its code; of a failure: what people are told
    facts: dict[str, Any] = field(default_factory=dict)  # of the media file, as the server tells them
    plan: Plan | None = None
    package: Package | None = None
    decoded_seconds: float = 0.0  # of the original, by ffmpeg
    shows: dict[str, Show] = field(default_factory=dict)


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
        seen, *_ = await asyncio.gather(_play_in_browser(house, ready), _play_in_the_others(house, ready))
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
        # one whose copy did not stand the verification has an older plan beside it
        digest = film.facts["ladderUrl"].split("/")[-2]
        film.plan = load_plan(Storage(house.root), UUID(film.identifier), digest)


async def _play_in_the_others(house: House, films: Sequence[Film]) -> None:
    seats = asyncio.Semaphore(PLAYERS_AT_ONCE)

    async def play(film: Film, player: str) -> None:
        assert film.plan is not None
        async with seats:
            film.shows[player] = await PLAYERS[player](Stream(url=_manifest(house, film), plan=film.plan))

    async with asyncio.TaskGroup() as playing:
        for film in films:
            for player in PLAYERS:
                playing.create_task(play(film, player))


async def _play_in_browser(house: House, films: Sequence[Film]) -> Any:
    house.command("user", "add", "viewer", typed=f"{PASSWORD}\n")
    identifiers = json.dumps([film.identifier for film in films])
    browser = BrowserHouse(house.url(""), house.environment)
    seen = await drive("play_corpus.mjs", browser, name="viewer", password=PASSWORD, films=identifiers)
    for film in films:
        film.shows[BROWSER] = _browser_show(film, seen["shows"][film.identifier])
    return seen


def _browser_show(film: Film, seen: dict[str, Any]) -> Show:
    assert film.plan is not None
    if "failure" in seen:
        return Show(off_seconds=inf, complaints=(seen["failure"],))
    harmless = (_is_slowness, _is_at_the_start, _is_of_a_change)
    errors = [error for error in seen["errors"] if not any(test(seen, error) for test in harmless)]
    complaints = [f"{error['details']} at {error['at']:.2f}" for error in errors]
    if len(seen["buffered"]) != 1:
        complaints.append(f"holes in {seen['buffered']}")
    if seen["tracks"] != list(range(len(heard_tracks(film.plan)))):
        complaints.append(f"heard the tracks {seen['tracks']}")
    duration = float(film.plan.duration_seconds)
    off = max(abs(seen["currentTime"] - duration), abs(seen["duration"] - duration))
    return Show(off_seconds=off, complaints=tuple(complaints))


def heard_tracks(plan: Plan) -> list[int]:
    """Streams of the original; each is there as stereo, and surround perhaps beside it."""
    return list(dict.fromkeys(sound.stream_index for sound in plan.sounds))


def _is_slowness(seen: dict[str, Any], error: dict[str, Any]) -> bool:
    """A stall where everything ahead is buffered without a hole: the decoder cannot keep up with eightfold speed."""
    (_, end), *others = seen["buffered"]
    stalled = error["details"] == "bufferStalledError" and not error["fatal"]
    return stalled and not others and bool(error["at"] < end)


def _is_at_the_start(seen: dict[str, Any], error: dict[str, Any]) -> bool:
    """Sound begins before the first picture: hls.js steps to a tenth of a second behind the beginning of both."""
    details = {"bufferSeekOverHole", "bufferAppendNoProgress"}
    return (
        error["details"] in details and not error["fatal"] and bool(error["at"] <= seen["buffered"][0][0] + 0.1 + 1e-6)
    )


def _is_of_a_change(_seen: dict[str, Any], error: dict[str, Any]) -> bool:
    """What hls.js was fetching of the sound that is left it drops itself, and says so."""
    return error["details"] == "aborted" and not error["fatal"] and bool(error["changing"])


@dataclass(frozen=True)
class _Getter:
    house: House
    film: Film

    async def __call__(self, path: str) -> Answer:
        async with self.house.client.get(f"{_manifest(self.house, self.film).rpartition('/')[0]}/{path}") as answer:
            return Answer(answer.status, await answer.read(), answer.headers)


def _manifest(house: House, film: Film) -> str:
    return house.url(film.facts["manifestUrl"])


async def _decoded_seconds(film: Film) -> float:
    """From the first to the last moment of the streams that the plan uses."""
    assert film.plan is not None
    video = [film.plan.video.stream_index] if film.plan.video else []
    streams = [*video, *heard_tracks(film.plan)]
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
