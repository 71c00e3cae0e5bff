"""Plans that newer ones took the place of. Nobody can reach them but who opened the film before that."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from uuid import UUID

from vod.storage import DIGEST, Storage


def remove_superseded(storage: Storage, media_id: UUID, digest: str, link_seconds: float) -> list[str]:
    """Removes the folders of plans that are older than the one of `digest`; returns their digests. Blocks.

    Not before that one is older than any link may live, for whoever watches an old plan watches on.
    """
    try:
        planned_at = storage.plan(media_id, digest).stat().st_mtime
    except FileNotFoundError:
        return []
    if time.time() - planned_at < link_seconds:
        return []
    older = [folder for folder in storage.hls(media_id).iterdir() if _is_older(folder, digest, planned_at)]
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
