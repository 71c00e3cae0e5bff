"""What the bodies of jobs are given, without a worker: a film that a probe has planned, and a context."""

from __future__ import annotations

from uuid import UUID

from tests.worker.conftest import Yard
from vod.catalog import jobs, media_files
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind, MediaFile
from vod.ffmpeg.process import Launcher
from vod.hls.plan import Plan
from vod.storage import Storage, make_folder
from worker.context import Context, Lease


def storage_of(yard: Yard) -> Storage:
    storage = Storage(yard.config.media.root)
    storage.prepare()
    return storage


def add_planned_film(yard: Yard, plan: Plan) -> UUID:
    """PROCESSING, with its plan on disk; the original and the renditions are the test's business."""
    film = yard.add_film()
    storage = storage_of(yard)
    make_folder(storage.plan_folder(film, plan.digest))
    storage.plan(film, plan.digest).write_text(plan.to_json(), encoding="utf-8")
    yard.database.unit(
        media_files.mark_processing, film, probe={}, duration=1.0, width=None, height=None, digest=plan.digest
    )
    return film


def assignment(yard: Yard, launcher: Launcher, film: UUID, kind: JobKind) -> tuple[JobSnapshot, Context]:
    job = yard.database.unit(jobs.add, film, kind)
    context = Context(
        config=yard.config,
        storage=storage_of(yard),
        database=yard.database,
        launcher=launcher,
        worker="the-test",
        lease=Lease(job, lambda: None),
    )
    return job, context


def row_of(yard: Yard, film: UUID) -> MediaFile:
    found: MediaFile = yard.database.unit(MediaFile.get_by_id, film)
    return found
