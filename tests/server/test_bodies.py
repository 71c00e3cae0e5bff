from __future__ import annotations

import pytest

from server.app import build_app
from tests.server.running import connection, parse_answer, request_head, running
from vod.config import Config

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def impatient(config: Config) -> Config:
    return config.model_copy(update={"upload": config.upload.model_copy(update={"idle_seconds": 0.1})})


async def test_a_body_that_stops_coming_is_given_up(impatient: Config) -> None:
    async with running(build_app(impatient)) as server, connection(server) as (reader, writer):
        head = {"Content-Type": FORM, "Content-Length": "100", "Connection": "close"}
        writer.write(request_head("/login", "POST", head) + b"name=")
        answer = parse_answer(await reader.read(-1))
    assert answer.status == 408 and b'"code": "body-timeout"' in answer.body


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Content-Length": "5", "Transfer-Encoding": "chunked"}, id="two lengths"),
        pytest.param({"Content-Length": "+5"}, id="a signed length"),
        pytest.param({"Content-Length ": "5"}, id="a space before the colon"),
        pytest.param({"X-Field": "a\x00b"}, id="a NUL"),
    ],
)
async def test_a_request_that_two_readers_could_read_differently_is_refused(
    config: Config, headers: dict[str, str]
) -> None:
    async with running(build_app(config)) as server, connection(server) as (reader, writer):
        writer.write(request_head("/login", "POST", {"Content-Type": FORM, **headers}) + b"name=")
        answer = parse_answer(await reader.read(-1))
    assert answer.status == 400


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        pytest.param(f"{FORM}; charset=bogus", b"name=a", 415, id="an unknown encoding"),
        pytest.param(f"{FORM}; charset=utf-7", b"name=+2AA-", 415, id="an encoding that hides characters"),
        pytest.param(f"{FORM}; charset=UTF-8", b"name=a", 401, id="UTF-8, said aloud"),
        pytest.param(FORM, b"name=\xff", 400, id="no UTF-8"),
    ],
)
async def test_a_form_that_cannot_be_read_is_its_senders_fault(
    config: Config, media_type: str, body: bytes, status: int
) -> None:
    async with running(build_app(config)) as server, connection(server) as (reader, writer):
        head = {"Content-Type": media_type, "Content-Length": str(len(body)), "Connection": "close"}
        writer.write(request_head("/login", "POST", head) + body)
        answer = parse_answer(await reader.read(-1))
    assert answer.status == status


async def test_every_content_encoding_is_looked_at(config: Config) -> None:
    async with running(build_app(config)) as server, connection(server) as (reader, writer):
        codings = "identity\r\nContent-Encoding: gzip"
        writer.write(request_head("/health", "GET", {"Content-Encoding": codings, "Connection": "close"}))
        answer = parse_answer(await reader.read(-1))
    assert answer.status == 415
