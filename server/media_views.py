"""A media file as callers see it: its facts and title, how far each lane is, and links signed for this caller."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from server.access import Identity
from server.contract import Shown
from server.keys import CONFIG, STORAGE, TOKENS
from vod.catalog.media_files import Entry
from vod.catalog.models import MediaFile
from vod.catalog.naming import EpisodeTitling, MovieTitling
from vod.errors import NotFound
from vod.hls.plan import COPY_LANE, Rendition, Sound
from vod.hls.policy import Policy, kept_lanes
from vod.hls.progress import RenditionState, lane_progress, load_plan, rendition_states, servable
from vod.hls.transport_playlists import TRANSPORT_MASTER
from vod.storage import DASH, LADDER, MASTER, STILLS, TRICKPLAY, Storage
from vod.tokens import Scope, expiry_for

# What a path part or a downloaded file's name cannot hold everywhere.
UNNAMEABLE = re.compile(r"[\x00-\x1f\x7f/\\{}:*?\"<>|]+")


class MediaFileSummary(Shown):
    id: UUID
    status: str
    playable: bool
    kind: Literal["movie", "episode"]
    title: str
    release_date: str | None
    description: str
    series: str | None
    season: int | None
    episode: int | None
    original_name: str
    size: int
    mime_type: str
    duration: float | None
    width: int | None
    height: int | None
    has_artwork: bool
    poster_url: str | None
    error_message: str | None
    created_at: float
    updated_at: float
    playable_at: float | None
    ready_at: float | None


class RenditionView(Shown):
    """`progress` is 0..1 of its segments; `available` means that nobody waits for one for long."""

    name: str
    type: Literal["video", "audio"]
    lane: str
    width: int | None
    height: int | None
    language: str | None
    label: str | None
    complete: bool
    available: bool
    progress: float
    segments_done: int
    segments_total: int


class MediaFileState(MediaFileSummary):
    """`progress` is 0..1 by lane; both are empty before there is a plan."""

    progress: dict[str, float]
    renditions: list[RenditionView]
    has_trickplay: bool


class ChapterView(Shown):
    """Seconds from the film's beginning; `title` may be empty."""

    start: float
    end: float
    title: str


class MediaFileView(MediaFileState):
    """The URLs are root-relative, signed for the caller, null until they work.

    `ladder_url` is like `manifest_url`, with every planned rung in it: for players that know which are available.
    """

    manifest_url: str | None
    ladder_url: str | None
    dash_url: str | None
    transport_url: str | None  # where [hls] mpegts is on
    play_url: str | None
    original_url: str | None
    trickplay_url: str | None
    chapters: list[ChapterView]


@dataclass(frozen=True, slots=True)
class Filling:
    """What the disk says about one plan."""

    progress: Mapping[str, float]
    renditions: Sequence[RenditionView]
    has_trickplay: bool


EMPTY = Filling({}, (), has_trickplay=False)


def summary(entry: Entry) -> MediaFileSummary:
    return MediaFileSummary.model_validate(_facts(entry.media_file) | _titles(entry))


async def state(storage: Storage, policy: Policy, entry: Entry) -> MediaFileState:
    """Progress is that of what `policy` makes without anybody asking."""
    return MediaFileState.model_validate(await _state(storage, policy, entry))


async def view(request: web.Request, entry: Entry, identity: Identity) -> MediaFileView:
    facts = await _state(request.app[STORAGE], request.app[CONFIG].hls.policy, entry)
    links = _links(request.app, entry, identity, has_trickplay=bool(facts["has_trickplay"]))
    return MediaFileView.model_validate(facts | links | {"chapters": _chapters(entry.media_file)})


async def _state(storage: Storage, policy: Policy, entry: Entry) -> dict[str, object]:
    filled = await asyncio.to_thread(_filling, storage, policy, entry.media_file)
    filled_fields = {
        "progress": filled.progress,
        "renditions": filled.renditions,
        "has_trickplay": filled.has_trickplay,
    }
    return _facts(entry.media_file) | _titles(entry) | filled_fields


def _filling(storage: Storage, policy: Policy, row: MediaFile) -> Filling:
    if row.plan_digest is None:
        return EMPTY
    try:
        plan = load_plan(storage, row.id, row.plan_digest)
    except NotFound:
        return EMPTY  # deleted meanwhile, or of a version that the worker is about to replace
    states = rendition_states(storage, row.id, plan)
    lanes = {part.name: lane for lane, parts in plan.lanes.items() for part in parts}
    offered = servable(plan, states)
    renditions = [
        _rendition(found, lanes.get(name, COPY_LANE), available=name in offered) for name, found in states.items()
    ]
    has_trickplay = storage.stills(row.id, row.plan_digest).exists()
    progress = lane_progress(plan, kept_lanes(plan, policy), states)
    return Filling(progress, renditions, has_trickplay)


def _rendition(found: RenditionState, lane: str, *, available: bool) -> RenditionView:
    return RenditionView(
        name=found.rendition.name,
        lane=lane,
        complete=found.complete,
        available=available,
        progress=len(found.present) / found.total,
        segments_done=len(found.present),
        segments_total=found.total,
        **_planned(found.rendition),
    )


def _planned(rendition: Rendition) -> dict[str, Any]:
    if isinstance(rendition, Sound):
        names = {"language": rendition.language, "label": rendition.label}
        return {"type": "audio", "width": None, "height": None} | names
    size = {"width": rendition.width, "height": rendition.height}
    return {"type": "video", "language": None, "label": None} | size


def _facts(row: MediaFile) -> dict[str, object]:
    return {
        "id": row.id,
        "status": row.status,
        "playable": row.playable_at is not None,
        "original_name": row.original_name,
        "size": row.size,
        "mime_type": row.mime_type,
        "duration": row.duration,
        "width": row.width,
        "height": row.height,
        "has_artwork": row.has_artwork,
        "poster_url": f"/artwork/{row.id}/poster.jpg" if row.has_artwork else None,
        "error_message": row.error_message,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "playable_at": row.playable_at,
        "ready_at": row.ready_at,
    }


def _titles(entry: Entry) -> dict[str, object]:
    titling = entry.titling or MovieTitling(title=entry.media_file.original_name)
    if isinstance(titling, EpisodeTitling):
        return {
            "kind": "episode",
            "title": titling.title or f"Episode {titling.episode}",
            "release_date": None,
            "description": "",
            "series": titling.series,
            "season": titling.season,
            "episode": titling.episode,
        }
    return {
        "kind": "movie",
        "title": titling.title,
        "release_date": titling.release_date,
        "description": titling.description,
        "series": None,
        "season": None,
        "episode": None,
    }


def _chapters(row: MediaFile) -> list[ChapterView]:
    """As the probe found them."""
    found = (row.probe or {}).get("chapters", ())
    return [ChapterView(start=one["start_seconds"], end=one["end_seconds"], title=one["title"]) for one in found]


def _links(app: web.Application, entry: Entry, identity: Identity, *, has_trickplay: bool) -> dict[str, str | None]:
    row = entry.media_file
    expiry = expiry_for(row.duration or 0.0, app[CONFIG].hls.token_seconds, time.time())
    streaming = app[TOKENS].sign(row.id, identity.stream_subject, Scope.HLS, expiry)
    downloading = app[TOKENS].sign(row.id, identity.stream_subject, Scope.ORIGINAL, expiry)
    playable = row.playable_at is not None
    hls = f"/stream/hls/{row.id}/{streaming}"
    return {
        "manifest_url": f"{hls}/{MASTER}" if playable else None,
        "ladder_url": f"{hls}/{row.plan_digest}/{LADDER}" if playable else None,
        "dash_url": f"{hls}/{row.plan_digest}/{DASH}" if playable else None,
        "transport_url": f"{hls}/{TRANSPORT_MASTER}" if playable and app[CONFIG].hls.mpegts else None,
        "play_url": f"/play/{row.id}/{streaming}.m3u" if playable else None,
        "original_url": f"/stream/original/{row.id}/{downloading}/{quote(_file_name(entry), safe='')}",
        "trickplay_url": f"{hls}/{row.plan_digest}/{TRICKPLAY}/{STILLS}" if has_trickplay else None,
    }


def _file_name(entry: Entry) -> str:
    title = entry.titling.title if isinstance(entry.titling, MovieTitling) else ""
    stem = title or entry.media_file.original_name.rpartition(".")[0]
    tidy = " ".join(UNNAMEABLE.sub(" ", stem).split()).strip(" .")
    return f"{tidy or 'film'}.{entry.media_file.extension}"
