"""Players in Chromium: our own watch page, and those of other people's pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import inf
from typing import Any

from tests.e2e.browser.house import House as BrowserHouse
from tests.e2e.browser.house import drive
from tests.e2e.corpus_film import Film
from tests.e2e.house import House
from tests.e2e.players import Show

OURS = "hls.js"
ELSEWHERE = ("Shaka", "Shaka DASH", "video.js", "Chromium", "hls.js TS")
PASSWORD = "a long enough password"


async def play_on_our_pages(house: House, films: Sequence[Film]) -> Any:
    """Each film on its watch page. Returns what the browser complained of."""
    house.command("user", "add", "viewer", typed=f"{PASSWORD}\n")
    identifiers = json.dumps([film.identifier for film in films])
    browser = BrowserHouse(house.url(""), house.environment)
    seen = await drive("play_corpus.mjs", browser, name="viewer", password=PASSWORD, films=identifiers)
    for film in films:
        film.shows[OURS] = _browser_show(film, seen["shows"][film.identifier])
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
    if seen["tracks"] != list(range(len(film.heard_tracks()))):
        complaints.append(f"heard the tracks {seen['tracks']}")
    duration = float(film.plan.duration_seconds)
    off = max(abs(seen["currentTime"] - duration), abs(seen["duration"] - duration))
    return Show(off_seconds=off, complaints=tuple(complaints))


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


async def play_elsewhere(house: House, films: Sequence[Film]) -> None:
    """In the players of `ELSEWHERE`, on a page that has nothing of ours."""
    addresses = {"hls": "manifestUrl", "dash": "dashUrl", "transport": "transportUrl"}
    told = [{"id": film.identifier, **{name: film.facts[fact] for name, fact in addresses.items()}} for film in films]
    browser = BrowserHouse(house.url(""), house.environment)
    seen = await drive("play_elsewhere.mjs", browser, films=json.dumps(told))
    for film in films:
        for player in ELSEWHERE:
            film.shows[player] = _show_elsewhere(film, seen["shows"][film.identifier][player])


def _show_elsewhere(film: Film, seen: dict[str, Any]) -> Show:
    assert film.plan is not None
    if "failure" in seen:
        return Show(off_seconds=inf, complaints=(seen["failure"],))
    complaints = list(seen["errors"])
    if len(seen.get("buffered", [()])) != 1:
        complaints.append(f"holes in {seen['buffered']}")
    languages = {sound.language for sound in film.plan.sounds}
    if set(seen.get("audio", languages)) != languages:
        complaints.append(f"it knows sound in {seen['audio']}")
    duration = float(film.plan.duration_seconds)
    off = max(abs(seen["currentTime"] - duration), abs(seen["duration"] - duration))
    return Show(off_seconds=off, complaints=tuple(complaints))
