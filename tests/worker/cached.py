"""Films of four rungs whose segments have the sizes that a test gives them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from tests.vod.hls.builders import make_audio, make_plan, make_rung, make_video
from tests.vod.hls.media import avc1_entry, init, mp4a_entry
from tests.worker.conftest import Yard
from tests.worker.office import add_planned_film, storage_of
from tests.worker.reel import configured
from vod.catalog import jobs, media_files, watching
from vod.catalog.demands import Demand, want
from vod.catalog.models import JobKind, MediaFile, User
from vod.hls.plan import Plan
from vod.storage import INIT_SECTION, segment_name
from worker.evictor import Evictor
from worker.lanes import publish_playlists

SEGMENTS = 3
PLAN = make_plan(
    video=make_video(
        rungs=tuple(make_rung(name=f"{lines}p", width=lines * 2, height=lines) for lines in (1080, 720, 360, 240))
    ),
    audio=(make_audio(),),
)
CACHED = {"1080p": 3000, "720p": 2100, "240p": 900}  # bytes a rung, in the order in which they go
FILM_BYTES = sum(CACHED.values())
DAY = 86_400.0


def add_ready_film(yard: Yard, *, days_ago: float = 1, plan: Plan = PLAN) -> UUID:
    """READY since then, with everything that is planned."""
    film = add_planned_film(yard, plan)
    for name in plan.renditions:
        fill(yard, film, name, plan=plan)
    publish_playlists(storage_of(yard), film, plan)
    yard.database.unit(media_files.mark_ready, film)
    yard.database.unit(MediaFile.update(ready_at=time.time() - days_ago * DAY).where(MediaFile.id == film).execute)
    return film


def fill(yard: Yard, film: UUID, name: str, numbers: Iterable[int] = range(SEGMENTS), plan: Plan = PLAN) -> None:
    folder = storage_of(yard).rendition(film, plan.digest, name)
    folder.mkdir(exist_ok=True)
    (folder / INIT_SECTION).write_bytes(init(mp4a_entry() if name.startswith("audio") else avc1_entry()))
    for number in numbers:
        (folder / segment_name(number)).write_bytes(bytes(CACHED.get(name, 9000) // SEGMENTS))


def evictor(yard: Yard, *, worker: str = "the-test", media: Mapping[str, int] | None = None, **hls: object) -> Evictor:
    return Evictor(
        config=configured(yard.config, media=media or {"reserve_bytes": 0}, hls=hls),
        database=yard.database,
        storage=storage_of(yard),
        worker=worker,
        tell=lambda: None,
    )


def held(yard: Yard, film: UUID) -> dict[str, int]:
    """Segments by cached rung."""
    storage = storage_of(yard)
    return {name: len(storage.segments_present(film, PLAN.digest, name)) for name in CACHED}


def left(yard: Yard, film: UUID) -> list[str]:
    return [name for name, segments in held(yard, film).items() if segments]


def offered(yard: Yard, film: UUID) -> set[str]:
    text = storage_of(yard).master(film).read_text()
    return {name for name in PLAN.renditions if f"{PLAN.digest}/{name}.m3u8" in text}


def watch(yard: Yard, film: UUID, *, seconds_ago: float) -> None:
    def remember() -> None:
        User.insert(id=1, name="viewer", password_hash="").on_conflict_ignore().execute()
        watching.remember(1, film, 1.0, time.time() - seconds_ago)

    yard.database.unit(remember)


def demand(yard: Yard, film: UUID, name: str) -> None:
    yard.database.unit(want, Demand(media_id=film, lane=name, first=0, last=SEGMENTS - 1))


def encode_jobs(yard: Yard, film: UUID) -> list[str]:
    return [job.lane for job in yard.database.unit(jobs.open_jobs, film) if job.kind == JobKind.ENCODE]


def folder_of(yard: Yard, film: UUID, name: str) -> Path:
    return storage_of(yard).rendition(film, PLAN.digest, name)
