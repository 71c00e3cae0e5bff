"""Plans that newer ones took the place of. Nobody can reach them but who opened the film before that."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from uuid import UUID

from vod.storage import DIGEST, Storage


def remove_superseded(storage: Storage, media_id: UUID, digest: str, link_seconds: float) -> list[str]:
    """Removes the folders of plans that are older than the one of `digest`; returns their digests. Blocks.

    Not before players have been led to that one for longer than any link may live: whoever watches an old plan watches
    on, and as long as nothing can be shown of the new one the old one is what everybody gets. Raises OSError.
    """
    try:
        planned_at = storage.plan(media_id, digest).stat().st_mtime
        led_at, master = storage.master(media_id).stat().st_mtime, storage.master(media_id).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    if time.time() - max(planned_at, led_at) < link_seconds:
        return []
    folders = [folder for folder in storage.hls(media_id).iterdir() if folder.name not in master]
    older = [folder for folder in folders if _is_older(folder, digest, planned_at)]
    for folder in older:
        shutil.rmtree(folder, ignore_errors=True)
    return [folder.name for folder in older]


def _is_older(folder: Path, digest: str, planned_at: float) -> bool:
    """False for one without a plan: it may be about to get it."""
    if folder.name == digest or not DIGEST.match(folder.name):
        return False
    try:
        return (folder / "plan.json").stat().st_mtime < planned_at
    except FileNotFoundError:
        return False
