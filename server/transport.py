"""`/stream/…` once more as MPEG transport streams, for players that know nothing newer; [hls] mpegts turns it on.

Nothing of it lies on a disk: playlists are rewritten, and a segment is put together of those of its renditions when it
is asked for, for 7 ms of CPU a megabyte. What is missing of those is made as for any other player.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from aiohttp import web

from server import media_types
from server.contract import Access, operation
from server.descriptors import Representation
from server.keys import CONFIG, STORAGE, TOKENS
from server.playlists import REVALIDATED
from server.raw_response import CROSS_ORIGIN_FIELDS, SAFE_FIELDS
from server.sendfile import FileResponse
from server.streams import ID, IMMUTABLE, PLANS, playlist, representation
from server.virtual_files import VirtualFile
from vod.errors import NotFound
from vod.hls.progress import load_plan
from vod.hls.transport import Part, mux, transport_cues
from vod.hls.transport_playlists import FOLDER, TRANSPORT_MASTER, transport_master, transport_media
from vod.hls.transport_sizes import LARGEST_BYTES, too_large
from vod.storage import INIT_SECTION, MASTER, Storage, segment_name
from vod.tokens import Scope

NO_SUCH_FILE = "There is no such file."
AT_ONCE = 2

MUXING = web.AppKey("muxing", asyncio.Semaphore)
T = TypeVar("T")


async def context(app: web.Application) -> AsyncIterator[None]:
    """For the application's cleanup contexts."""
    app[MUXING] = asyncio.Semaphore(AT_ONCE)
    yield


@operation("The film as MPEG transport streams.", access=Access.SIGNED, media_type="application/vnd.apple.mpegurl")
async def serve_master(request: web.Request) -> web.StreamResponse:
    media_id = _admit(request)
    found = await playlist(request.app, media_id, MASTER)
    master = found.plain.body.decode()
    without = await asyncio.to_thread(_too_large, request.app[STORAGE], UUID(media_id), master)
    return _playlist(transport_master(master, without))


@operation(
    "One variant, sound track or subtitle track.", access=Access.SIGNED, media_type="application/vnd.apple.mpegurl"
)
async def serve_media(request: web.Request) -> web.StreamResponse:
    media_id = _admit(request)
    digest, names = (request.match_info[part] for part in ("digest", "names"))
    found = await playlist(request.app, media_id, f"{digest}/{names.partition('.')[0]}.m3u8")
    return _playlist(transport_media(found.plain.body.decode(), names))


@operation("A segment of a transport stream.", access=Access.SIGNED, media_type="video/mp2t")
async def serve_segment(request: web.Request) -> web.StreamResponse:
    media_id = _admit(request)
    digest, names, number = (request.match_info[part] for part in ("digest", "names", "number"))
    wanted = await _wanted(request, media_id, digest, names.split("."), int(number))
    files = await _all_of([_files(request, media_id, f"{digest}/{name}", numbers) for name, numbers in wanted])
    if sum(file.size for part in files for file in part) > LARGEST_BYTES:
        raise NotFound("A transport stream of this would be too large.")
    try:
        async with request.app[MUXING]:
            content = await asyncio.to_thread(_mux, int(number), files)
    except ValueError:
        raise NotFound("A transport stream cannot carry this.") from None
    return _answer(request, files[0][0], content, {"Content-Type": media_types.BY_SUFFIX["ts"]})


@operation("A segment of subtitles, on the clock of the others.", access=Access.SIGNED, media_type="text/vtt")
async def serve_cues(request: web.Request) -> web.StreamResponse:
    media_id = _admit(request)
    digest, names, number = (request.match_info[part] for part in ("digest", "names", "number"))
    file = await representation(request, media_id, f"{digest}/{names}/{number}.vtt")
    content = transport_cues(await asyncio.to_thread(_content, file))
    return _answer(request, file, content, {"Content-Type": media_types.BY_SUFFIX["vtt"], **media_types.FOREIGN_FIELDS})


def _admit(request: web.Request) -> str:
    """Raises TokenRefused, or NotFound where this is not turned on."""
    media_id = request.match_info["id"]
    request.app[TOKENS].verify(request.match_info["token"], media_id, Scope.HLS, time.time())
    if not request.app[CONFIG].hls.mpegts:
        raise NotFound(NO_SUCH_FILE)
    return media_id


def _too_large(storage: Storage, media_id: UUID, master: str) -> frozenset[str]:
    """Of what `master` lists. Raises NotFound where its plan is gone."""
    digests = {line.partition("/")[0] for line in master.splitlines() if not line.startswith("#")}
    return frozenset().union(*(too_large(storage, media_id, load_plan(storage, media_id, one)) for one in digests))


def _answer(
    request: web.Request, made_of: Representation, content: bytes, fields: Mapping[str, str]
) -> web.StreamResponse:
    """Of an address that means these bytes for ever."""
    digest, names, number = (request.match_info[part] for part in ("digest", "names", "number"))
    etag = f'"{digest}-{names}-{number}-{len(content):x}"'
    lines = {**fields, "Cache-Control": IMMUTABLE, **SAFE_FIELDS, **CROSS_ORIGIN_FIELDS}
    return FileResponse(VirtualFile(made_of.source, content, (), lines, etag), request)


async def _wanted(
    request: web.Request, media_id: str, digest: str, names: Sequence[str], number: int
) -> list[tuple[str, range]]:
    """Of which renditions which segments. The last of the first rendition takes what the others have left."""
    path = request.app[STORAGE].plan(UUID(media_id), digest)
    counts = []
    for name in names:
        foreseen = await request.app[PLANS].foreseen((media_id, digest), path, name)
        if foreseen is None:
            raise NotFound(NO_SUCH_FILE)
        counts.append(foreseen.segment_count)
    if number >= counts[0]:
        raise NotFound(NO_SUCH_FILE)
    is_last = number == counts[0] - 1
    # sound that ends earlier has no segment here
    stops = [count if is_last else min(count, number + 1) for count in counts]
    return [(name, range(number, stop)) for name, stop in zip(names, stops, strict=True)]


async def _files(request: web.Request, media_id: str, folder: str, numbers: range) -> list[Representation]:
    """The init section, then the segments."""
    names = (INIT_SECTION, *(segment_name(number) for number in numbers))
    return await _all_of([representation(request, media_id, f"{folder}/{name}") for name in names])


async def _all_of(asked: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """At the same time, for each may have to be waited for; the first failure is everybody's."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
    except ExceptionGroup as failures:
        # not `except*`: before Python 3.11.4 it wraps what is raised in it
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _mux(number: int, files: Sequence[Sequence[Representation]]) -> bytes:
    parts = [
        Part(init_section=_content(init), segments=[_content(segment) for segment in segments])
        for init, *segments in files
    ]
    return mux(number, parts)


def _content(file: Representation) -> bytes:
    """Raises OSError where the file is shorter than it was."""
    descriptor = file.source.descriptor
    stretches = file.stretches(0, file.size)
    content = b"".join(
        part if isinstance(part, bytes) else os.pread(descriptor, part.length, part.offset) for part in stretches
    )
    if len(content) != file.size:
        raise OSError("The file is shorter than it was.")
    return content


def _playlist(text: str) -> web.Response:
    fields = {"Content-Type": media_types.BY_SUFFIX["m3u8"], "Cache-Control": REVALIDATED}
    response = web.Response(body=text.encode(), headers=fields | SAFE_FIELDS | CROSS_ORIGIN_FIELDS)
    response.enable_compression()
    return response


HLS = f"/stream/hls/{ID}/{{token}}"
NAMES = "{names:[a-z0-9-]+(\\.[a-z0-9-]+)?}"
BELOW = f"{HLS}/{{digest:[0-9a-f]{{16}}}}/{FOLDER}/{NAMES}"
MASTER_PATH = f"{HLS}/{TRANSPORT_MASTER}"
MEDIA_PATH = f"{BELOW}.m3u8"
SEGMENT_PATH = f"{BELOW}/{{number:[0-9]{{5,6}}}}.ts"
CUES_PATH = f"{BELOW}/{{number:[0-9]{{5,6}}}}.vtt"

routes: tuple[web.RouteDef, ...] = (
    web.get(MASTER_PATH, serve_master, name="transport-master"),
    web.get(MEDIA_PATH, serve_media, name="transport-media"),
    web.get(SEGMENT_PATH, serve_segment, name="transport-segment"),
    web.get(CUES_PATH, serve_cues, name="transport-cues"),
)
