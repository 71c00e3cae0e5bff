"""`/media-files/{id}/subtitles`: the tracks of a film with links for the page, and files that people add to them.

A file is read, cleaned and stored here; a worker publishes it beside the other renditions. Nothing of an uploaded name
but its extension is used.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import BeforeValidator, Field

from server.access import Identity, require_user
from server.bodies import validated
from server.contract import Given, Shown, operation, shown
from server.keys import BELL, CONFIG, DATABASE, STORAGE, TOKENS
from server.labels import extension_of, file_label, one_line
from server.multipart import MultipartStream, Part
from server.path_ids import media_id_in_path
from server.upload_body import UploadBody
from server.uploads import FILE_FIELD, OPEN_UPLOADS, boundary_of, one_of_few, read_field
from vod.catalog import jobs, media_files
from vod.catalog.models import JobKind, MediaFile
from vod.errors import DiskFull, Invalid, NotFound, UploadTooLarge
from vod.ffmpeg.labels import language_tag
from vod.hls.fonts import font_files
from vod.hls.plan import Plan
from vod.hls.progress import load_plan
from vod.hls.sidecars import Facts, Sidecar, add_sidecar, remove_sidecar, stored_sidecars
from vod.hls.subtitle_files import PICTURE_INDEX, STYLED, is_empty, marker
from vod.hls.track_names import label
from vod.storage import WHOLE_SUBTITLES, Storage
from vod.tokens import Scope, expiry_for

LARGEST_FILE_BYTES = 8 << 20  # twice what typeset ASS reaches; hostile ones cost under four seconds of a thread
LONGEST_LABEL = 100
UNKNOWN_LANGUAGE = "und"


class SubtitleView(Shown):
    """`id` is that of a file somebody added. The URLs are signed for the caller, null until they work."""

    id: UUID | None
    name: str
    kind: Literal["text", "ass", "picture"]
    language: str
    label: str
    default: bool
    forced: bool
    hearing_impaired: bool
    url: str | None  # WebVTT, or the index of pictures
    styled_url: str | None  # ASS
    font_urls: list[str]  # that the original brings along for it


class SubtitleList(Shown):
    items: list[SubtitleView]


def _language(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        return UNKNOWN_LANGUAGE
    tag = language_tag(value.strip()[:40])
    if tag == UNKNOWN_LANGUAGE and value.strip().lower() != UNKNOWN_LANGUAGE:
        raise ValueError("not a language that BCP 47 knows")
    return tag


def _tidy(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def _off_for_empty(value: object) -> object:
    return False if value == "" else value


Flag = Annotated[bool, BeforeValidator(_off_for_empty)]


class SidecarFields(Given):
    language: Annotated[str, BeforeValidator(_language)] = UNKNOWN_LANGUAGE
    label: Annotated[Annotated[str, Field(max_length=LONGEST_LABEL)], BeforeValidator(_tidy)] = ""
    forced: Flag = False
    hearing_impaired: Flag = False

    def facts(self) -> Facts:
        return Facts(
            language=self.language,
            label=label(self.label, self.language, "Subtitles"),
            forced=self.forced,
            hearing_impaired=self.hearing_impaired,
        )


@dataclass(frozen=True, slots=True)
class Received:
    data: bytes
    suffix: str
    facts: Facts


@operation("The subtitle tracks of a film, those of the original first.", answer=SubtitleList)
async def list_subtitles(request: web.Request) -> web.Response:
    identity = await require_user(request)
    row = (await request.app[DATABASE].read(media_files.get, media_id_in_path(request))).media_file
    return shown(SubtitleList(items=await _views(request.app, row, identity)))


@operation(
    "Add a subtitle file (.srt, .vtt, .ass) as multipart/form-data: `file`, and before it the fields `language`, "
    "`label`, `forced`, `hearingImpaired`.",
    answer=SubtitleView,
    status=201,
)
async def add_subtitles(request: web.Request) -> web.Response:
    identity = await require_user(request)
    row = (await request.app[DATABASE].read(media_files.get, media_id_in_path(request))).media_file
    boundary = boundary_of(request)
    with one_of_few(request.app[OPEN_UPLOADS], identity.user_id):
        body = UploadBody(request, request.app[CONFIG].upload.idle_seconds)
        received = await _receive(MultipartStream(body.read, boundary))
        sidecar = await asyncio.shield(_store(request.app, row, received))
    return shown(_added(sidecar, None), status=201)


@operation("Remove a subtitle file that somebody added.", status=204)
async def delete_subtitles(request: web.Request) -> web.Response:
    await require_user(request)
    row = (await request.app[DATABASE].read(media_files.get, media_id_in_path(request))).media_file
    sidecar_id = _sidecar_id(request)
    await asyncio.to_thread(remove_sidecar, request.app[STORAGE], row.id, sidecar_id)
    await _ask_to_publish(request.app, row, sidecar_id)
    return web.Response(status=204)


async def _receive(form: MultipartStream) -> Received:
    texts: dict[str, str] = {}
    async for part in form.parts():
        if part.name != FILE_FIELD:
            await read_field(part, texts)
            continue
        facts = validated(lambda: SidecarFields.model_validate(texts)).facts()
        return Received(await _read_file(part), extension_of(file_label(part.file_name or "")), facts)
    raise Invalid(f"The form has no field {FILE_FIELD!r}.")


async def _read_file(part: Part) -> bytes:
    data = bytearray()
    async for piece in part.pieces:
        data += piece
        if len(data) > LARGEST_FILE_BYTES:
            raise UploadTooLarge(f"Subtitle files of more than {LARGEST_FILE_BYTES >> 20} MiB are not taken.")
    return bytes(data)


async def _store(app: web.Application, row: MediaFile, received: Received) -> Sidecar:
    storage = app[STORAGE]
    if await asyncio.to_thread(storage.free_bytes) - LARGEST_FILE_BYTES < app[CONFIG].media.reserve_bytes:
        raise DiskFull("There is too little free disk for another file.")
    sidecar = await asyncio.to_thread(
        add_sidecar, storage, row.id, received.data, received.suffix, received.facts, time.time()
    )
    try:
        await _ask_to_publish(app, row, sidecar.id)
    except BaseException:
        await asyncio.to_thread(remove_sidecar, storage, row.id, sidecar.id)
        raise
    return sidecar


async def _ask_to_publish(app: web.Application, row: MediaFile, sidecar_id: UUID) -> None:
    """Each change is a job of its own, for one that runs may have looked already. Without a plan the probe asks."""
    if row.plan_digest is not None:
        await app[DATABASE].run(_add_job, row.id, sidecar_id)
        app[BELL].ring()


def _add_job(media_id: UUID, sidecar_id: UUID) -> None:
    place = sidecar_id.int & 0x7FFF_FFFF
    jobs.add(
        media_id,
        JobKind.SUBTITLES,
        lane="sidecars",
        first_segment=place,
        last_segment=place,
        priority=jobs.SUBTITLES,
    )


def _sidecar_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["sidecar"])
    except ValueError:
        raise NotFound("There are no such subtitles.") from None


async def _views(app: web.Application, row: MediaFile, identity: Identity) -> list[SubtitleView]:
    base = _base(app, row, identity)
    return await asyncio.to_thread(_look, app[STORAGE], row, base)


def _base(app: web.Application, row: MediaFile, identity: Identity) -> str:
    expiry = expiry_for(row.duration or 0.0, app[CONFIG].hls.token_seconds, time.time())
    token = app[TOKENS].sign(row.id, identity.stream_subject, Scope.HLS, expiry)
    return f"/stream/hls/{row.id}/{token}/{row.plan_digest}"


def _look(storage: Storage, row: MediaFile, base: str) -> list[SubtitleView]:
    try:
        plan = load_plan(storage, row.id, row.plan_digest or "")
    except NotFound:
        return [_added(sidecar, None) for sidecar in stored_sidecars(storage, row.id)]
    return [*_planned(storage, row.id, plan, base), *_sidecars(storage, row.id, plan, base)]


def _planned(storage: Storage, media_id: UUID, plan: Plan, base: str) -> list[SubtitleView]:
    views = []
    fonts = [f"{base}/{file}" for file in font_files(storage, media_id, plan)]
    for track in plan.subtitles:
        if is_empty(storage, media_id, plan, track.name):
            continue
        is_there = marker(storage, media_id, plan, track).exists()
        file = PICTURE_INDEX if track.kind == "picture" else WHOLE_SUBTITLES
        views.append(
            SubtitleView(
                id=None,
                name=track.name,
                kind=track.kind,
                language=track.language,
                label=track.label,
                default=track.default,
                forced=track.forced,
                hearing_impaired=track.hearing_impaired,
                url=f"{base}/{track.name}/{file}" if is_there else None,
                styled_url=f"{base}/{track.name}/{STYLED}" if is_there and track.kind == "ass" else None,
                font_urls=fonts if is_there and track.kind == "ass" else [],
            )
        )
    return views


def _sidecars(storage: Storage, media_id: UUID, plan: Plan, base: str) -> list[SubtitleView]:
    return [
        _added(sidecar, base if storage.media_playlist(media_id, plan.digest, sidecar.name).exists() else None)
        for sidecar in stored_sidecars(storage, media_id)
    ]


def _added(sidecar: Sidecar, base: str | None) -> SubtitleView:
    """`base` is where its rendition lies; None while it is not published."""
    return SubtitleView(
        id=sidecar.id,
        name=sidecar.name,
        kind="ass" if sidecar.styled else "text",
        language=sidecar.language,
        label=sidecar.label,
        default=False,
        forced=sidecar.forced,
        hearing_impaired=sidecar.hearing_impaired,
        url=f"{base}/{sidecar.name}/{WHOLE_SUBTITLES}" if base else None,
        styled_url=f"{base}/{sidecar.name}/{STYLED}" if base and sidecar.styled else None,
        font_urls=[],
    )


routes = (
    web.get("/media-files/{id}/subtitles", list_subtitles, name="subtitles"),
    web.post("/media-files/{id}/subtitles", add_subtitles, name="subtitles-add"),
    web.delete("/media-files/{id}/subtitles/{sidecar}", delete_subtitles, name="subtitles-delete"),
)
