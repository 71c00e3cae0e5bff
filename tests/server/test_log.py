"""No secret reaches a line. The search is proved on a planted one first."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from server import setup_code
from server.app import build_app
from server.keys import DATABASE, STORAGE
from server.log import is_ours
from tests.server.conftest import PASSWORD, AddFilm, House, Person
from tests.server.running import connection, running
from vod.catalog import media_files
from vod.config import Config
from vod.log import JsonFormatter, TextFormatter

FILM = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=[TextFormatter, JsonFormatter], ids=["text", "json"])
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that is logged at DEBUG, as a configured server writes it."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(request.param())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    root.removeHandler(handler)


async def test_nobodys_secrets_are_in_the_log_after_a_day_of_use(
    house: House, user: Person, admin: Person, add_film: AddFilm, written: io.StringIO
) -> None:
    film = await add_film()
    await house.app[DATABASE].run(media_files.mark_playable, film)
    made = await (await user.post("/api/keys", json={"name": "telly"})).json()
    program = await house.visitor(Authorization=f"Bearer {made['key']}")
    shown = await (await program.get(f"/media-files/{film}")).json()
    token = shown["manifestUrl"].split("/")[4]
    for url in (
        shown["manifestUrl"],
        shown["playUrl"],
        shown["originalUrl"],
        f"/stream/hls/{film}/master.m3u8?token={token}",
    ):
        await program.get(url)
    await (await house.visitor()).post("/login", data={"name": "Uwe", "password": "a wrong password"})
    await (await house.visitor()).post("/login", data={"name": "Uwe", "password": PASSWORD})
    code = setup_code.ensure(house.app[STORAGE])
    await (await house.visitor()).post("/setup", data={"code": code, "name": "x", "password": PASSWORD})
    secrets = [
        made["key"],
        token,
        shown["originalUrl"].split("/")[4],
        user.session_id,
        user.headers["X-CSRF-Token"],
        PASSWORD,
        "a wrong password",
        code,
    ]
    logging.getLogger("a part that forgets itself").warning("planted-secret %s", FILM)
    lines = written.getvalue()
    assert "planted-secret" in lines and f"/stream/hls/{film}/***/master.m3u8" in lines
    assert [secret for secret in secrets if secret in lines] == []


async def test_what_is_no_http_leaves_a_line_and_no_traceback(
    config: Config, written: io.StringIO, request: pytest.FixtureRequest
) -> None:
    parser_log = logging.getLogger("aiohttp.server")
    parser_log.addFilter(is_ours)
    request.addfinalizer(lambda: parser_log.removeFilter(is_ours))
    async with running(build_app(config)) as server, connection(server) as (reader, writer):
        writer.write(b"no HTTP\r\n\r\n")
        await reader.read(-1)
    assert " 400 " in written.getvalue()
    assert "Traceback" not in written.getvalue()
