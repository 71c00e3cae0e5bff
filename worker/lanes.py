"""How a lane goes on: spans are opened as it advances, and what is complete is published in the master.

Every step asks the disk and may be repeated; two workers that finish at once do no harm.
"""

from __future__ import annotations

import asyncio
from fractions import Fraction
from uuid import UUID

from vod import storage as files
from vod.catalog import jobs, media_files
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind
from vod.hls.encode import Span
from vod.hls.multivariant import measure, render_multivariant
from vod.hls.plan import LADDER_LANE, Plan
from vod.hls.progress import missing_segments, rendition_states
from vod.hls.spans import next_spans
from vod.storage import Storage
from worker.context import Context


async def advance(job: JobSnapshot, context: Context, plan: Plan) -> None:
    """After a span: open the next ones, or publish what is complete."""
    missing = await asyncio.to_thread(missing_segments, context.storage, job.media_file_id, plan, job.lane)
    if missing:
        await open_spans(context, job.media_file_id, plan, job.lane, priority=jobs.LADDER, finished=job.id)
    else:
        await refresh(context, job.media_file_id, plan)


async def open_spans(
    context: Context, media_id: UUID, plan: Plan, lane: str, *, priority: int, finished: int | None = None
) -> None:
    """Keep up to `hls.open_spans` jobs of the lane open; `finished` is a job that no longer counts."""
    hls = context.config.hls
    seconds = Fraction(str(hls.span_seconds if lane == LADDER_LANE else hls.audio_span_seconds))
    grid = plan.grid(plan.lanes[lane][0].name)
    missing = await asyncio.to_thread(missing_segments, context.storage, media_id, plan, lane)

    def add_jobs() -> None:
        in_hand = _in_hand(media_id, lane, finished)
        for span in next_spans(missing, in_hand, grid, seconds, hls.open_spans - len(in_hand)):
            _add_job(media_id, lane, span, priority)

    await context.database.run(add_jobs)


def _in_hand(media_id: UUID, lane: str, finished: int | None) -> list[tuple[int, int]]:
    return [
        (job.first_segment, job.last_segment)
        for job in jobs.open_jobs(media_id)
        if job.kind == JobKind.ENCODE and job.lane == lane and job.id != finished
    ]


def _add_job(media_id: UUID, lane: str, span: Span, priority: int) -> None:
    """The film's head is as urgent as asked, the rest stands in its order behind the heads of other films."""
    jobs.add(
        media_id,
        JobKind.ENCODE,
        lane=lane,
        first_segment=span.first,
        last_segment=span.last,
        priority=priority if span.first == 0 else jobs.LADDER,
    )


async def refresh(context: Context, media_id: UUID, plan: Plan) -> None:
    """Publish the complete renditions; when that is all of them, ask for their verification."""
    complete = await asyncio.to_thread(publish_master, context.storage, media_id, plan)
    if complete:
        await context.database.run(_record, media_id, plan, complete)


def publish_master(storage: Storage, media_id: UUID, plan: Plan) -> frozenset[str]:
    """Write `master.m3u8` for the complete renditions and return their names.

    Again where another worker completed one meanwhile: the last to write has seen all.
    """
    complete: frozenset[str] = frozenset()
    while (found := _complete(storage, media_id, plan)) != complete:
        complete = found
        measured = {name: measure(storage.rendition(media_id, plan.digest, name), plan.grid(name)) for name in complete}
        files.publish(storage.master(media_id), render_multivariant(plan, measured).encode())
        files.sync_folder(storage.hls(media_id))
    return complete


def is_playable(plan: Plan, complete: frozenset[str]) -> bool:
    """One rung and the sound that goes with it."""
    seen = not plan.rungs or any(rung.name in complete for rung in plan.rungs)
    heard = not plan.audio or any(audio.name in complete for audio in plan.audio if audio.default)
    return seen and heard


def _complete(storage: Storage, media_id: UUID, plan: Plan) -> frozenset[str]:
    states = rendition_states(storage, media_id, plan)
    return frozenset(name for name, state in states.items() if state.complete)


def _record(media_id: UUID, plan: Plan, complete: frozenset[str]) -> None:
    if is_playable(plan, complete):
        media_files.mark_playable(media_id)
    media_files.touch(media_id)
    if len(complete) == len(plan.renditions):
        jobs.add(media_id, JobKind.VERIFY, priority=jobs.HEAD)
