"""The disk budget: what goes, in which order, and what never does."""

from __future__ import annotations

import errno
from pathlib import Path
from uuid import UUID

import pytest

from tests.worker.cached import (
    CACHED,
    FILM_BYTES,
    PLAN,
    SEGMENTS,
    add_ready_film,
    demand,
    encode_jobs,
    evictor,
    fill,
    folder_of,
    held,
    left,
    offered,
    watch,
)
from tests.worker.conftest import Yard
from tests.worker.office import row_of, storage_of
from tests.worker.reel import add_span, context_for, open_jobs
from vod.catalog import turns
from vod.catalog.models import JobKind, MediaFile, MediaStatus
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher
from vod.storage import Storage
from worker.evictor import TURN, evict, shortage_bytes, surplus_bytes
from worker.lanes import advance, open_spans, publish_playlists

ALL = list(CACHED)
IDLE = Launcher(FfmpegSection())


async def test_without_a_limit_everything_stays(yard: Yard) -> None:
    film = add_ready_film(yard)
    await evictor(yard).look()
    assert left(yard, film) == ALL


async def test_below_the_limit_everything_stays(yard: Yard) -> None:
    film = add_ready_film(yard)
    await evictor(yard, cache_bytes=FILM_BYTES).look()
    assert left(yard, film) == ALL


async def test_above_the_limit_the_film_watched_longest_ago_loses_its_largest_rung(yard: Yard) -> None:
    """Down to nine tenths: 12,000 bytes are there, 10,800 may stay, and 3,000 go at once."""
    lately, long_ago = (add_ready_film(yard, days_ago=9) for _ in range(2))
    watch(yard, lately, seconds_ago=200_000)
    watch(yard, long_ago, seconds_ago=300_000)
    await evictor(yard, cache_bytes=2 * FILM_BYTES - 1).look()
    assert left(yard, long_ago) == ["720p", "240p"]
    assert left(yard, lately) == ALL


async def test_a_film_loses_all_before_the_next_one_loses_any(yard: Yard) -> None:
    old, young = add_ready_film(yard, days_ago=9), add_ready_film(yard, days_ago=1)
    await evictor(yard, cache_bytes=FILM_BYTES).look()
    assert left(yard, old) == []
    assert left(yard, young) == ["720p", "240p"]


async def test_a_film_that_is_watched_is_spared_while_another_is_left(yard: Yard) -> None:
    watched, other = add_ready_film(yard, days_ago=9), add_ready_film(yard, days_ago=1)
    watch(yard, watched, seconds_ago=60)
    await evictor(yard, cache_bytes=FILM_BYTES * 10 // 9 + 1).look()
    assert (left(yard, watched), left(yard, other)) == (ALL, [])


async def test_what_a_viewer_waits_for_is_never_evicted(yard: Yard) -> None:
    film = add_ready_film(yard)
    demand(yard, film, "720p")
    await evictor(yard, cache_bytes=1).look()
    assert left(yard, film) == ["720p"]


async def test_what_every_player_can_be_given_stays(yard: Yard) -> None:
    film = add_ready_film(yard)
    await evictor(yard, cache_bytes=1).look()
    storage = storage_of(yard)
    assert offered(yard, film) == {"360p", "audio-eng"}
    assert all(len(storage.segments_present(film, PLAN.digest, name)) == SEGMENTS for name in ("360p", "audio-eng"))


async def test_init_sections_and_media_playlists_stay(yard: Yard) -> None:
    film = add_ready_film(yard)
    await evictor(yard, cache_bytes=1).look()
    assert [path.name for path in folder_of(yard, film, "1080p").iterdir()] == ["init.mp4"]
    assert "1080p.m3u8" in storage_of(yard).ladder(film, PLAN.digest).read_text()


async def test_a_ready_film_stays_ready_and_nothing_is_made_again(yard: Yard) -> None:
    film = add_ready_film(yard)
    before = row_of(yard, film)
    await evictor(yard, cache_bytes=1).look()
    after = row_of(yard, film)
    assert (after.status, after.ready_at) == (MediaStatus.READY, before.ready_at)
    assert after.updated_at > before.updated_at
    assert encode_jobs(yard, film) == []


@pytest.mark.parametrize("policy", ["eager", "on-demand"])
async def test_a_place_that_comes_back_is_followed_by_no_other(yard: Yard, policy: str) -> None:
    film = add_ready_film(yard)
    await evictor(yard, cache_bytes=1).look()
    job = add_span(yard, film, lane="720p", first=1, last=1)
    fill(yard, film, "720p", [1])
    context = context_for(yard, IDLE, job, hls={"policy": policy})
    await advance(job, context, PLAN)
    await open_spans(context, film, PLAN, "ladder", priority=40)
    assert encode_jobs(yard, film) == ["720p"]
    assert open_jobs(yard, film, JobKind.VERIFY) == []


async def test_a_rung_that_has_come_back_is_offered_again(yard: Yard) -> None:
    film = add_ready_film(yard)
    await evictor(yard, cache_bytes=1).look()
    fill(yard, film, "720p")
    job = add_span(yard, film, lane="720p")
    await advance(job, context_for(yard, IDLE, job), PLAN)
    assert offered(yard, film) == {"720p", "360p", "audio-eng"}


async def test_a_film_in_the_making_loses_nothing_that_would_be_made_again(yard: Yard) -> None:
    film = add_ready_film(yard)
    yard.database.unit(MediaFile.update(status=MediaStatus.PROCESSING).execute)
    await evictor(yard, cache_bytes=1).look()
    assert left(yard, film) == ALL
    await evictor(yard, cache_bytes=1, policy="on-demand").look()
    assert left(yard, film) == []


async def test_a_failed_film_keeps_what_it_has_for_nobody_makes_it_again(yard: Yard) -> None:
    film = add_ready_film(yard)
    yard.database.unit(MediaFile.update(status=MediaStatus.FAILED).execute)
    await evictor(yard, cache_bytes=1).look()
    assert left(yard, film) == ALL


async def test_a_film_that_plays_with_nothing_else_keeps_its_rung(yard: Yard) -> None:
    film = add_ready_film(yard)
    for segment in folder_of(yard, film, "360p").glob("*.m4s"):
        segment.unlink()
    await evictor(yard, cache_bytes=1).look()
    assert left(yard, film) == ["240p"]


async def test_half_a_rung_counts_and_goes_too(yard: Yard) -> None:
    film = add_ready_film(yard)
    (folder_of(yard, film, "1080p") / "00001.m4s").unlink()
    await evictor(yard, cache_bytes=FILM_BYTES - 1000).look()
    assert left(yard, film) == ALL
    await evictor(yard, cache_bytes=FILM_BYTES - 1001).look()
    assert left(yard, film) == ["1080p", "240p"]


async def test_what_has_grown_since_the_last_look_counts(yard: Yard) -> None:
    film = add_ready_film(yard)
    budget = evictor(yard, cache_bytes=FILM_BYTES)
    await budget.look()
    (folder_of(yard, film, "240p") / "00002.m4s").unlink()
    (folder_of(yard, film, "240p") / "00002.m4s").write_bytes(bytes(5000))
    await budget.look()
    assert left(yard, film) == ["1080p", "720p"]


async def test_only_one_worker_evicts_at_a_time(yard: Yard) -> None:
    film = add_ready_film(yard)
    yard.database.unit(turns.take, TURN, "another", 60.0)
    await evictor(yard, cache_bytes=1).look()
    assert left(yard, film) == ALL
    await evictor(yard, cache_bytes=1, worker="another").look()
    assert left(yard, film) == []


async def test_a_disk_that_fills_up_costs_cached_rungs_before_it_stops_encoding(yard: Yard) -> None:
    film = add_ready_film(yard)
    free_bytes = storage_of(yard).free_bytes()
    await evictor(yard, media={"reserve_bytes": free_bytes // 2}).look()
    assert left(yard, film) == ALL
    await evictor(yard, media={"reserve_bytes": free_bytes}).look()
    assert left(yard, film) == []


@pytest.mark.parametrize(("cached", "limit", "surplus"), [(100, 0, 0), (100, 100, 0), (101, 100, 11), (1000, 100, 910)])
def test_a_surplus_is_what_lies_above_nine_tenths(cached: int, limit: int, surplus: int) -> None:
    assert surplus_bytes(cached, limit) == surplus


@pytest.mark.parametrize(("free", "reserve", "shortage"), [(0, 0, 0), (110, 100, 0), (109, 100, 11), (40, 100, 80)])
def test_disk_is_short_a_tenth_above_the_reserve(free: int, reserve: int, shortage: int) -> None:
    assert shortage_bytes(free, reserve) == shortage


class Witness(Storage):
    """Notes what is there, in the order of what is asked for when a segment's path is made."""

    def __init__(self, root: Path, yard: Yard, film: UUID) -> None:
        super().__init__(root)
        self.yard, self.film = yard, film
        self.seen: list[tuple[int, bool, int]] = []

    def segment(self, media_id: UUID, digest: str, rendition: str, number: int) -> Path:
        is_offered = rendition in offered(self.yard, self.film)
        self.seen.append((number, is_offered, held(self.yard, self.film)[rendition]))
        return super().segment(media_id, digest, rendition, number)


def test_a_rung_leaves_the_playlist_before_its_first_segment_goes_the_last_one_first(yard: Yard) -> None:
    film = add_ready_film(yard)
    assert "720p" in offered(yard, film)
    storage = Witness(storage_of(yard).root, yard, film)
    assert evict(storage, film, PLAN, "720p", range(SEGMENTS))
    assert storage.seen == [(2, False, 3), (1, False, 2), (0, False, 1)]


class Full(Storage):
    """A disk without room for a playlist, until a segment is gone."""

    def __init__(self, root: Path, segment: Path) -> None:
        super().__init__(root)
        self.blocking = segment

    def ladder(self, media_id: UUID, digest: str) -> Path:
        if self.blocking.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().ladder(media_id, digest)


def test_a_disk_that_is_full_to_the_last_byte_is_freed(yard: Yard) -> None:
    film = add_ready_film(yard)
    storage = Full(storage_of(yard).root, folder_of(yard, film, "720p") / "00002.m4s")
    assert evict(storage, film, PLAN, "720p", range(SEGMENTS))
    assert held(yard, film)["720p"] == 0
    assert offered(yard, film) == {"1080p", "360p", "240p", "audio-eng"}


def test_an_eviction_that_was_killed_halfway_is_no_fault_of_the_film(yard: Yard) -> None:
    film = add_ready_film(yard)
    (folder_of(yard, film, "720p") / "00002.m4s").unlink()
    publish_playlists(storage_of(yard), film, PLAN)
    assert offered(yard, film) == {"1080p", "360p", "240p", "audio-eng"}
    assert evict(storage_of(yard), film, PLAN, "720p", range(SEGMENTS - 1))
    assert held(yard, film)["720p"] == 0


def test_what_is_made_for_a_viewer_during_an_eviction_stays(yard: Yard) -> None:
    film = add_ready_film(yard)
    storage = MadeMeanwhile(storage_of(yard).root, yard, film)
    assert evict(storage, film, PLAN, "720p", range(SEGMENTS))
    assert storage.segments_present(film, PLAN.digest, "720p") == {2}


class MadeMeanwhile(Storage):
    """A worker makes the last segment anew as soon as it is gone."""

    def __init__(self, root: Path, yard: Yard, film: UUID) -> None:
        super().__init__(root)
        self.yard, self.film = yard, film

    def segment(self, media_id: UUID, digest: str, rendition: str, number: int) -> Path:
        if number < SEGMENTS - 1:
            fill(self.yard, self.film, rendition, [SEGMENTS - 1])
        return super().segment(media_id, digest, rendition, number)


async def test_a_film_deleted_meanwhile_is_passed_over(yard: Yard) -> None:
    gone, film = add_ready_film(yard, days_ago=9), add_ready_film(yard)
    storage_of(yard).delete_media(gone, "mp4")
    await evictor(yard, cache_bytes=1).look()
    assert left(yard, film) == []


async def test_a_film_that_is_damaged_costs_no_other_its_turn(yard: Yard) -> None:
    damaged, film = add_ready_film(yard, days_ago=9), add_ready_film(yard)
    (folder_of(yard, damaged, "360p") / "init.mp4").write_bytes(b"damaged")
    await evictor(yard, cache_bytes=1).look()
    assert left(yard, film) == []


async def test_a_folder_that_cannot_be_read_costs_no_other_its_turn(yard: Yard) -> None:
    unreadable, film = add_ready_film(yard, days_ago=9), add_ready_film(yard)
    folder = folder_of(yard, unreadable, "720p")
    folder.rename(folder.with_name("aside"))
    folder.symlink_to(folder)
    await evictor(yard, cache_bytes=1).look()
    assert (left(yard, film), len(list(folder.with_name("aside").glob("*.m4s")))) == ([], SEGMENTS)


async def test_a_disk_that_fails_ends_no_worker(yard: Yard) -> None:
    budget = evictor(yard, cache_bytes=1)
    storage_of(yard).root.rename(yard.path.with_name("unmounted"))
    await budget.look()
