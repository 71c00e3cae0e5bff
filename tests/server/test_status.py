from __future__ import annotations

import asyncio

import pytest

from server.app import build_app
from server.keys import DATABASE, STORAGE
from tests.server.conftest import AddFilm, House, Person
from tests.server.running import ask, running
from vod.config import Config
from vod.queue import Doorbell


async def health(house: House) -> tuple[int, str, dict[str, str]]:
    answer = await (await house.visitor()).get("/health")
    body = await answer.json()
    return answer.status, body["status"], body["parts"]


async def test_a_server_without_a_worker_is_degraded(house: House) -> None:
    assert await health(house) == (200, "degraded", {"database": "ok", "disk": "ok", "workers": "failing"})


async def test_a_worker_that_answers_at_its_door_is_seen(house: House) -> None:
    bell = Doorbell(house.app[STORAGE].doorbells, "a-worker")
    bell.open()
    assert await health(house) == (200, "ok", {"database": "ok", "disk": "ok", "workers": "ok"})
    bell.close()


async def test_a_disk_at_its_reserve_is_told(config: Config) -> None:
    whole_disk = config.media.model_copy(update={"reserve_bytes": 1 << 60})
    async with running(build_app(config.model_copy(update={"media": whole_disk}))) as server:
        answer = await ask(server, "/health")
    assert answer.status == 200 and b'"disk":"failing"' in answer.body


async def test_a_server_without_its_database_is_failing(house: House) -> None:
    house.app[DATABASE]._engine.execute_sql("ALTER TABLE media_file RENAME TO elsewhere")
    status, word, parts = await health(house)
    assert (status, word, parts["database"]) == (503, "failing", "failing")


@pytest.mark.parametrize(
    "line",
    [
        'homereel_media_files{status="UPLOADED"} 1.0',
        'homereel_jobs{kind="probe",state="PENDING"} 1.0',
        'homereel_http_requests_total{route="media-files",status="200"} 1.0',
        'homereel_http_requests_total{route="unknown",status="404"} 2.0',
        "homereel_workers 0.0",
    ],
)
async def test_prometheus_reads_what_there_is(user: Person, add_film: AddFilm, line: str) -> None:
    await add_film()
    await asyncio.gather(user.get("/media-files"), user.get("/nowhere"), user.get("/nowhere/else"))
    text = await (await user.get("/metrics")).text()
    assert line in text.splitlines()
