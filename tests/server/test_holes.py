"""Who waits how long for a segment that is not made yet, and what becomes of the demand when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.holes import LONG_PATIENCE_SECONDS, PATIENCE_SECONDS, Holes, patience_seconds, watching
from vod.catalog import jobs, leases, media_files
from vod.catalog.database import Database
from vod.catalog.demands import Demand
from vod.catalog.migrations import migrate
from vod.catalog.models import Job, JobKind, MediaFile, MediaStatus
from vod.catalog.naming import MovieTitling
from vod.errors import SegmentNotReady
from vod.queue import Bell


@dataclass
class Desk:
    database: Database
    holes: Holes
    folder: Path
    film: UUID

    def demand(self, segment: int) -> Demand:
        return Demand(media_id=self.film, lane="480p", first=segment, last=segment + 4, others=("preview",))

    def fill(self, segment: int, owner: str = "marta") -> asyncio.Task[None]:
        path = self.folder / f"{segment:05d}.m4s"
        return asyncio.ensure_future(self.holes.fill(path, self.demand(segment), viewer(owner)))

    async def watch(self, segment: int, owner: str = "marta") -> None:
        """Wait for a segment until it is there; what comes behind it is still being made."""
        waiting = self.fill(segment, owner)
        await self.until(segment)
        (self.folder / f"{segment:05d}.m4s").write_bytes(b"a segment")
        await waiting

    async def until(self, segment: int) -> None:
        async with asyncio.timeout(10):
            while not any(job.first_segment <= segment <= job.last_segment for job in await self.jobs()):
                await asyncio.sleep(0)

    async def jobs(self) -> list[Job]:
        return await self.database.read(lambda: list(Job.select().where(Job.kind == JobKind.ENCODE)))

    async def until_jobs(self, count: int) -> list[Job]:
        async with asyncio.timeout(10):
            while len(found := await self.jobs()) != count:
                await asyncio.sleep(0)
        return found


class OpenConnection(asyncio.Transport):
    def is_closing(self) -> bool:
        return False


def viewer(owner: str = "marta") -> web.Request:
    path = f"/stream/hls/film/{owner}/digest/480p/00000.m4s"
    return make_mocked_request("GET", path, headers={"User-Agent": "Mozilla/5.0"}, transport=OpenConnection())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    database = Database(f"sqlite:///{tmp_path / 'homereel.db'}", threads=2)
    await asyncio.to_thread(database.open)
    await asyncio.to_thread(migrate, database)
    film = uuid4()
    await database.run(
        media_files.add,
        media_id=film,
        name="film.mp4",
        extension="mp4",
        size=1,
        mime_type="video/mp4",
        titling=MovieTitling(title="A film"),
    )
    await database.run(lambda: MediaFile.update(status=MediaStatus.PROCESSING).execute())
    holes = Holes(database, Bell(tmp_path), asyncio.Event())
    async with watching(holes):
        yield Desk(database, holes, tmp_path, film)
    await asyncio.to_thread(database.close)


@pytest.mark.parametrize(
    ("agent", "seconds"),
    [
        pytest.param("VLC/3.0.24 LibVLC/3.0.24", LONG_PATIENCE_SECONDS, id="VLC"),
        pytest.param("Lavf/59.27.100", LONG_PATIENCE_SECONDS, id="ffmpeg"),
        pytest.param("mpv 0.35.1", LONG_PATIENCE_SECONDS, id="mpv"),
        pytest.param("GStreamer souphttpsrc 1.22.0 libsoup/3.2.2", LONG_PATIENCE_SECONDS, id="GStreamer"),
        pytest.param("Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0", PATIENCE_SECONDS, id="a browser"),
        pytest.param("AppleCoreMedia/1.0.0.22B83", PATIENCE_SECONDS, id="an iPhone"),
        pytest.param("", PATIENCE_SECONDS, id="nobody"),
    ],
)
def test_players_that_stop_at_an_error_are_held_and_others_told_to_come_back(agent: str, seconds: float) -> None:
    assert patience_seconds(agent) == seconds


async def test_a_segment_that_appears_ends_the_waiting(desk: Desk) -> None:
    waiting = desk.fill(7)
    await desk.until_jobs(1)
    (desk.folder / "00007.m4s").write_bytes(b"a segment")
    async with asyncio.timeout(10):
        await waiting


async def test_viewers_of_one_place_and_of_those_behind_it_share_a_demand(desk: Desk) -> None:
    waiting = [desk.fill(7), desk.fill(7)]
    (job,) = await desk.until_jobs(1)
    waiting.append(desk.fill(9))
    for task in waiting:
        await asyncio.wait({task}, timeout=0.5)
    assert [found.id for found in await desk.jobs()] == [job.id]
    for task in waiting:
        task.cancel()


async def test_the_head_of_a_new_film_that_is_being_made_is_waited_for(desk: Desk) -> None:
    """Its span is another lane's and makes the same segments: nothing is encoded twice."""
    await desk.database.run(
        jobs.add, desk.film, JobKind.ENCODE, lane="preview", first_segment=0, last_segment=4, priority=jobs.HEAD
    )
    waiting = desk.fill(3)
    await asyncio.wait({waiting}, timeout=0.5)
    (job,) = await desk.jobs()
    assert (job.lane, job.wanted_until) == ("preview", None)
    waiting.cancel()


async def test_a_running_demand_ends_when_its_time_is_over(desk: Desk) -> None:
    waiting = desk.fill(7)
    await desk.until_jobs(1)
    claimed = await desk.database.run(leases.claim, "worker", 60.0, [JobKind.ENCODE])
    assert claimed is not None
    renewal = await desk.database.run(leases.renew, "worker", {claimed.id: claimed.attempts}, 60.0, {})
    assert renewal.unwanted == frozenset()
    await desk.database.run(lambda: Job.update(wanted_until=1.0).execute())
    renewal = await desk.database.run(leases.renew, "worker", {claimed.id: claimed.attempts}, 60.0, {})
    assert renewal.unwanted == {claimed.id}
    waiting.cancel()


async def test_a_demand_whose_time_is_over_is_not_begun(desk: Desk) -> None:
    waiting = desk.fill(7)
    await desk.until_jobs(1)
    waiting.cancel()
    await desk.database.run(lambda: Job.update(wanted_until=1.0).execute())
    assert await desk.database.run(leases.claim, "worker", 60.0, [JobKind.ENCODE]) is None


async def test_nothing_is_made_for_a_film_that_was_cancelled(desk: Desk) -> None:
    await desk.database.run(lambda: MediaFile.update(status=MediaStatus.FAILED).execute())
    with pytest.raises(SegmentNotReady) as refused:
        await desk.fill(7)
    assert refused.value.retry_after_seconds > 0
    assert await desk.jobs() == []


async def test_a_shutdown_waits_for_nobody(desk: Desk) -> None:
    waiting = desk.fill(7)
    await desk.until_jobs(1)
    desk.holes.close()
    with pytest.raises(SegmentNotReady):
        async with asyncio.timeout(5):
            await waiting


async def test_a_viewer_who_seeks_on_is_no_longer_made_the_former_place(desk: Desk) -> None:
    await desk.watch(7)
    await desk.watch(70)
    assert [job.first_segment for job in await desk.jobs()] == [70]


async def test_a_place_where_another_viewer_sits_is_made_for_him(desk: Desk) -> None:
    await desk.watch(7)
    await desk.watch(8, owner="anna")
    await desk.watch(70)
    assert [job.first_segment for job in await desk.jobs()] == [7, 70]
