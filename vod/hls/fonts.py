"""The fonts that an original brings along, beside its styled subtitles, for our page alone.

::

    fonts/0.bin …            as they lie in the original
    fonts/fonts.json         how many there are; written last
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from vod import storage as files
from vod.containers.matroska_attachments import Font
from vod.hls.plan import Plan
from vod.storage import FONTS, Storage

LIST = "fonts.json"


def publish_fonts(storage: Storage, media_id: UUID, plan: Plan, original: Path, fonts: Sequence[Font]) -> None:
    """Blocks; raises OSError."""
    folder = storage.rendition(media_id, plan.digest, FONTS)
    files.make_folder(folder)
    with original.open("rb") as source:
        for number, font in enumerate(fonts):
            source.seek(font.offset)
            files.publish_once(folder / _name(number), source.read(font.size))
    files.publish_once(folder / LIST, json.dumps({"fonts": len(fonts)}).encode())
    files.sync_folder(folder)


def has_fonts(storage: Storage, media_id: UUID, plan: Plan) -> bool:
    """Whether the original was looked at for them."""
    return (storage.rendition(media_id, plan.digest, FONTS) / LIST).exists()


def font_files(storage: Storage, media_id: UUID, plan: Plan) -> list[str]:
    """Their paths below the plan's folder, none while they are not there."""
    try:
        count = json.loads((storage.rendition(media_id, plan.digest, FONTS) / LIST).read_text())["fonts"]
    except FileNotFoundError:
        return []
    return [f"{FONTS}/{_name(number)}" for number in range(count)]


def _name(number: int) -> str:
    return f"{number}.bin"
