from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from vod.catalog import jobs, leases, media_files
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.catalog.models import Job, JobKind, JobState
from vod.catalog.naming import MovieTitling
from vod.queue import Bell, DbBroker, Doorbell, answers, heard

PATIENCE_SECONDS = 20.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
async def doorbell(folder: Path) -> AsyncIterator[Doorbell]:
    doorbell = Doorbell(folder, "host-1-aa")
    doorbell.open()
    yield doorbell
    doorbell.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'homereel.db'}", threads=2)
    database.open()
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def film(database: Database) -> UUID:
    """With its probe job."""
    film = uuid4()
    database.unit(
        media_files.add,
        media_id=film,
        name="film.mp4",
        extension="mp4",
        size=1,
        mime_type="video/mp4",
        titling=MovieTitling(title="A film"),
    )
    return film


@pytest.fixture
def broker(database: Database, folder: Path, doorbell: Doorbell) -> DbBroker:
    broker = DbBroker(
        database, worker="worker", doorbell=doorbell, bell=Bell(folder), lease_seconds=60, poll_seconds=3600
    )

    async def perform(job_id: int, attempts: int) -> None:
        raise AssertionError("these tests take the messages and run nothing")

    broker.register(JobKind.PROBE, perform)
    return broker


async def test_a_ring_is_heard_by_every_listener_of_every_doorbell(folder: Path, doorbell: Doorbell) -> None:
    another = Doorbell(folder, "host-2-bb")
    another.open()
    listeners = [doorbell.listener(), doorbell.listener(), another.listener()]
    Bell(folder).ring()
    assert [await heard(listener, PATIENCE_SECONDS) for listener in listeners] == [True] * 3
    another.close()


async def test_many_rings_nobody_waits_for_are_one(folder: Path, doorbell: Doorbell) -> None:
    listener = doorbell.listener()
    bell = Bell(folder)
    for _ in range(5000):
        bell.ring()
    assert await heard(listener, PATIENCE_SECONDS)


async def test_without_a_ring_the_wait_ends_all_the_same(doorbell: Doorbell) -> None:
    assert not await heard(doorbell.listener(), 0.01)


async def test_a_bell_without_any_worker_is_silent(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "nowhere")
    bell.ring()


async def test_a_doorbell_left_by_a_dead_worker_is_taken_down(folder: Path, doorbell: Doorbell) -> None:
    dead = Doorbell(folder, "host-3-cc")
    dead.open()
    asyncio.get_running_loop().remove_reader(dead._socket)
    dead._socket.close()
    assert not answers(folder / "host-3-cc.bell")
    listener = doorbell.listener()
    bell = Bell(folder)
    bell.ring()
    await heard(listener, PATIENCE_SECONDS)
    bell._hand.shutdown()
    assert [path.name for path in folder.iterdir()] == ["host-1-aa.bell"]


async def test_a_media_root_deep_in_the_tree_has_a_bell_too(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 50) / "run"
    doorbell = Doorbell(folder, "host-4-dd")
    doorbell.open()
    listener = doorbell.listener()
    Bell(folder).ring()
    assert await heard(listener, PATIENCE_SECONDS)
    doorbell.close()


async def test_where_no_socket_can_be_made_the_worker_goes_on(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("not a folder")
    doorbell = Doorbell(tmp_path / "run", "host-5-ee")
    doorbell.open()
    assert not await heard(doorbell.listener(), 0.01)


async def test_a_message_names_job_and_attempt(broker: DbBroker, film: UUID, database: Database) -> None:
    message = json.loads(await anext(broker.listen()))
    (job,) = database.unit(jobs.open_jobs, film)
    assert (message["task_name"], message["args"]) == ("probe", [job.id, 1])
    assert (job.state, job.worker) == (JobState.IN_PROGRESS, "worker")


async def test_a_kick_wakes_an_idle_listener(broker: DbBroker, film: UUID, database: Database) -> None:
    database.unit(leases.claim, "another", 60)
    messages = broker.listen()
    waiting = asyncio.ensure_future(anext(messages))
    database.unit(lambda: Job.update(state=JobState.PENDING).execute())
    await broker.kick(None)  # type: ignore[arg-type]
    assert await asyncio.wait_for(waiting, PATIENCE_SECONDS)


async def test_a_job_of_a_kind_nobody_registered_stays(broker: DbBroker, film: UUID, database: Database) -> None:
    database.unit(lambda: Job.update(kind=JobKind.VERIFY).execute())
    waiting = asyncio.ensure_future(anext(broker.listen()))
    await asyncio.wait({waiting}, timeout=0.2)
    waiting.cancel()
    assert database.unit(jobs.counts) == {(JobKind.VERIFY, JobState.PENDING): 1}


async def test_a_claim_nobody_waits_for_any_more_is_given_back(
    broker: DbBroker, film: UUID, database: Database
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold_the_database() -> None:
        begun.set()
        go_on.wait()

    holding = asyncio.create_task(database.run(hold_the_database))
    await asyncio.to_thread(begun.wait)
    waiting = asyncio.ensure_future(anext(broker.listen()))
    # Once its thread waits for the database, the claim cannot be called back.
    await asyncio.wait({waiting}, timeout=0.1)
    waiting.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await holding
    (job,) = database.unit(jobs.open_jobs, film)
    assert (job.state, job.attempts, job.fruitless) == (JobState.PENDING, 1, 0)
