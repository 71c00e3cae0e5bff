"""Ways into a stream for who has no tokenised URL yet, or whose player wants a file to open.

- `/stream/hls/{id}/master.m3u8`: for a session, an API key or `?token=`; its URIs carry a token each.
- `/play/{id}/{token}.m3u`: one entry; a desktop opens it with VLC, a phone offers its players.
"""

from __future__ import annotations

import time
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from aiohttp import web
from pydantic import Field

from server import bodies, media_types
from server.access import require_user
from server.contract import Access, Given, operation
from server.keys import CONFIG, DATABASE, TOKENS
from server.labels import one_line
from server.path_ids import media_id_in_path
from server.playlists import with_token
from server.streams import ID, playlist
from server.watch import LONGEST_SECONDS
from vod.catalog import media_files
from vod.catalog.naming import MovieTitling, Titling
from vod.storage import MASTER
from vod.tokens import Scope, expiry_for

M3U = "audio/x-mpegurl"


class ManifestQuery(Given):
    token: str | None = None


class PlayQuery(Given):
    t: Annotated[float, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False)] = 0


@operation(
    "The multivariant playlist for a session, an API key or `?token=`; its URIs are root-relative and carry a token.",
    query=ManifestQuery,
    media_type=media_types.HLS_PLAYLIST,
)
async def master(request: web.Request) -> web.Response:
    media_id = media_id_in_path(request)
    token = bodies.read_query(request, ManifestQuery).token or await _own_token(request, media_id)
    request.app[TOKENS].verify(token, media_id, Scope.HLS, time.time())
    found = await playlist(request.app, str(media_id), MASTER)
    text = with_token(found.plain.body.decode(), f"/stream/hls/{media_id}/{token}/")
    # It holds a right that belongs to this caller alone.
    headers = {"Cache-Control": "private, no-store", "Content-Type": media_types.HLS_PLAYLIST}
    return web.Response(body=text.encode(), headers=headers)


@operation(
    "A one-entry playlist for VLC and phones; `t` is where to start, in seconds.",
    access=Access.SIGNED,
    query=PlayQuery,
    media_type=M3U,
)
async def play(request: web.Request) -> web.Response:
    media_id, token = media_id_in_path(request), request.match_info["token"]
    request.app[TOKENS].verify(token, media_id, Scope.HLS, time.time())
    start = bodies.read_query(request, PlayQuery).t
    entry = await request.app[DATABASE].read(media_files.get, media_id)
    title = one_line(_title(entry.titling) or entry.media_file.original_name)
    url = f"{base_url(request)}/stream/hls/{media_id}/{token}/{MASTER}"
    return web.Response(
        body=play_list(url, title, entry.media_file.duration, start).encode(),
        headers={
            "Content-Type": M3U,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(title, safe='')}.m3u",
            "Cache-Control": "private, no-store",
        },
    )


def play_list(url: str, title: str, duration_seconds: float | None, start_seconds: float) -> str:
    lines = ["#EXTM3U", f"#EXTINF:{round(duration_seconds) if duration_seconds else -1},{title}"]
    if round(start_seconds):
        lines.append(f"#EXTVLCOPT:start-time={round(start_seconds)}")
    return "\n".join([*lines, url, ""])


def base_url(request: web.Request) -> str:
    """The Host was checked on the way in (server.hosts)."""
    return request.app[CONFIG].server.public_url or f"{request.scheme}://{request.host}"


async def _own_token(request: web.Request, media_id: UUID) -> str:
    identity = await require_user(request)
    entry = await request.app[DATABASE].read(media_files.get, media_id)
    expiry = expiry_for(entry.media_file.duration or 0, request.app[CONFIG].hls.token_seconds, time.time())
    return request.app[TOKENS].sign(media_id, identity.stream_subject, Scope.HLS, expiry)


def _title(titling: Titling | None) -> str:
    if titling is None or isinstance(titling, MovieTitling):
        return titling.title if titling else ""
    return f"{titling.series} S{titling.season:02d}E{titling.episode:02d} {titling.title}"


routes: tuple[web.RouteDef, ...] = (
    web.get(f"/stream/hls/{ID}/{MASTER}", master, name="stream-master"),
    web.get(f"/play/{ID}/{{token}}.m3u", play, name="play"),
)
