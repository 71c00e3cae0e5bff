"""Transport streams are there where they are turned on, by the same tokens as everything else of a film."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.server.running import Running, ask, running
from tests.server.streaming import FILM, Film, make_app, make_film
from tests.vod.hls.copied import BASE, copy_pictures, fetched, original
from vod.config import Config, HlsSection
from vod.hls.mpegts import DELAY
from vod.hls.plan import CopiedRung
from vod.hls.subtitle_files import publish_cues
from vod.storage import make_folder
from vod.subtitles.cues import Cue

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


async def test_subtitles_are_moved_onto_the_clock_of_the_streams(server: Running, film: Film) -> None:
    publish_cues(film.storage, FILM, film.plan, "subs-eng", [Cue(start_ms=1000, end_ms=2000, text="Hi")])
    listed = await ask(server, segment(film, "subs-eng.m3u8"))
    assert listed.body.decode().splitlines()[-2] == "subs-eng/00003.vtt"
    answer = await ask(server, segment(film, "subs-eng/00000.vtt"))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/vtt; charset=utf-8")
    assert f"X-TIMESTAMP-MAP=MPEGTS:{DELAY},LOCAL:00:00:00.000" in answer.body.decode().splitlines()
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    untouched = await ask(server, film.hls(f"{film.digest}/subs-eng/00000.vtt"))
    assert "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000" in untouched.body.decode().splitlines()


async def test_what_would_be_refused_for_its_size_is_not_listed(server: Running, film: Film) -> None:
    """A listed segment is never 404 (hls-rules.md rule 24)."""
    assert film.plan.video is not None
    copied = CopiedRung(
        name="original", stream_index=0, width=3840, height=2160, codec="avc1.640033", expected_bps=100_000_000
    )
    plan = replace(film.plan, video=replace(film.plan.video, copied=copied))
    make_folder(film.storage.plan_folder(FILM, plan.digest))
    film.put(film.storage.plan(FILM, plan.digest), plan.to_json().encode())
    line = '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001F"'
    variants = "".join(f"{line}\n{plan.digest}/{name}.m3u8\n" for name in ("original", "720p"))
    film.put(film.storage.master(FILM), f"#EXTM3U\n{variants}".encode())
    master = await ask(server, film.hls("transport.m3u8"))
    listed = [line for line in master.body.decode().splitlines() if not line.startswith("#")]
    assert listed == [f"{plan.digest}/ts/720p.m3u8"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("720p/00009.ts", id="a segment behind the end"),
        pytest.param("480p/00000.ts", id="a rendition that is not planned"),
        pytest.param("720p.audio-eng/00000.ts", id="sound that is not planned"),
        pytest.param("720p/00001.ts", id="bytes that are no pictures"),
        pytest.param("720p/0.ts", id="another spelling"),
        pytest.param("480p.m3u8", id="a playlist that is not there"),
        pytest.param("subs-eng/00000.vtt", id="subtitles that are not there"),
        pytest.param("720p/00000.vtt", id="pictures as subtitles"),
        pytest.param("720p.subs-eng/00000.vtt", id="subtitles with something else"),
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
