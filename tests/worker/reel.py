"""A film of six seconds whose plan and original lie where a worker looks for them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.vod.hls import spans
from tests.vod.hls.builders import make_rung
from tests.worker.conftest import Yard
from tests.worker.office import add_planned_film, storage_of
from vod.catalog import jobs
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import Job, JobKind
from vod.config import Config
from vod.ffmpeg.process import Launcher
from vod.hls.plan import LADDER_LANE, Plan
from worker.context import Context, Lease

SOUND_LANE = "audio-0"
RUNGS = (make_rung(width=64, height=48), make_rung(name="240p", width=32, height=24, level="1.3"))


def planned() -> Plan:
    video = spans.FILM.video
    assert video is not None
    return dataclasses.replace(spans.FILM, video=dataclasses.replace(video, rungs=RUNGS))


PLAN = planned()
SEGMENTS = PLAN.grid("720p").count


def add_reel(yard: Yard, plan: Plan = PLAN, original: Path | None = None) -> UUID:
    film = add_planned_film(yard, plan)
    shutil.copyfile(original or spans.original(), storage_of(yard).original(film, "mp4"))
    return film


def context_for(yard: Yard, launcher: Launcher, job: JobSnapshot, **changes: Mapping[str, Any]) -> Context:
    """`changes` by section of the configuration; no disk is too small here unless they say so."""
    return Context(
        config=configured(yard.config, **({"media": {"reserve_bytes": 0}} | changes)),
        storage=storage_of(yard),
        database=yard.database,
        launcher=launcher,
        worker="the-test",
        lease=Lease(job, lambda: None),
    )


def configured(config: Config, **changes: Mapping[str, Any]) -> Config:
    sections = {name: getattr(config, name).model_copy(update=dict(update)) for name, update in changes.items()}
    return config.model_copy(update=sections)


def add_span(yard: Yard, film: UUID, lane: str = LADDER_LANE, first: int = 0, last: int = SEGMENTS - 1) -> JobSnapshot:
    return yard.database.unit(
        jobs.add, film, JobKind.ENCODE, lane=lane, first_segment=first, last_segment=last, priority=jobs.LADDER
    )


def open_jobs(yard: Yard, film: UUID, kind: JobKind) -> list[JobSnapshot]:
    return [job for job in yard.database.unit(jobs.open_jobs, film) if job.kind == kind]


def end(yard: Yard, job: JobSnapshot) -> None:
    """As the runner does after a body that returned."""
    yard.database.unit(lambda: Job.delete().where(Job.id == job.id).execute())
