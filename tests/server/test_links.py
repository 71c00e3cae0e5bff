from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from server.app import build_app
from server.keys import DATABASE, STORAGE, TOKENS
from server.links import play_list
from tests.server.running import Running, ask, running
from vod.catalog import accounts, media_files
from vod.catalog.naming import EpisodeTitling
from vod.config import Config, MediaSection, ServerSection, WorkerSection
from vod.tokens import Scope

FILM = UUID("11111111-1111-4111-8111-111111111111")
MASTER = '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="d/audio-eng.m3u8"\nd/720p.m3u8\n'


@dataclass
class House:
    server: Running
    key: str

    def token(self, scope: Scope = Scope.HLS) -> str:
        return self.server.app[TOKENS].sign(FILM, "u1", scope, int(time.time()) + 3600)


async def furnish(server: Running) -> House:
    database, storage = server.app[DATABASE], server.app[STORAGE]
    titling = EpisodeTitling(series="Lost", season=1, episode=2, title="Pi\nlot\u202e")
    await database.run(
        media_files.add, media_id=FILM, name="x.mkv", extension="mkv", size=1, mime_type="a/b", titling=titling
    )
    storage.hls(FILM).mkdir()
    storage.master(FILM).write_text(MASTER)
    return House(server, await database.run(accounts.add_named_key, "tests"))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(media=MediaSection(root=tmp_path), worker=WorkerSection(embedded=0))


@pytest.fixture
async def house(config: Config) -> AsyncIterator[House]:
    async with running(build_app(config)) as server:
        yield await furnish(server)


async def test_an_api_key_gets_a_master_whose_every_uri_carries_a_token_that_works(house: House) -> None:
    answer = await ask(house.server, f"/stream/hls/{FILM}/master.m3u8", Authorization=f"Bearer {house.key}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["cache-control"] == "private, no-store"
    media, uri = answer.body.decode().split("\n")[1:3]
    assert uri.startswith(f"/stream/hls/{FILM}/") and uri.endswith("/d/720p.m3u8")
    base = uri.removesuffix("d/720p.m3u8")
    assert f'URI="{base}d/audio-eng.m3u8"' in media
    assert (await ask(house.server, f"{base}master.m3u8")).body == MASTER.encode()


async def test_a_token_in_the_query_is_handed_on_in_the_path(house: House) -> None:
    token = house.token()
    answer = await ask(house.server, f"/stream/hls/{FILM}/master.m3u8?token={token}")
    assert f"/stream/hls/{FILM}/{token}/d/720p.m3u8" in answer.body.decode().split("\n")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("", 401, "unauthenticated"), ("?token=x", 403, "token-refused"), ("?tokn=x", 400, "invalid-request")],
)
async def test_without_a_right_there_is_no_master(house: House, query: str, status: int, code: str) -> None:
    answer = await ask(house.server, f"/stream/hls/{FILM}/master.m3u8{query}")
    assert (answer.status, json.loads(answer.body)["code"]) == (status, code)


async def test_a_film_that_is_not_there_is_not_found_even_with_a_key(house: House) -> None:
    other = UUID(int=FILM.int + 1)
    answer = await ask(house.server, f"/stream/hls/{other}/master.m3u8", Authorization=f"Bearer {house.key}")
    assert answer.status == 404


async def test_a_player_file_holds_one_absolute_address_and_where_to_start(house: House) -> None:
    token = house.token()
    answer = await ask(house.server, f"/play/{FILM}/{token}.m3u?t=61.6")
    assert answer.body.decode() == (
        "#EXTM3U\n"
        "#EXTINF:-1,Lost S01E02 Pi lot\n"
        "#EXTVLCOPT:start-time=62\n"
        f"http://localhost/stream/hls/{FILM}/{token}/master.m3u8\n"
    )
    assert answer.headers["content-type"] == "audio/x-mpegurl"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Lost%20S01E02%20Pi%20lot.m3u"


async def test_a_public_url_stands_before_whatever_host_was_asked(config: Config) -> None:
    public = config.model_copy(update={"server": ServerSection(public_url="https://films.example")})
    async with running(build_app(public)) as server:
        house = await furnish(server)
        answer = await ask(server, f"/play/{FILM}/{house.token()}.m3u")
        assert f"\nhttps://films.example/stream/hls/{FILM}/" in answer.body.decode()


@pytest.mark.parametrize("position", ["-1", "nan", "inf", "x", "1e9"])
async def test_a_position_that_cannot_be_is_refused(house: House, position: str) -> None:
    answer = await ask(house.server, f"/play/{FILM}/{house.token()}.m3u?t={position}")
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "invalid-request")


async def test_a_player_file_needs_a_token_of_its_film(house: House) -> None:
    assert (await ask(house.server, f"/play/{UUID(int=FILM.int + 1)}/{house.token()}.m3u")).status == 403
    assert (await ask(house.server, f"/play/{FILM}/x.m3u")).status == 403


def test_from_the_beginning_nothing_is_said_about_the_start() -> None:
    assert play_list("http://h/x", "T", 90.4, 0) == "#EXTM3U\n#EXTINF:90,T\nhttp://h/x\n"


async def test_refusals_can_be_read_by_a_player_of_another_origin(house: House) -> None:
    for target in (f"/stream/hls/{FILM}/x/master.m3u8", f"/stream/hls/{FILM}/{house.token()}/nothing"):
        assert (await ask(house.server, target)).headers["access-control-allow-origin"] == "*"
