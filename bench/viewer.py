"""A player of the simplest kind: it chooses a rung, then takes pictures and sound of a place at the same time.

Like hls.js it asks for whole segments, without ranges, and comes back when it is told to.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urljoin

from bench.house import House
from bench.server_process import HOST

# A browser's: the server lets it wait for eight seconds, then tells it to come back.
HEADERS = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"}
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    lines: int
    url: str
    audio_group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    init_url: str
    urls: tuple[str, ...]  # of its segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    rung: Rung
    tracks: tuple[Track, ...]  # pictures, sound

    @property
    def count(self) -> int:
        return min(len(track.urls) for track in self.tracks)


def open_film(house: House, manifest_url: str, choose: Callable[[Sequence[Rung]], Rung]) -> Showing:
    master = get(house, manifest_url).decode()
    rung = choose(_rungs(master, manifest_url))
    sound = re.search(rf'^#EXT-X-MEDIA:TYPE=AUDIO,.*GROUP-ID="{rung.audio_group}".*URI="([^"]+)"', master, re.M)
    if sound is None:
        raise SystemExit(f"no sound for {rung} in\n{master}")
    urls = (rung.url, urljoin(manifest_url, sound[1]))
    return Showing(rung=rung, tracks=tuple(_track(house, url) for url in urls))


def first_listed(rungs: Sequence[Rung]) -> Rung:
    return rungs[0]


def highest(rungs: Sequence[Rung]) -> Rung:
    return max(rungs, key=lambda rung: rung.lines)


def preview(rungs: Sequence[Rung]) -> Rung:
    """The lowest that is worth looking at."""
    return min((rung for rung in rungs if rung.lines >= 360), key=lambda rung: rung.lines)


def take_inits(house: House, showing: Showing) -> None:
    _together(house, [track.init_url for track in showing.tracks])


def take(house: House, showing: Showing, number: int) -> float:
    """Seconds until both segments are there to the last byte."""
    started = time.monotonic()
    _together(house, [track.urls[number] for track in showing.tracks])
    return time.monotonic() - started


def get(house: House, path: str) -> bytes:
    """Raises SystemExit at an error that no player survives, and when it never comes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(HOST, house.port, timeout=PATIENCE_SECONDS)
        connection.request("GET", path, headers=HEADERS)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status == 200:
            return content
        if answer.status != 503:
            raise SystemExit(f"{path}: {answer.status} {content!r}")
        time.sleep(float(answer.headers["Retry-After"]))
    raise SystemExit(f"{path} never came")


def _together(house: House, paths: Sequence[str]) -> list[bytes]:
    with ThreadPoolExecutor(len(paths)) as pool:
        return list(pool.map(lambda path: get(house, path), paths))


def _rungs(master: str, url: str) -> list[Rung]:
    listed = re.findall(r"^#EXT-X-STREAM-INF:(.*)\n(\S+)$", master, re.M)
    return [_rung(attributes, urljoin(url, path)) for attributes, path in listed]


def _rung(attributes: str, url: str) -> Rung:
    lines = int(_attribute(attributes, r"RESOLUTION=\d+x(\d+)"))
    return Rung(lines=lines, url=url, audio_group=_attribute(attributes, 'AUDIO="([^"]+)"'))


def _attribute(line: str, pattern: str) -> str:
    found = re.search(pattern, line)
    if found is None:
        raise SystemExit(f"no {pattern} in {line}")
    return found[1]


def _track(house: House, url: str) -> Track:
    playlist = get(house, url).decode()
    init = _attribute(playlist, '#EXT-X-MAP:URI="([^"]+)"')
    segments = re.findall(r"^[^#\s]\S*$", playlist, re.M)
    return Track(init_url=urljoin(url, init), urls=tuple(urljoin(url, name) for name in segments))
