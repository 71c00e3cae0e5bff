"""`/stream/…`: playlists, segments and originals for whoever holds a token. No database on this path.

A planned segment that is missing is asked of the workers and waited for (`server.holes`); it never answers 404, at
which players stop for good (hls-rules.md rule 24).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from server import media_types
from server.contract import Access, operation
from server.descriptors import DescriptorCache, Representation
from server.hls_names import HlsName, is_playlist
from server.holes import AHEAD_SEGMENTS, HOLES, watching
from server.keys import STORAGE, TOKENS
from server.plans import Foreseen, PlanCache
from server.playlists import REVALIDATED, Playlist, PlaylistCache
from server.raw_response import CROSS_ORIGIN_FIELDS, SAFE_FIELDS, RawResponse, header_lines
from server.repeating import repeating
from server.sendfile import FileResponse
from server.virtual_files import VirtualFile
from vod.catalog.demands import Demand
from vod.errors import NotFound
from vod.hls.segment_index import VirtualSegment, read_segment
from vod.storage import EXTENSION, INIT_SECTION, Storage
from vod.tokens import Scope

SWEEP_SECONDS = 5
# The plan's digest is in the path, so what is behind a segment's address never changes.
IMMUTABLE = "private, max-age=31536000, immutable"

ID = "{id:[0-9a-f-]{36}}"  # the token is signed for one exact spelling

DESCRIPTORS = web.AppKey("descriptors", DescriptorCache)
PLAYLISTS = web.AppKey("playlists", PlaylistCache)
PLANS = web.AppKey("plans", PlanCache)

PREFLIGHT = header_lines(
    {
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match",
        "Access-Control-Max-Age": "86400",
        **CROSS_ORIGIN_FIELDS,
        **SAFE_FIELDS,
    }
)


async def context(app: web.Application) -> AsyncIterator[None]:
    """Opens the caches of this part; for the application's cleanup contexts."""
    app[DESCRIPTORS], app[PLAYLISTS], app[PLANS] = DescriptorCache(), PlaylistCache(), PlanCache()
    async with repeating(_sweep, app, SWEEP_SECONDS), watching(app[HOLES]):
        yield
    app[DESCRIPTORS].close()


def forget(app: web.Application, media_id: UUID) -> None:
    """Serve nothing more of a media file whose bytes are about to be deleted, and let its disk space go."""
    for cache in (app[DESCRIPTORS], app[PLAYLISTS], app[PLANS]):
        cache.forget(str(media_id))


@operation(
    "A playlist, init section or segment; one that is planned but missing is waited for, at last 503 with Retry-After.",
    access=Access.SIGNED,
    media_type="video/iso.segment",
)
async def serve_hls(request: web.Request) -> web.StreamResponse:
    media_id, token, name = (request.match_info[part] for part in ("id", "token", "name"))
    request.app[TOKENS].verify(token, media_id, Scope.HLS, time.time())
    if is_playlist(name):
        return (await playlist(request.app, media_id, name)).respond(request)
    return FileResponse(await representation(request, media_id, name), request)


@operation("The uploaded file itself, with ranges.", access=Access.SIGNED, media_type="application/octet-stream")
async def serve_original(request: web.Request) -> web.StreamResponse:
    media_id, token, name = (request.match_info[part] for part in ("id", "token", "name"))
    request.app[TOKENS].verify(token, media_id, Scope.ORIGINAL, time.time())
    extension = name.rpartition(".")[2]
    if not EXTENSION.match(extension):
        raise NotFound("There is no such file.")
    path = request.app[STORAGE].original(UUID(media_id), extension)
    descriptors = request.app[DESCRIPTORS]
    key = (media_id, f"original/{name}")  # under each name it is asked for, for the answer carries the name
    try:
        file = descriptors.find(key) or await descriptors.open(key, path, _original_fields(extension, name))
    except FileNotFoundError:
        raise NotFound("There is no such file.") from None
    return FileResponse(file, request)


async def preflight(request: web.Request) -> web.StreamResponse:  # noqa: ARG001  # the same for everybody
    return RawResponse(204, PREFLIGHT)


async def playlist(app: web.Application, media_id: str, name: str) -> Playlist:
    """Raises NotFound."""
    playlists = app[PLAYLISTS]
    found = playlists.find_fresh((media_id, name))
    if found is None:
        path = HlsName.parse(name).path(app[STORAGE], UUID(media_id))
        try:
            found = await playlists.load((media_id, name), path)
        except FileNotFoundError:
            raise NotFound("There is no such playlist.") from None
    return found


async def representation(request: web.Request, media_id: str, text: str) -> Representation:
    """An init section, a segment or another file of a plan, waited for where it is missing. Raises NotFound."""
    file = request.app[DESCRIPTORS].find((media_id, text))
    if request.app[HOLES].has_players():
        _played(request.app, media_id, text)
    return file or await _open_hls_file(request, media_id, text)


async def _open_hls_file(request: web.Request, media_id: str, text: str) -> Representation:
    name = HlsName.parse(text)
    media_type = media_types.BY_SUFFIX.get(name.suffix)
    if media_type is None:
        raise NotFound("There is no such file.")
    fields = {"Content-Type": media_type, "Cache-Control": IMMUTABLE, **SAFE_FIELDS, **CROSS_ORIGIN_FIELDS}
    if name.suffix in media_types.FOREIGN_TEXT:
        fields |= media_types.FOREIGN_FIELDS
    path = name.path(request.app[STORAGE], UUID(media_id))
    try:
        return await request.app[DESCRIPTORS].open((media_id, text), path, fields)
    except FileNotFoundError:
        return await _missing_file(request, UUID(media_id), name, path, fields)


async def _missing_file(
    request: web.Request, media_id: UUID, name: HlsName, path: Path, fields: Mapping[str, str]
) -> Representation:
    """A planned segment that is no file: it is virtual, or made now. Raises NotFound for what no plan foresees."""
    app, key = request.app, (str(media_id), f"{name.digest}/{name.rendition}/{name.file}")
    plan = app[STORAGE].plan(media_id, name.digest)
    foreseen = await app[PLANS].foreseen((str(media_id), name.digest), plan, name.rendition)
    number = 0 if name.file == INIT_SECTION else name.segment
    if foreseen is None or number is None or number >= foreseen.segment_count:
        raise NotFound("There is no such file.")
    if not foreseen.is_copied or name.file == INIT_SECTION:
        await _fill(request, path, media_id, name, number, foreseen)
        return await app[DESCRIPTORS].open(key, path, fields)
    alone = app[STORAGE].virtual_segment(media_id, name.digest, name.rendition, number)
    try:
        file = await _virtual_file(app, media_id, name, number, fields)
    except FileNotFoundError:
        await _fill(request, alone, media_id, name, number, foreseen)
        file = await _virtual_file(app, media_id, name, number, fields)
    return app[DESCRIPTORS].keep(key, file)


async def _virtual_file(
    app: web.Application, media_id: UUID, name: HlsName, number: int, fields: Mapping[str, str]
) -> VirtualFile:
    """Raises FileNotFoundError where nobody has read this segment yet, NotFound where its index is damaged."""
    try:
        segment = await asyncio.to_thread(_read_virtual, app[STORAGE], media_id, name, number)
        path = await asyncio.to_thread(app[STORAGE].find_original, media_id)
        original = await app[DESCRIPTORS].original(str(media_id), path)
    except ValueError:
        raise NotFound("There is no such file.") from None
    etag = f'"{name.digest}-{name.rendition}-{number}-{segment.size_bytes:x}"'
    return VirtualFile(original, segment.head, segment.ranges, fields, etag)


def _read_virtual(storage: Storage, media_id: UUID, name: HlsName, number: int) -> VirtualSegment:
    """From the index of the whole rendition, or of the segment alone."""
    try:
        return read_segment(storage.segment_index(media_id, name.digest, name.rendition), number)
    except FileNotFoundError:
        return read_segment(storage.virtual_segment(media_id, name.digest, name.rendition, number), 0)


async def _fill(
    request: web.Request, path: Path, media_id: UUID, name: HlsName, number: int, foreseen: Foreseen
) -> None:
    """Have a segment made and wait for it. Raises SegmentNotReady."""
    last = min(number + AHEAD_SEGMENTS, foreseen.segment_count) - 1
    demand = Demand(media_id=media_id, lane=name.rendition, first=number, last=last, others=foreseen.lanes)
    await request.app[HOLES].fill(path, demand, request)


def _played(app: web.Application, media_id: str, text: str) -> None:
    """Tell whoever makes the next segments that this one was taken."""
    name = HlsName.parse(text)
    if name.segment is not None:
        place = Demand(media_id=UUID(media_id), lane=name.rendition, first=name.segment, last=name.segment)
        app[HOLES].played(place)


def _original_fields(extension: str, name: str) -> dict[str, str]:
    return {
        "Content-Type": media_types.of_original(extension),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": REVALIDATED,
        **SAFE_FIELDS,
        **CROSS_ORIGIN_FIELDS,
    }


async def _sweep(app: web.Application) -> None:
    await app[DESCRIPTORS].sweep()


HLS_PATH = f"/stream/hls/{ID}/{{token}}/{{name:.+}}"
ORIGINAL_PATH = f"/stream/original/{ID}/{{token}}/{{name}}"

routes: tuple[web.RouteDef, ...] = (
    web.get(HLS_PATH, serve_hls, name="stream-hls"),
    web.options(HLS_PATH, preflight, name="stream-hls-preflight"),
    web.get(ORIGINAL_PATH, serve_original, name="stream-original"),
    web.options(ORIGINAL_PATH, preflight, name="stream-original-preflight"),
)
