"""Subtitle files that people add beside an original: read once, kept clean, published again with every plan.

Below `subtitles/{media id}/` lie for each its cues (`{sidecar id}.vtt`), its styled script where it has one (`.ass`)
and its facts (`.json`), written last. Names are ids; the name of the uploaded file is not kept. Blocking: call it in
a thread.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from vod import storage as files
from vod.errors import NotFound
from vod.hls.subtitles import SubtitleTrack
from vod.storage import Storage
from vod.subtitles.ass import plain_cues, read_script, written
from vod.subtitles.cues import Cue, SubtitlesRefused, tidy
from vod.subtitles.srt import read_srt, read_webvtt
from vod.subtitles.text import decoded
from vod.subtitles.webvtt import render_whole

SIDECAR_PREFIX = "side-"
MOST_SIDECARS = 100  # of one film

READERS: dict[str, Callable[[str], list[Cue]]] = {
    "srt": read_srt,
    "vtt": read_webvtt,
    "ass": lambda text: plain_cues(read_script(text)),
    "ssa": lambda text: plain_cues(read_script(text)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    id: UUID
    language: str  # BCP-47
    label: str
    forced: bool
    hearing_impaired: bool
    styled: bool
    created_at: float

    @property
    def name(self) -> str:
        """Of its rendition."""
        return f"{SIDECAR_PREFIX}{self.id.hex}"

    @property
    def track(self) -> SubtitleTrack:
        return SubtitleTrack(
            name=self.name,
            language=self.language,
            label=self.label,
            default=False,
            forced=self.forced,
            hearing_impaired=self.hearing_impaired,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the person who adds a file says of it."""

    language: str
    label: str
    forced: bool
    hearing_impaired: bool


def add_sidecar(storage: Storage, media_id: UUID, data: bytes, suffix: str, facts: Facts, created_at: float) -> Sidecar:
    """Raises SubtitlesRefused for a file without a cue, for what is none, and for one too many."""
    cues, styled = read_sidecar(data, suffix)
    if len(stored_sidecars(storage, media_id)) >= MOST_SIDECARS:
        raise SubtitlesRefused(f"This film has {MOST_SIDECARS} subtitle files already.")
    sidecar = Sidecar(id=uuid4(), styled=bool(styled), created_at=created_at, **dataclasses.asdict(facts))
    files.make_folder(storage.sidecars(media_id))
    files.publish(storage.sidecar(media_id, sidecar.id, "vtt"), render_whole(cues).encode())
    if styled:
        files.publish(storage.sidecar(media_id, sidecar.id, "ass"), styled.encode())
    files.publish(storage.sidecar(media_id, sidecar.id, "json"), _to_json(sidecar).encode())
    files.sync_folder(storage.sidecars(media_id))
    return sidecar


def read_sidecar(data: bytes, suffix: str) -> tuple[tuple[Cue, ...], str]:
    """Cues, and the styled script ("" where there is no styling)."""
    if suffix not in READERS:
        raise SubtitlesRefused("Subtitles come as .srt, .vtt, .ass or .ssa files.")
    text = decoded(data)
    cues = tidy(READERS[suffix](text))
    if not cues:
        raise SubtitlesRefused(f"There is not one line with its time in this file. Is it really a .{suffix} file?")
    return cues, written(read_script(text)) if suffix in ("ass", "ssa") else ""


def stored_sidecars(storage: Storage, media_id: UUID) -> list[Sidecar]:
    """The oldest first."""
    found = [_from_json(path) for path in _facts_files(storage, media_id)]
    return sorted((sidecar for sidecar in found if sidecar), key=lambda sidecar: (sidecar.created_at, sidecar.name))


def sidecar_content(storage: Storage, media_id: UUID, sidecar: Sidecar) -> tuple[tuple[Cue, ...], str]:
    """As `read_sidecar` gave them. Raises NotFound where it was removed meanwhile."""
    try:
        cues = tidy(read_webvtt(storage.sidecar(media_id, sidecar.id, "vtt").read_text(encoding="utf-8")))
        script = storage.sidecar(media_id, sidecar.id, "ass")
        return cues, script.read_text(encoding="utf-8") if sidecar.styled else ""
    except FileNotFoundError:
        raise NotFound("These subtitles have been removed.") from None


def remove_sidecar(storage: Storage, media_id: UUID, sidecar_id: UUID) -> None:
    """Raises NotFound. The facts go first: what has none does not exist."""
    if sidecar_id not in {sidecar.id for sidecar in stored_sidecars(storage, media_id)}:
        raise NotFound("There are no such subtitles.")
    for suffix in ("json", "ass", "vtt"):
        storage.sidecar(media_id, sidecar_id, suffix).unlink(missing_ok=True)
    files.sync_folder(storage.sidecars(media_id))


def _facts_files(storage: Storage, media_id: UUID) -> list[Path]:
    folder = storage.sidecars(media_id)
    return list(folder.glob("*.json")) if folder.exists() else []


def _to_json(sidecar: Sidecar) -> str:
    return json.dumps({**dataclasses.asdict(sidecar), "id": str(sidecar.id)})


def _from_json(path: Path) -> Sidecar | None:
    """None where it is removed just now, or of a version that knew other facts."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Sidecar(**record | {"id": UUID(record["id"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
