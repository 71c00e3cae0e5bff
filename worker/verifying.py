"""The `verify` job: a film is READY when all that is kept of it is what its plan says and its ends decode.

`vod.hls.verify` reads the headers of every segment; the first and the last of each rendition go through a decoder
as well, as a player would get them.
"""

from __future__ import annotations

import asyncio
import os
from logging import getLogger
from pathlib import Path
from uuid import UUID

from vod.catalog import jobs, media_files
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind, JobState, MediaStatus
from vod.containers.boxes import Bytes
from vod.containers.samples import NotCopyable
from vod.errors import OutputRefused, ProcessError, SourceError
from vod.ffmpeg.guards import guard_arguments, input_guards
from vod.ffmpeg.process import Command, Launcher, Limits
from vod.hls.fragments import SampleDefaults
from vod.hls.plan import SOFTWARE, Copied, CopiedRung, Plan, RemuxedRung, Rung
from vod.hls.policy import Policy, kept_lanes, kept_renditions
from vod.hls.progress import load_plan
from vod.hls.verify import SegmentRefused, read_samples, verify_rendition
from vod.storage import INIT_SECTION, segment_name
from worker.checkup import log_broken_rules
from worker.context import Context
from worker.copies import refuse_open_groups, write_out
from worker.lanes import open_spans
from worker.replanning import CopiesRefused, HardwareFailed, NotAsPlanned, plan_anew

log = getLogger(__name__)

# One segment of 1080p60, on one thread of a busy machine
DECODE_LIMITS = Limits(address_space_bytes=1 << 30, wall_seconds=120)


async def run(job: JobSnapshot, context: Context) -> None:
    """A segment that is refused is made anew, once, and its lane ends with a new verification; a copy is given up.

    Raises OutputRefused with a fault that is no segment's, SourceError where the original is to blame.
    """
    media = (await context.database.run(media_files.get, job.media_file_id)).media_file
    plan = await asyncio.to_thread(load_plan, context.storage, media.id, media.plan_digest or "")
    original = context.storage.original(media.id, media.extension)
    # What was evicted since a film is READY does not have to be there.
    policy: Policy = "on-demand" if media.status == MediaStatus.READY else context.config.hls.policy
    kept = [name for name in plan.renditions if name in kept_renditions(plan, policy)]
    try:
        await _verify_copies(context, media.id, plan, original)
        for done, name in enumerate(kept):
            folder = context.storage.rendition(media.id, plan.digest, name)
            await asyncio.to_thread(verify_rendition, folder, plan, name)
            if not isinstance(plan.renditions[name], Copied):
                await verify_decodes(context.launcher, folder, plan, name)
            context.lease.report((done + 1) / len(kept))
    except SegmentRefused as refusal:
        await _mend(job, context, plan, policy, refusal)
    except NotAsPlanned as refusal:
        await plan_anew(context, media.id, refusal)
    else:
        await asyncio.to_thread(_forget_refused, job, context, plan)
        await context.database.run(media_files.mark_ready, media.id)
        await log_broken_rules(context, media.id, plan)


async def _verify_copies(context: Context, media_id: UUID, plan: Plan, original: Path) -> None:
    """Rules 15-20 of hls-rules.md, for what plays already. Raises CopiesRefused."""
    for copied in plan.copies:
        folder = context.storage.rendition(media_id, plan.digest, copied.name)
        try:
            await asyncio.to_thread(verify_rendition, folder, plan, copied.name)
            if isinstance(copied, CopiedRung):
                await asyncio.to_thread(refuse_open_groups, plan, copied, original)
            for number in sorted({0, plan.grid(copied.name).count - 1}):
                segment = await asyncio.to_thread(write_out, folder, number, original)
                try:
                    await _verify_segment(context.launcher, folder, copied.name, number, segment)
                finally:
                    await asyncio.to_thread(segment.unlink, missing_ok=True)
        except (OutputRefused, NotCopyable, OSError) as fault:
            raise CopiesRefused(f"{copied.name} cannot be handed on as it is: {fault}") from None


async def _mend(job: JobSnapshot, context: Context, plan: Plan, policy: Policy, refusal: SegmentRefused) -> None:
    """Raises SourceError where the segment was refused before: it would come out the same a third time."""
    if isinstance(plan.renditions[refusal.rendition], RemuxedRung):  # and so would this a second time
        await plan_anew(context, job.media_file_id, CopiesRefused(f"It cannot be repacked: {refusal.detail}"))
        return
    path = context.storage.segment(job.media_file_id, plan.digest, refusal.rendition, refusal.number)
    if await asyncio.to_thread(_put_aside, path):
        await _make_anew(job, context, plan, policy, refusal)
    else:
        await _give_up(job, context, plan, refusal)


async def _make_anew(job: JobSnapshot, context: Context, plan: Plan, policy: Policy, refusal: SegmentRefused) -> None:
    log.warning("media file %s: %s It is made anew.", job.media_file_id, refusal.detail)
    lanes = kept_lanes(plan, policy).items()
    lane = next(lane for lane, parts in lanes if refusal.rendition in {part.name for part in parts})
    await open_spans(context, job.media_file_id, plan, lane, priority=jobs.HEAD)
    await context.database.run(_ask_alone, job.media_file_id, lane, refusal)


async def _give_up(job: JobSnapshot, context: Context, plan: Plan, refusal: SegmentRefused) -> None:
    """Raises SourceError, but where another encoder may do better."""
    if plan.encoder != SOFTWARE and isinstance(plan.renditions[refusal.rendition], Rung):
        failure = HardwareFailed(f"The encoder {plan.encoder} failed: {refusal.detail}")
        await plan_anew(context, job.media_file_id, failure)
        return
    # Whoever asks for a retry, after an update perhaps, gets another two tries.
    await asyncio.to_thread(_forget_refused, job, context, plan)
    raise SourceError(f"A part of this film cannot be made playable. {refusal.detail}")


def _ask_alone(media_id: UUID, lane: str, refusal: SegmentRefused) -> None:
    """Where a running job has the segment in hand, for that may have looked before what was missing."""
    waiting = [job for job in jobs.open_jobs(media_id) if (job.lane, job.state) == (lane, JobState.PENDING)]
    if any(job.first_segment <= refusal.number <= job.last_segment for job in waiting):
        return
    place = {"first_segment": refusal.number, "last_segment": refusal.number}
    jobs.add(media_id, JobKind.ENCODE, lane=refusal.rendition, priority=jobs.HEAD, **place)


def _put_aside(segment: Path) -> bool:
    """False where this segment was refused before."""
    if not segment.exists():
        return True  # lost, or put aside by a worker that was killed before it had asked for another
    aside = segment.with_name(f".{segment.name}.refused")
    if aside.exists():
        return False
    segment.rename(aside)
    return True


def _forget_refused(job: JobSnapshot, context: Context, plan: Plan) -> None:
    for name in plan.renditions:
        for aside in context.storage.rendition(job.media_file_id, plan.digest, name).glob(".*.refused"):
            aside.unlink(missing_ok=True)


async def verify_decodes(launcher: Launcher, folder: Path, plan: Plan, name: str) -> None:
    """Raises SegmentRefused for the first that a decoder stumbles over; `vod.hls.verify` has accepted `folder`."""
    for number in sorted({0, plan.grid(name).count - 1}):
        await _verify_segment(launcher, folder, name, number, folder / segment_name(number))


async def decodes(launcher: Launcher, folder: Path, parts: tuple[Bytes, ...], *, urgent: bool) -> bool:
    """Whether a segment of these parts would be accepted, before it is published in `folder`."""
    aside = folder / f".{os.getpid()}.{os.urandom(4).hex()}.part"
    try:
        await asyncio.to_thread(aside.write_bytes, b"".join(parts))
        await _verify_segment(launcher, folder, folder.name, 0, aside, urgent=urgent)
    except SegmentRefused as refusal:
        log.info("%s", refusal)
        return False
    finally:
        await asyncio.to_thread(aside.unlink, missing_ok=True)
    return True


async def _verify_segment(
    launcher: Launcher, folder: Path, name: str, number: int, segment: Path, *, urgent: bool = False
) -> None:
    init = folder / INIT_SECTION
    wanted = await asyncio.to_thread(_count_samples, init, segment)
    command = Command(
        program="ffmpeg",
        arguments=decode_arguments(init, segment, launcher.settings.max_pixels),
        reads=(init, segment),
        limits=DECODE_LIMITS,
        urgent=urgent,
    )
    try:
        finished = await launcher.run(command)
    except ProcessError as error:
        raise SegmentRefused(name, number, "it cannot be decoded", error.stderr_tail) from None
    decoded = sum(not line.startswith(b"#") for line in finished.stdout.splitlines())
    if decoded != wanted:
        raise SegmentRefused(name, number, f"it decodes to {decoded} frames of {wanted}", finished.stderr_tail)


def _count_samples(init: Path, segment: Path) -> int:
    return len(read_samples(segment, SampleDefaults.of_init_section(init.read_bytes())))


def decode_arguments(init: Path, segment: Path, max_pixels: int) -> tuple[str, ...]:
    """Every frame as one line of text on stdout."""
    guards = input_guards(max_pixels=max_pixels, format_name="mov", threads=1)
    # the two files as one stream: what a player appends to its buffer
    guards["protocol_whitelist"] = "concat,file"
    return (
        # the first broken frame is the end
        "-xerror",
        *guard_arguments(guards),
        # a third of the work, and none of it finds damage: that is found while the bits are read
        *("-skip_loop_filter", "all"),
        # damage that a player would conceal is an error here
        *("-err_detect", "explode"),
        *("-i", f"concat:{init}|{segment}"),
        # no frame made up or dropped to please a constant rate
        *("-fps_mode", "passthrough"),
        # a line for each frame, without its pixels being copied
        *("-copyts", "-c:v", "wrapped_avframe", "-f", "framecrc", "pipe:1"),
    )
