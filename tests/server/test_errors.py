"""Every refusal has a stable code, and says it in the reader's language: problem+json, or a page."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientResponse

import vod.errors
from server import problems
from server.keys import DATABASE
from server.media_files import TitleChange
from tests.server.conftest import House, Person
from vod.errors import HomereelError

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def refusal(answer: ClientResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    body = await answer.json()
    assert {"type", "title", "status", "detail", "instance", "code"} <= body.keys()
    assert body["status"] == answer.status
    return answer.status, body["code"]


def _every_error(kind: type[HomereelError] = HomereelError) -> Iterator[type[HomereelError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _every_error(child)


# What never reaches an HTTP caller: it ends a start, or stays inside a worker.
INSIDE = {
    "config-invalid",
    "database-too-new",
    "output-refused",
    "process-failed",
    "process-timeout",
    "sandbox-unavailable",
}


def test_every_error_that_can_reach_a_caller_has_a_status() -> None:
    codes = {error.code for error in _every_error() if error.__module__ in {vod.errors.__name__, "server.bodies"}}
    assert codes - INSIDE - problems.STATUS_BY_CODE.keys() == set()


def test_an_error_without_a_status_keeps_its_detail_to_the_log() -> None:
    assert problems.of_error(vod.errors.ProcessFailed("a path, perhaps")) == problems.INTERNAL


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        pytest.param("GET", "/nowhere", {}, (404, "not-found"), id="an unknown path"),
        pytest.param("PUT", "/media-files", {}, (405, "method-not-allowed"), id="a method that is not there"),
        pytest.param("GET", "/media-files/7", {}, (404, "not-found"), id="no id at all"),
        pytest.param("GET", f"/media-files/{'A' * 8}-0000-4000-8000-000000000000", {}, (404, "not-found"), id="big"),
        pytest.param("GET", "/media-files?limit=0", {}, (400, "invalid-request"), id="a limit below the least"),
        pytest.param("GET", "/media-files?sort=id;drop", {}, (400, "invalid-request"), id="an unknown query field"),
        pytest.param("GET", "/media-files?status=LOST", {}, (400, "invalid-request"), id="an unknown state"),
        pytest.param("GET", "/media-files?cursor=%C3%A4", {}, (400, "invalid-request"), id="a cursor of nobody's"),
        pytest.param("POST", "/api/keys", {"data": b"{"}, (415, "unsupported-body"), id="no JSON by its type"),
        pytest.param("POST", "/api/keys", {"json": {"nam": "x"}}, (400, "invalid-request"), id="a misspelled field"),
        pytest.param("POST", "/api/keys", {"json": {"name": "\x07"}}, (400, "invalid-request"), id="a bell for a name"),
        pytest.param("POST", "/api/keys", {"json": {"name": "x" * 300_000}}, (413, "body-too-large"), id="a huge body"),
    ],
)
async def test_a_wrong_request_is_refused_with_a_code(
    admin: Person, method: str, path: str, options: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert await refusal(await admin.ask(method, path, **options)) == expected


async def test_a_body_with_a_content_encoding_is_refused_unread(admin: Person) -> None:
    bomb = gzip.compress(json.dumps({"name": "x" * 200_000}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await admin.post("/api/keys", data=bomb, headers=headers)
    assert await refusal(answer) == (415, "unsupported-body")


async def test_a_refused_field_does_not_repeat_its_value(admin: Person) -> None:
    answer = await admin.post("/api/users", json={"name": "x", "password": ["hunter2 hunter2"]})
    assert answer.status == 400 and "hunter2" not in await answer.text()


async def test_a_405_says_what_is_allowed(admin: Person) -> None:
    assert "GET" in (await admin.ask("DELETE", "/media-files")).headers["Allow"]


async def test_a_program_is_told_how_to_sign_in(house: House) -> None:
    answer = await (await house.visitor()).get("/media-files", headers=BROWSER)
    assert await refusal(answer) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_person_is_sent_to_the_sign_in_page_and_back(house: House, admin: Person) -> None:
    answer = await (await house.visitor()).get("/jobs?x=1", headers=BROWSER)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/jobs?x%3D1")


async def test_a_person_gets_a_page_and_the_same_status(admin: Person) -> None:
    answer = await admin.get("/nowhere", headers=BROWSER)
    assert (answer.status, answer.content_type) == (404, "text/html")


async def test_our_own_mistake_tells_nothing_of_the_inside(
    house: House, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(TitleChange, "model_validate_json", fail)
    film = "00000000-0000-4000-8000-000000000000"
    answer = await admin.ask("PATCH", f"/media-files/{film}", json={})
    assert await refusal(answer) == (500, "internal-error")
    assert "/secret/path" not in await answer.text()


async def test_a_database_that_is_away_is_503_and_come_back(house: House, user: Person, admin: Person) -> None:
    house.app[DATABASE]._engine.execute_sql("ALTER TABLE session RENAME TO elsewhere")
    answer = await admin.get("/media-files")
    assert await refusal(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"]
