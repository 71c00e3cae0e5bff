"""Server-sent events, read as a browser reads them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock
from uuid import UUID

import pytest
from aiohttp import ClientResponse

from server import events
from server.app import build_app
from server.changes import BACKLOG, CHANGES, Change, Listener
from server.keys import DATABASE, STORAGE
from tests.server.conftest import AddFilm, House, Person, PlanFilm
from tests.server.running import HOST, request_head, running
from vod.catalog import accounts, jobs, leases, media_files
from vod.config import Config
from vod.storage import publish

Told = tuple[str, dict[str, Any]]


@asynccontextmanager
async def listening(person: Person, path: str) -> AsyncIterator[ClientResponse]:
    async with asyncio.timeout(20), await person.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert await answer.content.readline() == b"retry: 2000\n"
        await answer.content.readline()
        yield answer


async def next_told(answer: ClientResponse) -> Told:
    text = ": still here"
    while text.startswith(":"):
        text = (await answer.content.readuntil(b"\n\n")).decode()
    fields = dict(line.split(": ", 1) for line in text.splitlines() if line)
    return fields["event"], json.loads(fields["data"])


async def told(answer: ClientResponse, event: str) -> dict[str, Any]:
    """The next one of this kind; others may come before."""
    while True:
        name, data = await next_told(answer)
        if name == event:
            return data


async def test_a_film_that_comes_in_is_told_to_whoever_listens(user: Person, add_film: AddFilm) -> None:
    async with listening(user, "/events") as answer:
        film = await add_film()
        event, data = await next_told(answer)
    assert (event, data["id"], data["status"]) == ("status", str(film), "UPLOADED")


async def test_a_change_of_state_arrives(house: House, user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    async with listening(user, f"/media-files/{film}/events") as answer:
        assert (await told(answer, "status"))["status"] == "UPLOADED"
        await house.app[DATABASE].run(jobs.fail_media_file, film, "The file is empty.")
        failed = await told(answer, "status")
        while failed["status"] == "UPLOADED":
            failed = await told(answer, "status")
    assert (failed["status"], failed["errorMessage"]) == ("FAILED", "The file is empty.")


async def test_segments_that_appear_are_told_as_they_do(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    plan = await plan_film(film)
    await house.app[DATABASE].run(leases.claim, "a worker", 60)
    async with listening(user, "/events") as answer:
        for _ in range(2):  # how it stood at the start, and at the watcher's first look
            assert (await told(answer, "status"))["progress"] == {"ladder": 0.0}
        for number in range(4):
            publish(house.app[STORAGE].segment(film, plan.digest, "720p", number), b"pictures")
        assert (await told(answer, "progress"))["progress"]["ladder"] > 0
        complete = await told(answer, "renditions")
    assert (complete["progress"], complete["renditions"][0]["complete"]) == ({"ladder": 1.0}, True)


async def test_a_deleted_film_is_told(user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    async with listening(user, "/events") as answer:
        await user.ask("DELETE", f"/media-files/{film}")
        assert await told(answer, "deleted") == {"id": str(film)}


async def test_one_film_s_events_are_of_this_film_alone(user: Person, add_film: AddFilm) -> None:
    film, other = await add_film(), await add_film()
    async with listening(user, f"/media-files/{film}/events") as answer:
        for media_id in (other, film):
            await user.ask("DELETE", f"/media-files/{media_id}")
        assert await told(answer, "deleted") == {"id": str(film)}


async def test_there_are_no_events_of_a_film_that_is_not_there(user: Person) -> None:
    assert (await user.get(f"/media-files/{UUID(int=1)}/events")).status == 404


async def test_the_head_alone_of_what_never_ends_is_not_to_be_had(user: Person) -> None:
    assert (await user.ask("HEAD", "/events")).status == 405


async def test_a_quiet_stream_shows_that_it_lives(user: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    async with listening(user, "/events") as answer:
        assert await answer.content.readuntil(b"\n\n") == b": still here\n\n"


async def test_a_stream_ends_when_its_reader_signs_out(user: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    async with listening(user, "/events") as answer:
        await user.ask("DELETE", "/api/sessions")
        assert (await answer.content.read()).replace(b": still here\n\n", b"") == b""


async def test_a_busy_stream_ends_when_its_reader_signs_out(
    house: House, user: Person, add_film: AddFilm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0)
    film = await add_film()
    change = await house.app[CHANGES].present(await house.app[DATABASE].read(media_files.get, film))
    monkeypatch.setattr(Listener, "next_change", AsyncMock(return_value=change))
    async with listening(user, f"/media-files/{film}/events") as answer:
        await told(answer, "status")
        await user.ask("DELETE", "/api/sessions")
        await answer.content.read()


async def test_nobody_looks_while_nobody_listens(house: House, user: Person) -> None:
    def watching() -> bool:
        return any(task.get_name() == "changes" for task in asyncio.all_tasks())

    assert not watching()
    with house.app[CHANGES].listen(), house.app[CHANGES].listen():
        assert watching()
    await asyncio.gather(
        *(task for task in asyncio.all_tasks() if task.get_name() == "changes"), return_exceptions=True
    )
    assert not watching()


def test_a_reader_that_is_too_slow_is_let_go() -> None:
    listener, film = Listener(None), UUID(int=1)
    for _ in range(BACKLOG):
        listener.hear(Change("status", film, "{}"))
    assert not listener.closed
    listener.hear(Change("status", film, "{}"))
    assert listener.closed


async def test_open_streams_do_not_hold_up_the_end(config: Config) -> None:
    async with running(build_app(config)) as server:
        key = await server.app[DATABASE].run(accounts.add_named_key, "telly")
        answer = await asyncio.open_connection(HOST, server.port)
        answer[1].write(request_head("/events", "GET", {"Authorization": f"Bearer {key}"}))
        await answer[0].readuntil(b"retry: 2000")
        started = time.monotonic()
    assert time.monotonic() - started < 2
    answer[1].close()
