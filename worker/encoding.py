"""The `encode` job: the missing segments of one span of one lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import groupby
from logging import getLogger
from pathlib import Path

from vod import storage as files
from vod.catalog import media_files
from vod.catalog.jobs import JobSnapshot
from vod.containers.samples import NotCopyable
from vod.errors import DiskFull, OutputRefused, ProcessError
from vod.ffmpeg.process import Command, Limits, Running
from vod.hls.cutter import CameTooLate, Target, cut_audio, cut_remuxed, cut_video
from vod.hls.encode import Input, Span
from vod.hls.picture import ladder_arguments
from vod.hls.plan import PREVIEW_LANE, SOFTWARE, AudioPlan, Copied, Plan, RemuxedRung, Rendition, Rung, Written
from vod.hls.progress import load_plan, rendition_states
from vod.hls.remux import remux_arguments
from vod.hls.sound import audio_arguments
from worker.context import Context
from worker.copies import write_segment
from worker.hardware import hardware_for, may_try_again, on_hardware
from worker.lanes import advance, refresh
from worker.reels import Reel
from worker.replanning import CopiesRefused, NotAsPlanned, plan_anew
from worker.verifying import decodes

log = getLogger(__name__)

# 4K 10-bit HEVC to three rungs takes 2 GiB.
ADDRESS_SPACE_BYTES = 4 << 30
# Beyond any honest span: ten times real time of its length on a slow machine, and ten minutes.
WALL_FACTOR, WALL_MARGIN_SECONDS = 10, 600
# Of what the plan allows a span to weigh; more is an output bomb.
OUTPUT_FACTOR, OUTPUT_MARGIN_BYTES = 3, 200 << 20
# How much further back each try seeks where the one before came too late for its first frame; the last takes what
# there is, for then the original has a gap there.
SEEKS = ((Fraction(0), False), (Fraction(15), False), (Fraction(15), True))


# A process that has closed one of its outputs is about to end.
END_SECONDS = 5.0


@dataclass(slots=True)
class _Work:
    """One ffmpeg process: `parts` are the renditions of the lane that lack something in `span`."""

    job: JobSnapshot
    context: Context
    plan: Plan
    parts: Sequence[Written]
    span: Span
    segments_done: int = field(default=0)

    async def on_segment(self, number: int) -> None:
        self.segments_done += 1
        self.context.lease.achieved()
        whole = (self.job.last_segment - self.job.first_segment + 1) * len(self.plan.parts(self.job.lane))
        self.context.lease.report(min(1.0, self.segments_done / whole))
        self.context.tell()
        if number == 0:
            # the head of the film: from here on one more rung, or the film, may be playable
            await refresh(self.context, self.job.media_file_id, self.plan)


async def run(job: JobSnapshot, context: Context) -> None:
    """Again where another plan took the place of the one it began with: its maker counts on this job."""
    (plan, original), made = await _look_up(job, context), None
    while plan != made:
        if not _is_known(plan, job.lane):
            log.info("job %d: the plan of its film has no lane %s any more", job.id, job.lane)
            return
        try:
            await _make_missing(job, context, plan, original)
        except NotAsPlanned as refusal:
            await plan_anew(context, job.media_file_id, refusal)
            return
        await asyncio.to_thread(_sync_folders, job, context, plan)
        (plan, _), made = await _look_up(job, context), plan
    await advance(job, context, plan)


async def _look_up(job: JobSnapshot, context: Context) -> tuple[Plan, Path]:
    """The film's plan of this moment, and its original."""
    media = (await context.database.run(media_files.get, job.media_file_id)).media_file
    plan = await asyncio.to_thread(load_plan, context.storage, media.id, media.plan_digest or "")
    return plan, context.storage.original(media.id, media.extension)


async def _make_missing(job: JobSnapshot, context: Context, plan: Plan, original: Path) -> None:
    settings = context.config.ffmpeg
    source = Input(
        path=original,
        max_pixels=settings.max_pixels,
        threads=settings.threads,
        device=settings.device,
    )
    for parts, span in await asyncio.to_thread(_missing, job, context, plan):
        copies = [part for part in parts if isinstance(part, Copied)]
        for copied in copies:
            await _copy(_Work(job, context, plan, (), span), copied, source.path)
        written = [part for part in parts if not isinstance(part, Copied)]
        if written:
            await _write(_Work(job, context, plan, written, span), source)


def _is_known(plan: Plan, lane: str) -> bool:
    return lane in plan.lanes or lane in plan.renditions or (lane == PREVIEW_LANE and plan.preview is not None)


def _missing(job: JobSnapshot, context: Context, plan: Plan) -> list[tuple[list[Rendition], Span]]:
    """Nothing that is there is encoded again: the gaps of the job's range, with the renditions that have them."""
    states = rendition_states(context.storage, job.media_file_id, plan)
    wanted = range(job.first_segment, job.last_segment + 1)

    def lacking(number: int) -> tuple[Rendition, ...]:
        return tuple(part for part in plan.parts(job.lane) if states[part.name].lacks(number))

    gaps = [(list(parts), list(numbers)) for parts, numbers in groupby(wanted, lacking) if parts]
    return [(parts, Span(first=numbers[0], last=numbers[-1])) for parts, numbers in gaps]


async def _copy(work: _Work, copied: Copied, original: Path) -> None:
    """Virtual segments: each is on disk before the next is read. Raises CopiesRefused where one is none."""
    storage, media_id = work.context.storage, work.job.media_file_id
    try:
        reel = await asyncio.to_thread(Reel.of, original, work.plan, copied)
        for number in range(work.span.first, min(work.span.last + 1, work.plan.grid(copied.name).count)):
            if await asyncio.to_thread(write_segment, storage, media_id, work.plan, copied, reel, number):
                await work.on_segment(number)
    except NotCopyable as refusal:
        raise CopiesRefused(f"{copied.name} cannot be handed on as it is: {refusal}") from None


async def _write(work: _Work, source: Input) -> None:
    """Raises NotAsPlanned where the original, or this machine, will not give what is planned."""
    try:
        with on_hardware(work.job, work.context, _encoder(work)):
            await _make(work, source)
    except ProcessError as fault:
        is_refused = isinstance(fault, OutputRefused) or not may_try_again(work.job, work.context)
        if isinstance(work.parts[0], RemuxedRung) and is_refused:
            raise CopiesRefused(f"Its pictures cannot be repacked: {fault}") from None
        raise


async def _make(work: _Work, source: Input) -> None:
    await asyncio.to_thread(_check_disk, work)
    for seek_back_seconds, gap_allowed in SEEKS:
        span = replace(work.span, seek_back_seconds=seek_back_seconds)
        try:
            await _encode(work, span, source, gap_allowed=gap_allowed)
        except CameTooLate as late:
            if gap_allowed:
                raise
            log.info("job %d: seeking further back: %s", work.job.id, late.detail)
        else:
            return


async def _encode(work: _Work, span: Span, source: Input, *, gap_allowed: bool) -> None:
    arguments = _arguments(work, span, source)
    command = Command(
        program="ffmpeg",
        arguments=tuple(arguments),
        reads=(source.path,),
        outputs=len(work.parts),
        hardware=hardware_for(_encoder(work), source.device),
        limits=_limits(work),
        urgent=work.job.is_urgent,
    )
    async with work.context.launcher.stream(command) as running:
        try:
            async with asyncio.TaskGroup() as group:
                for part, reader in zip(work.parts, running.outputs, strict=True):
                    group.create_task(_cutter(part)(reader, _target(work, span, part, gap_allowed)))
        except ExceptionGroup as failures:
            # not `except*`: before Python 3.11.4 it wraps what is raised in it
            failure = _first(failures)
            if not isinstance(failure, CameTooLate) and any(output.at_eof() for output in running.outputs):
                await _tell_own_failure(running)
            raise failure from None
        await running.finish()


async def _tell_own_failure(running: Running) -> None:
    """A stream that was cut short says less than the process that stopped writing it. Raises what `finish` does."""
    with suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            await running.finish()


def _cutter(part: Written) -> Callable[[asyncio.StreamReader, Target], Coroutine[None, None, None]]:
    return cut_audio if isinstance(part, AudioPlan) else cut_remuxed if isinstance(part, RemuxedRung) else cut_video


def _arguments(work: _Work, span: Span, source: Input) -> list[str]:
    audio = [part for part in work.parts if isinstance(part, AudioPlan)]
    if audio:
        return audio_arguments(work.plan, audio[0], span, source)
    rungs = [part for part in work.parts if isinstance(part, Rung)]
    if work.plan.video is None:
        raise KeyError(work.job.lane)
    if not rungs:
        return remux_arguments(work.plan, work.plan.video, span, source)
    return ladder_arguments(work.plan, work.plan.video, rungs, span, source)


def _encoder(work: _Work) -> str:
    return work.plan.encoder if isinstance(work.parts[0], Rung) else SOFTWARE


def _target(work: _Work, span: Span, part: Written, gap_allowed: bool) -> Target:
    video = work.plan.video
    folder = work.context.storage.rendition(work.job.media_file_id, work.plan.digest, part.name)
    target = Target(
        folder=folder,
        grid=work.plan.grid(part.name),
        span=span,
        tolerance_ticks=0 if isinstance(part, AudioPlan) or video is None else video.tolerance_ticks,
        gap_allowed=gap_allowed,
        on_segment=work.on_segment,
    )
    if not isinstance(part, RemuxedRung) or video is None:
        return target
    accepted = partial(decodes, work.context.launcher, folder, urgent=work.job.is_urgent)
    return replace(target, origin_ticks=video.origin_ticks, decodes=accepted)


def _limits(work: _Work) -> Limits:
    seconds = _span_seconds(work)
    return Limits(
        address_space_bytes=ADDRESS_SPACE_BYTES,
        wall_seconds=WALL_FACTOR * seconds + WALL_MARGIN_SECONDS,
        stall_seconds=work.context.config.ffmpeg.stall_seconds,
        output_bytes=OUTPUT_FACTOR * _planned_bytes(work) + OUTPUT_MARGIN_BYTES,
    )


def _check_disk(work: _Work) -> None:
    """The reserve is never eaten, not even by what is half done."""
    reserve = work.context.config.media.reserve_bytes
    if work.context.storage.free_bytes() - _planned_bytes(work) < reserve:
        raise DiskFull("There is too little free disk to go on encoding; it continues when there is room.")


def _planned_bytes(work: _Work) -> int:
    return int(sum(map(_expected_bps, work.parts)) * _span_seconds(work) / 8)


def _expected_bps(part: Written) -> int:
    if isinstance(part, Rung):
        return part.peak_bps
    return part.bitrate_bps if isinstance(part, AudioPlan) else part.expected_bps


def _span_seconds(work: _Work) -> float:
    grid = work.plan.grid(work.parts[0].name)
    return (grid.cuts[work.span.last + 1] - grid.cuts[work.span.first]) / grid.timescale


def _sync_folders(job: JobSnapshot, context: Context, plan: Plan) -> None:
    """After this no power cut takes a name back; before it the job is not complete."""
    for part in plan.parts(job.lane):
        files.sync_folder(context.storage.rendition(job.media_file_id, plan.digest, part.name))


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    """The cause to tell: a seek that came too late is retried, whatever else happened beside it."""
    found = [failure for failure in failures.exceptions if isinstance(failure, CameTooLate)]
    return found[0] if found else failures.exceptions[0]
