"""The artwork job: one poster for each film, so that a library is recognised at a glance.

A film plays without it, so nothing that goes wrong here is anybody's failure: it is noted and the job ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from logging import getLogger
from pathlib import Path

from vod import artwork, storage
from vod.artwork import Look, Moment
from vod.catalog import media_files
from vod.catalog.jobs import JobSnapshot
from vod.errors import NotFound, ProcessError
from vod.ffmpeg.process import Command, Launcher, Limits
from vod.hls.plan import Plan, VideoPlan
from vod.hls.progress import load_plan
from worker.context import Context

log = getLogger(__name__)

# An 8K frame, its scaler and a tone map in floats; a seek over a slow network disk
LOOK_LIMITS = Limits(address_space_bytes=4 << 30, wall_seconds=60, output_bytes=4 << 20)


async def run(job: JobSnapshot, context: Context) -> None:
    media_id = job.media_file_id
    try:
        media = (await context.database.run(media_files.get, media_id)).media_file
        plan = await asyncio.to_thread(load_plan, context.storage, media_id, media.plan_digest or "")
        original = context.storage.original(media_id, media.extension)
        picture = await find_poster(context.launcher, plan, original)
        if picture is None:
            log.info("media file %s: no picture in it makes a poster", media_id)
            return
        await asyncio.to_thread(_publish, context.storage.artwork(media_id, artwork.POSTER), picture)
        await context.database.run(media_files.mark_artwork, media_id)
    except (NotFound, OSError) as error:
        log.warning("media file %s: no poster: %s", media_id, error)


async def find_poster(launcher: Launcher, plan: Plan, original: Path) -> bytes | None:
    """A JPEG no wider than 640 pixels; None where the original shows nothing worth keeping."""
    if plan.video is None:
        cover = await _look(launcher, artwork.cover_arguments(plan, original, launcher.settings.max_pixels), original)
        return cover.picture or None if cover else None
    for moments in artwork.rounds(plan):
        looks = await _looks(launcher, plan, plan.video, original, moments)
        if (best := artwork.best(looks)) is not None:
            return best.picture
    return None


async def _looks(
    launcher: Launcher, plan: Plan, video: VideoPlan, original: Path, moments: Iterable[Moment]
) -> list[Look]:
    """Up to the first that is good enough."""
    looks = []
    for moment in moments:
        arguments = artwork.still_arguments(plan, video, original, moment, launcher.settings.max_pixels)
        if (look := await _look(launcher, arguments, original)) is not None:
            looks.append(look)
            if look.score >= artwork.GOOD_ENOUGH:
                break
    return looks


async def _look(launcher: Launcher, arguments: tuple[str, ...], original: Path) -> Look | None:
    """None where ffmpeg shows nothing: a damaged place, a file without a cover."""
    command = Command(
        program="ffmpeg", arguments=arguments, reads=(original,), outputs=artwork.OUTPUTS, limits=LOOK_LIMITS
    )
    try:
        async with launcher.stream(command) as running:
            picture, luma = await asyncio.gather(*(output.read() for output in running.outputs))
            await running.finish()
    except ProcessError as error:
        log.debug("no picture: %s", error.detail)
        return None
    return Look(picture, luma)


def _publish(path: Path, picture: bytes) -> None:
    storage.make_folder(path.parent)
    storage.publish(path, picture)
    storage.sync_folder(path.parent)
