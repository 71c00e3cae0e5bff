from __future__ import annotations

import pytest

from server.headers import CONTENT_SECURITY_POLICY
from tests.server.conftest import House, Person

STREAM = "/stream/hls/00000000-0000-4000-8000-000000000000/abcd.1.u1.h.AAAAAAAAAAAAAAAAAAAAAA/master.m3u8"


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/login", "/media-files", "/static/css/base.css", STREAM])
async def test_no_answer_may_be_sniffed_or_leak_where_one_came_from(house: House, path: str) -> None:
    answer = await (await house.visitor()).get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert "aiohttp" not in answer.headers.get("Server", "")


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/login", "/media-files"])
async def test_everything_but_streams_is_ours_alone(house: House, path: str) -> None:
    answer = await (await house.visitor()).get(path)
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_player_of_another_origin_may_read_why_it_is_refused(house: House) -> None:
    answer = await (await house.visitor()).get(STREAM)
    assert answer.status == 403 and answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_our_own_forms_keep_their_origin(house: House, admin: Person) -> None:
    """A page under no-referrer posts `Origin: null`."""
    answer = await (await house.visitor()).get("/login")
    assert answer.status == 200 and answer.headers["Referrer-Policy"] == "same-origin"
