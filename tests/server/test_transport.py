"""Transport streams are there where they are turned on, by the same tokens as everything else of a film."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.running import Running, ask, running
from tests.server.streaming import FILM, Film, make_app, make_film
from tests.vod.hls.copied import BASE, copy_pictures, fetched, original
from vod.config import Config, HlsSection

ON = Config(hls=HlsSection(mpegts=True))


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Its first segment has pictures in it."""
    made = make_film(tmp_path)
    path = original(BASE)
    copied = copy_pictures(path)
    made.put(made.storage.init_section(FILM, made.digest, "720p"), copied.init)
    made.put(made.storage.segment(FILM, made.digest, "720p", 0), fetched(path, copied.segments[0]))
    line = '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001F"'
    made.put(made.storage.master(FILM), f"#EXTM3U\n{line}\n{made.digest}/720p.m3u8\n".encode())
    return made


@pytest.fixture
async def server(film: Film) -> AsyncIterator[Running]:
    async with running(make_app(film, ON)) as started:
        yield started


def segment(film: Film, name: str = "720p/00000.ts") -> str:
    return film.hls(f"{film.digest}/ts/{name}")


async def test_playlists_lead_to_segments(server: Running, film: Film) -> None:
    master = await ask(server, film.hls("transport.m3u8"))
    assert (master.status, master.body.decode().splitlines()[-1]) == (200, f"{film.digest}/ts/720p.m3u8")
    assert master.headers["content-type"] == "application/vnd.apple.mpegurl"
    media = await ask(server, film.hls(f"{film.digest}/ts/720p.m3u8"))
    assert (media.status, media.body[:7]) == (200, b"#EXTM3U")


async def test_a_segment_is_immutable_packets_with_everything_a_player_needs(server: Running, film: Film) -> None:
    answer = await ask(server, segment(film))
    assert (answer.status, answer.body[0], len(answer.body) % 188) == (200, 0x47, 0)
    assert answer.headers["content-type"] == "video/mp2t"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["access-control-allow-origin"] == "*"
    part = await ask(server, segment(film), Range="bytes=188-375")
    assert (part.status, part.body) == (206, answer.body[188:376])
    again = await ask(server, segment(film), If_None_Match=answer.headers["etag"])
    assert again.status == 304


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("720p/00009.ts", id="a segment behind the end"),
        pytest.param("480p/00000.ts", id="a rendition that is not planned"),
        pytest.param("720p.audio-eng/00000.ts", id="sound that is not planned"),
        pytest.param("720p/00001.ts", id="bytes that are no pictures"),
        pytest.param("720p/0.ts", id="another spelling"),
        pytest.param("480p.m3u8", id="a playlist that is not there"),
    ],
)
async def test_what_there_is_not_is_not_found(server: Running, film: Film, name: str) -> None:
    assert (await ask(server, segment(film, name))).status == 404


async def test_a_page_of_somebody_else_may_ask_with_ranges(server: Running, film: Film) -> None:
    answer = await ask(server, segment(film), "OPTIONS")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "*")


async def test_a_foreign_token_opens_nothing(server: Running, film: Film) -> None:
    for path in (film.hls("transport.m3u8"), segment(film), segment(film, "720p.m3u8")):
        assert (await ask(server, path.replace(film.token(), "x.y.z"))).status == 403


async def test_nothing_is_there_unless_it_is_turned_on(film: Film) -> None:
    async with running(make_app(film)) as started:
        for path in (film.hls("transport.m3u8"), segment(film), segment(film, "720p.m3u8")):
            assert (await ask(started, path)).status == 404
