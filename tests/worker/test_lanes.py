"""How a lane goes on, seen from the rows and the master playlist."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from tests.vod.hls.builders import frame_cuts, make_audio, make_plan, make_rung, make_video, sample_cuts
from tests.vod.hls.media import avc1_entry, init, mp4a_entry
from tests.worker.conftest import Yard
from tests.worker.office import add_planned_film, row_of, storage_of
from tests.worker.reel import add_span, context_for, end, open_jobs
from vod.catalog import jobs
from vod.catalog.models import JobKind
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher
from vod.hls.plan import LADDER_LANE, Plan
from vod.storage import Storage, segment_name
from worker.lanes import advance, is_playable, open_spans, publish_playlists, refresh

SEGMENTS = 30
FILM = make_plan(
    video=make_video(
        cuts=frame_cuts(SEGMENTS),
        rungs=(make_rung(), make_rung(name="480p", width=854, height=480, peak_bps=1_500_000)),
    ),
    audio=(make_audio(cuts=sample_cuts(make_plan().duration_seconds * 10, segments=SEGMENTS)),),
)
# Five segments a span, at most three spans open.
HLS = {"span_seconds": 31.0, "audio_span_seconds": 60.0, "open_spans": 3}
IDLE = Launcher(FfmpegSection())


def put(storage: Storage, film: UUID, rendition: str, numbers: Sequence[int], plan: Plan = FILM) -> None:
    folder = storage.rendition(film, plan.digest, rendition)
    folder.mkdir(exist_ok=True)
    (folder / "init.mp4").write_bytes(init(mp4a_entry() if rendition.startswith("audio") else avc1_entry()))
    for number in numbers:
        (folder / segment_name(number)).write_bytes(bytes(1000))


def put_all(storage: Storage, film: UUID, *renditions: str) -> None:
    for rendition in renditions:
        put(storage, film, rendition, range(SEGMENTS))


def spans(yard: Yard, film: UUID) -> list[tuple[str, int, int, int]]:
    found = open_jobs(yard, film, JobKind.ENCODE)
    return sorted((job.lane, job.first_segment, job.last_segment, job.priority) for job in found)


async def open_ladder(yard: Yard, film: UUID, *, lane: str = LADDER_LANE, finished: int | None = None) -> None:
    job = yard.database.unit(jobs.add, film, JobKind.ARTWORK)
    context = context_for(yard, IDLE, job, hls=HLS)
    priority = jobs.LADDER if lane == LADDER_LANE else jobs.HEAD
    await open_spans(context, film, FILM, lane, priority=priority, finished=finished)


async def test_no_more_spans_are_open_than_configured(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    for _ in range(2):
        await open_ladder(yard, film)
        assert spans(yard, film) == [
            ("ladder", 0, 4, jobs.LADDER),
            ("ladder", 5, 9, jobs.LADDER),
            ("ladder", 10, 14, jobs.LADDER),
        ]


async def test_spans_of_sound_are_as_long_as_configured_for_sound(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    await open_ladder(yard, film, lane="audio-0")
    assert [(first, last, priority) for _, first, last, priority in spans(yard, film)] == [
        (0, 0, jobs.HEAD),  # what plays while the rest is being asked for
        (1, 9, jobs.LADDER),
        (10, 18, jobs.LADDER),
    ]


async def test_one_lane_s_spans_leave_room_for_another_s(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    await open_ladder(yard, film)
    await open_ladder(yard, film, lane="audio-0")
    assert [lane for lane, *_ in spans(yard, film)] == ["audio-0"] * 3 + ["ladder"] * 3


async def test_only_what_is_missing_is_opened(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    put(storage_of(yard), film, "720p", range(SEGMENTS))
    put(storage_of(yard), film, "480p", [n for n in range(SEGMENTS) if n not in (3, 4, 20)])
    await open_ladder(yard, film)
    assert [(first, last) for _, first, last, _ in spans(yard, film)] == [(3, 4), (20, 20)]


async def test_a_finished_span_makes_room_for_the_next(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    await open_ladder(yard, film)
    first = min(open_jobs(yard, film, JobKind.ENCODE), key=lambda job: job.first_segment)
    put(storage_of(yard), film, "720p", range(5))
    put(storage_of(yard), film, "480p", range(5))
    await advance(first, context_for(yard, IDLE, first, hls=HLS), FILM)
    end(yard, first)
    assert [(first, last) for _, first, last, _ in spans(yard, film)] == [(5, 9), (10, 14), (15, 19)]


async def test_a_span_in_which_something_is_still_missing_is_opened_again(yard: Yard) -> None:
    """Its job ends as completed; only the disk says that a segment was deleted meanwhile."""
    film = add_planned_film(yard, FILM)
    put_all(storage_of(yard), film, "720p", "480p")
    storage_of(yard).segment(film, FILM.digest, "480p", 2).unlink()
    job = add_span(yard, film, first=0, last=4)
    await advance(job, context_for(yard, IDLE, job, hls=HLS), FILM)
    end(yard, job)
    assert [(first, last) for _, first, last, _ in spans(yard, film)] == [(2, 2)]


async def test_what_is_complete_is_served_and_one_rung_with_its_sound_plays(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    storage = storage_of(yard)
    context = context_for(yard, IDLE, add_span(yard, film), hls=HLS)
    await refresh(context, film, FILM)
    assert not storage.master(film).exists()
    put_all(storage, film, "480p")
    await refresh(context, film, FILM)
    assert served(storage, film) == {"480p"}
    assert row_of(yard, film).playable_at is None
    put_all(storage, film, "audio-eng")
    await refresh(context, film, FILM)
    assert served(storage, film) == {"480p", "audio-eng"}
    assert row_of(yard, film).playable_at is not None
    assert open_jobs(yard, film, JobKind.VERIFY) == []


async def test_a_whole_film_is_verified_once(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    put_all(storage_of(yard), film, *FILM.renditions)
    context = context_for(yard, IDLE, add_span(yard, film), hls=HLS)
    for _ in range(2):
        await refresh(context, film, FILM)
        assert [job.priority for job in open_jobs(yard, film, JobKind.VERIFY)] == [jobs.VERIFY]


async def test_the_head_of_the_preview_and_of_the_sound_is_enough_to_play(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    storage = storage_of(yard)
    context = context_for(yard, IDLE, add_span(yard, film), hls=HLS)
    put(storage, film, "720p", [0])
    put(storage, film, "audio-eng", [0, 1])
    await refresh(context, film, FILM)
    assert served(storage, film) == {"audio-eng"}
    put(storage, film, "480p", [0])
    await refresh(context, film, FILM)
    assert served(storage, film) == {"480p", "audio-eng"}
    assert row_of(yard, film).playable_at is not None


async def test_our_own_page_is_told_of_everything_that_is_planned(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    storage = storage_of(yard)
    put(storage, film, "480p", [0])
    await refresh(context_for(yard, IDLE, add_span(yard, film), hls=HLS), film, FILM)
    ladder = storage.ladder(film, FILM.digest).read_text()
    assert [name for name in FILM.renditions if f"{name}.m3u8" in ladder] == ["720p", "480p", "audio-eng"]


async def test_a_viewer_s_span_is_followed_by_none(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    put(storage_of(yard), film, "480p", [7])
    job = add_span(yard, film, lane="480p", first=7, last=7)
    await advance(job, context_for(yard, IDLE, job, hls=HLS), FILM)
    end(yard, job)
    assert spans(yard, film) == []


class OthersFinish(Storage):
    """While the master is being written, another worker completes the next of these renditions."""

    def __init__(self, root: Path, film: UUID, *renditions: str) -> None:
        super().__init__(root)
        self.film, self.waiting = film, list(renditions)

    def master(self, media_id: UUID) -> Path:
        if self.waiting:
            put_all(self, self.film, self.waiting.pop(0))
        return super().master(media_id)


def test_the_master_is_written_until_nothing_was_completed_meanwhile(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    storage = OthersFinish(storage_of(yard).root, film, "480p", "audio-eng")
    put_all(storage, film, "720p")
    assert publish_playlists(storage, film, FILM)[1] == {"720p", "480p", "audio-eng"}
    assert served(storage, film) == {"720p", "480p", "audio-eng"}


def test_an_unchanged_film_keeps_its_master(yard: Yard) -> None:
    film = add_planned_film(yard, FILM)
    put_all(storage_of(yard), film, *FILM.renditions)
    publish_playlists(storage_of(yard), film, FILM)
    text = storage_of(yard).master(film).read_text()
    shutil.rmtree(storage_of(yard).rendition(film, FILM.digest, "480p"))
    put_all(storage_of(yard), film, "480p")
    publish_playlists(storage_of(yard), film, FILM)
    assert storage_of(yard).master(film).read_text() == text


def served(storage: Storage, film: UUID) -> set[str]:
    text = storage.master(film).read_text()
    return {name for name in FILM.renditions if f"{FILM.digest}/{name}.m3u8" in text}


TWO_TRACKS = (make_audio(), make_audio(name="audio-fra", lane="audio-1", default=False))


@pytest.mark.parametrize(
    ("plan", "complete", "plays"),
    [
        pytest.param(make_plan(), {"720p"}, True, id="a silent film's rung"),
        pytest.param(make_plan(video=make_video(), audio=TWO_TRACKS), {"720p", "audio-eng"}, True, id="rung and sound"),
        pytest.param(make_plan(video=make_video(), audio=TWO_TRACKS), {"720p"}, False, id="a rung without its sound"),
        pytest.param(make_plan(video=make_video(), audio=TWO_TRACKS), {"audio-eng"}, False, id="sound without a rung"),
        pytest.param(
            make_plan(video=make_video(), audio=TWO_TRACKS), {"720p", "audio-fra"}, False, id="another language only"
        ),
        pytest.param(make_plan(audio=TWO_TRACKS), {"audio-eng"}, True, id="sound alone"),
        pytest.param(make_plan(), set(), False, id="nothing"),
    ],
)
def test_a_film_plays_with_one_rung_and_its_sound(plan: Plan, complete: set[str], plays: bool) -> None:
    assert is_playable(plan, frozenset(complete)) is plays
