from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from uuid import UUID

import pytest
from peewee import IntegrityError

from tests.vod.catalog import processes
from vod.catalog.database import Database
from vod.catalog.models import Job, MediaFile, Movie
from vod.errors import ConfigError


def test_a_unit_that_raises_leaves_nothing_behind(database: Database, film: UUID) -> None:
    def half() -> None:
        Movie.delete().execute()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.unit(half)
    assert database.unit(lambda: Movie.select().count()) == 1


def test_processes_that_read_and_then_write_never_lose_a_step(database: Database, url: str, film: UUID) -> None:
    others = [processes.start("count", url) for _ in range(2)]
    processes.count_to_two_hundred(database)
    for other in others:
        processes.printed(other)
    assert database.unit(lambda: MediaFile.get().size) == 1 + 3 * 200


async def test_a_unit_commits_although_nobody_waits_for_it_any_more(database: Database, film: UUID) -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def rename() -> None:
        begun.set()
        go_on.wait()
        MediaFile.update(original_name="renamed").execute()

    def rename_and_tell() -> None:
        rename()
        done.set()

    waiting = asyncio.create_task(database.run(rename_and_tell))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    go_on.set()
    await asyncio.to_thread(done.wait)
    assert await database.run(lambda: MediaFile.get().original_name) == "renamed"


async def test_a_reader_does_not_wait_for_a_writer(database: Database, film: UUID) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def write_slowly() -> None:
        MediaFile.update(original_name="renamed").execute()
        begun.set()
        go_on.wait()

    writing = asyncio.create_task(database.run(write_slowly))
    await asyncio.to_thread(begun.wait)
    assert await database.read(lambda: MediaFile.get().original_name) == "film.mp4"
    go_on.set()
    await writing


def test_a_row_cannot_point_at_nothing(database: Database) -> None:
    with pytest.raises(IntegrityError):
        database.unit(lambda: Job.create(media_file=UUID(int=1), kind="probe"))


def test_the_file_is_its_owners_alone(database: Database, film: UUID, tmp_path: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes["homereel.db"] == 0o600
    assert set(modes.values()) == {0o600}


def test_an_engine_we_do_not_know_is_refused() -> None:
    with pytest.raises(ConfigError, match="postgresql://"):
        Database("mysql://somewhere", threads=1).open()
