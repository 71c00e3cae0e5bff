"""No secret reaches a line. The search is proved on a planted one first."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from server import setup_code
from server.keys import DATABASE, STORAGE
from server.log import JsonFormatter, TextFormatter, masked
from tests.server.conftest import PASSWORD, AddFilm, House, Person
from vod.catalog import media_files

TOKEN = "abcd.1795248000.u1.h.amFX7DCxaAL9r17yCEpYcA"
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


@pytest.mark.parametrize(
    ("said", "written_down"),
    [
        pytest.param(f"/stream/hls/{FILM}/{TOKEN}/master.m3u8", f"/stream/hls/{FILM}/***/master.m3u8", id="segment"),
        pytest.param(f"/stream/original/{FILM}/{TOKEN}/a.mkv", f"/stream/original/{FILM}/***/a.mkv", id="original"),
        pytest.param(f"/play/{FILM}/{TOKEN}.m3u", f"/play/{FILM}/***.m3u", id="play list"),
        pytest.param(
            f"/stream/hls/{FILM}/master.m3u8?token={TOKEN}&t=1",
            f"/stream/hls/{FILM}/master.m3u8?token=***&t=1",
            id="query",
        ),
        pytest.param("Authorization: Bearer hr_abcdefghij", "Authorization: Bearer ***", id="API key in a header"),
        pytest.param("key hr_abcdefghij is", "key hr_*** is", id="API key in a sentence"),
        pytest.param(
            "Cookie: homereel_session=abc; theme=dark", "Cookie: homereel_session=***; theme=dark", id="cookie"
        ),
        pytest.param("GET /login?next=/jobs", "GET /login?next=/jobs", id="nothing to hide"),
    ],
)
def test_what_is_secret_is_masked_and_nothing_else(said: str, written_down: str) -> None:
    assert masked(said) == written_down


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


def test_a_json_line_is_one_object(written: io.StringIO) -> None:
    logging.getLogger("x").error("said\n%s", "twice", extra={"fields": {"status": 500}})
    if written.getvalue().startswith("{"):
        line = json.loads(written.getvalue())
        assert (line["message"], line["level"], line["status"]) == ("said\ntwice", "ERROR", 500)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
