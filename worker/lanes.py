"""How a lane goes on: spans are opened as it advances, and what can be served is published in the playlists.

Every step asks the disk and may be repeated; two workers that finish at once do no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from fractions import Fraction
from uuid import UUID

from vod import storage as files
from vod.catalog import jobs, media_files
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind
from vod.hls.bandwidth import Measured, estimate, measure
from vod.hls.dash import render_dash
from vod.hls.encode import Span
from vod.hls.iframes import list_iframes
from vod.hls.multivariant import render_multivariant
from vod.hls.plan import AUDIO_LANE_PREFIX, COPY_LANE, PREVIEW_LANE, Plan
from vod.hls.policy import CACHED_LANES, background_lane, has_copied_picture, kept_renditions
from vod.hls.progress import RenditionState, missing_segments, rendition_states, servable
from vod.hls.spans import next_spans
from vod.hls.subtitle_files import listed_tracks
from vod.hls.subtitle_group import render_subtitle_group
from vod.hls.subtitles import SubtitleTrack
from vod.hls.thumbnails import Thumbnails, find_thumbnails
from vod.storage import Storage
from worker.context import Context

log = logging.getLogger(__name__)

# Of a new film, one segment by default: it plays while its viewer's own demand for what comes next is being met.
HEAD_SECONDS = 7


async def advance(job: JobSnapshot, context: Context, plan: Plan) -> None:
    """After a span: open the next ones, or publish what is complete. A viewer's span is followed by none."""
    missing = await asyncio.to_thread(missing_segments, context.storage, job.media_file_id, plan, job.lane)
    if not missing:
        await refresh(context, job.media_file_id, plan)
    lane = background_lane(plan, context.config.hls.policy, job.lane)
    if lane is not None:
        priority = jobs.COPY if lane == COPY_LANE else jobs.LADDER
        await open_spans(context, job.media_file_id, plan, lane, priority=priority, finished=job.id)


async def open_head(context: Context, media_id: UUID, plan: Plan) -> None:
    """The preview of the film's beginning, which plays while nothing else is there; a copied rung always is.

    Where no other rung may ever be complete, it stands beside the copied one for slow lines.
    """
    if plan.preview is None or (has_copied_picture(plan) and context.config.hls.policy == "eager"):
        return
    grid = plan.grid(plan.preview.name)
    missing = await asyncio.to_thread(missing_segments, context.storage, media_id, plan, PREVIEW_LANE)
    if 0 in missing:
        (span,) = next_spans(missing, (), grid, Fraction(HEAD_SECONDS), 1)
        await context.database.run(_add_job, media_id, PREVIEW_LANE, span, jobs.HEAD)


async def open_spans(
    context: Context, media_id: UUID, plan: Plan, lane: str, *, priority: int, finished: int | None = None
) -> None:
    """Keep up to `hls.open_spans` jobs of the lane open; `finished` is a job that no longer counts.

    Of a film that is READY the pictures are a cache, and what was evicted is made for viewers alone.
    """
    hls = context.config.hls
    seconds = Fraction(str(hls.audio_span_seconds if lane.startswith(AUDIO_LANE_PREFIX) else hls.span_seconds))
    grid = plan.grid(plan.parts(lane)[0].name)
    missing = await asyncio.to_thread(missing_segments, context.storage, media_id, plan, lane)

    def add_jobs() -> None:
        if lane in CACHED_LANES and media_files.is_ready(media_id):
            return
        in_hand = _in_hand(media_id, lane, finished)
        if priority >= jobs.URGENT and 0 in missing and not in_hand:
            # what is waited for is short, or it would be in the way of who waits elsewhere
            (head,) = next_spans(missing, (), grid, Fraction(HEAD_SECONDS), 1)
            _add_job(media_id, lane, head, priority)
            in_hand.append((head.first, head.last))
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
        priority=priority if span.first == 0 or lane == COPY_LANE else jobs.LADDER,
    )


async def refresh(context: Context, media_id: UUID, plan: Plan) -> None:
    """Publish what can be served; when all that the policy keeps is complete, ask for its verification."""
    offered, complete = await asyncio.to_thread(publish_playlists, context.storage, media_id, plan)
    if offered:
        kept = kept_renditions(plan, context.config.hls.policy)
        await context.database.run(_record, media_id, plan, kept, offered, complete)


def publish_playlists(
    storage: Storage, media_id: UUID, plan: Plan, *, without: Collection[str] = ()
) -> tuple[frozenset[str], frozenset[str]]:
    """Publish what can be served now, for HLS and DASH; return those names, and those of complete renditions.

    Again where another worker brought more meanwhile: the last to write has seen all. `without` are names that are
    not offered although they are there, for they are about to go.
    """
    told: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    listed: tuple[SubtitleTrack, ...] = ()
    wound = ""
    tiled: Thumbnails | None = None
    while True:
        states = _without(rendition_states(storage, media_id, plan), without)
        found = servable(plan, states), frozenset(name for name, state in states.items() if state.complete)
        subtitles = listed_tracks(storage, media_id, plan)
        iframes = list_iframes(storage, media_id, plan, f"{plan.digest}/", without)
        thumbnails = find_thumbnails(storage, media_id, plan)
        if (found, subtitles, iframes, thumbnails) == (told, listed, wound, tiled) or not found[0]:
            return found
        told, listed, wound, tiled = found, subtitles, iframes, thumbnails
        described = _described(storage, media_id, plan, states)
        # everything that is planned: our page can wait for it
        ladder = render_multivariant(plan, described, "", surround=False)
        files.publish(storage.ladder(media_id, plan.digest), ladder.encode())
        described = {name: facts for name, facts in described.items() if name in found[0]}
        folder = f"{plan.digest}/"
        manifest = render_dash(plan, described, listed, tiled)
        files.publish(storage.dash(media_id, plan.digest), manifest.encode())
        files.sync_folder(storage.plan_folder(media_id, plan.digest))
        master = render_multivariant(plan, described, folder, render_subtitle_group(listed, folder))
        files.publish(storage.master(media_id), (master + iframes).encode())
        files.sync_folder(storage.hls(media_id))


def _without(states: dict[str, RenditionState], names: Collection[str]) -> dict[str, RenditionState]:
    return states | {name: replace(states[name], present=frozenset()) for name in names}


def _described(
    storage: Storage, media_id: UUID, plan: Plan, states: Mapping[str, RenditionState]
) -> dict[str, Measured]:
    described = {}
    for name, state in states.items():
        folder = storage.rendition(media_id, plan.digest, name)
        measured = measure(folder, plan.grid(name), state.rendition) if state.complete else None
        described[name] = measured or estimate(state.rendition)
    return described


def is_playable(plan: Plan, offered: frozenset[str]) -> bool:
    """One rung and the sound that goes with it."""
    seen = not plan.pictures or any(picture.name in offered for picture in plan.pictures)
    heard = not plan.sounds or any(sound.name in offered for sound in plan.sounds if sound.default)
    return seen and heard


def _record(
    media_id: UUID, plan: Plan, kept: frozenset[str], offered: frozenset[str], complete: frozenset[str]
) -> None:
    if is_playable(plan, offered):
        media_files.mark_playable(media_id)
    media_files.touch(media_id)
    smallest = [rung.name for rung in plan.rungs if rung.name in kept][-1:]
    if plan.video and complete.issuperset(smallest):
        jobs.add(media_id, JobKind.TRICKPLAY, priority=jobs.TRICKPLAY)
    if complete >= kept and not media_files.is_ready(media_id):
        jobs.add(media_id, JobKind.VERIFY, priority=jobs.VERIFY)
