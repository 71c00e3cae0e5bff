"""`/media-files`: list, look, rename, delete, retry, cancel. Everybody who is signed in sees every film."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from server import bodies, media_views, streams
from server.access import require_user
from server.changes import CHANGES
from server.contract import Given, Shown, operation, shown
from server.keys import BELL, CONFIG, DATABASE, STORAGE
from server.labels import one_line, paragraphs
from server.media_views import MediaFileState, MediaFileView
from server.path_ids import media_id_in_path
from vod.catalog import jobs, media_files
from vod.catalog.media_files import Entry, Filters
from vod.catalog.models import MediaStatus
from vod.catalog.naming import (
    LONGEST_DESCRIPTION,
    LONGEST_TITLE,
    RELEASE_DATE,
    EpisodeTitling,
    MovieTitling,
    Titling,
)
from vod.errors import Invalid

JobsChange = Callable[[UUID], int]

Name = Annotated[str, Field(max_length=LONGEST_TITLE)]
Number = Annotated[int, Field(ge=0, le=9999)]


class MediaFileQuery(Given):
    """`q` is part of a title or of the file's name; `cursor` is the `next` of the page before."""

    status: MediaStatus | None = None
    q: Annotated[str, Field(max_length=200)] = ""
    kind: Literal["movie", "episode"] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=200)] | None = None


class MediaFilePage(Shown):
    items: list[MediaFileState]
    next: str | None


class TitleChange(Given):
    """Only what is given changes. `series` with `season` and `episode` makes a film an episode.

    `description` is a movie's; episodes have that of their series, which `PATCH /api/series/{id}` changes.
    """

    title: Name | None = None
    release_date: Annotated[str, Field(pattern=RELEASE_DATE)] | Literal[""] | None = None
    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION)] | None = None
    kind: Literal["movie", "episode"] | None = None
    series: Name | None = None
    season: Number | None = None
    episode: Number | None = None


class JobsChanged(Shown):
    jobs: int


@operation("Films and episodes, the newest first.", query=MediaFileQuery, answer=MediaFilePage)
async def list_media_files(request: web.Request) -> web.Response:
    await require_user(request)
    query = bodies.read_query(request, MediaFileQuery)
    filters = Filters(status=query.status, kind=query.kind, query=query.q)
    page = await request.app[DATABASE].read(media_files.page, filters, limit=query.limit, cursor=query.cursor)
    storage, policy = request.app[STORAGE], request.app[CONFIG].hls.policy
    items = [await media_views.state(storage, policy, entry) for entry in page.entries]
    return shown(MediaFilePage(items=items, next=page.next_cursor))


@operation("One media file: its state, progress by lane, renditions and signed links.", answer=MediaFileView)
async def show_media_file(request: web.Request) -> web.Response:
    identity = await require_user(request)
    entry = await _entry(request)
    return shown(await media_views.view(request, entry, identity))


@operation("Change the title.", body=TitleChange, answer=MediaFileView)
async def rename_media_file(request: web.Request) -> web.Response:
    identity = await require_user(request)
    media_id = media_id_in_path(request)
    change = await bodies.read_json(request, TitleChange)
    entry = await request.app[DATABASE].run(_rename, media_id, change)
    return shown(await media_views.view(request, entry, identity))


@operation("Delete the film: the original and everything made from it.", status=204)
async def delete_media_file(request: web.Request) -> web.Response:
    await require_user(request)
    media_id = media_id_in_path(request)
    extension = await request.app[DATABASE].run(media_files.delete, media_id)
    request.app[BELL].ring()
    streams.forget(request.app, media_id)
    request.app[CHANGES].tell_deleted(media_id)
    await asyncio.to_thread(request.app[STORAGE].delete_media, media_id, extension)
    return web.Response(status=204)


@operation("Try failed jobs again.", answer=JobsChanged)
async def retry_media_file(request: web.Request) -> web.Response:
    await require_user(request)
    return await _change_jobs(request, jobs.retry)


@operation("Stop processing; what is encoded stays.", answer=JobsChanged)
async def cancel_media_file(request: web.Request) -> web.Response:
    await require_user(request)
    return await _change_jobs(request, jobs.cancel)


async def _entry(request: web.Request) -> Entry:
    return await request.app[DATABASE].read(media_files.get, media_id_in_path(request))


async def _change_jobs(request: web.Request, change: JobsChange) -> web.Response:
    changed = await request.app[DATABASE].run(_in_existing, media_id_in_path(request), change)
    request.app[BELL].ring()
    return shown(JobsChanged(jobs=changed))


def _in_existing(media_id: UUID, change: JobsChange) -> int:
    media_files.get(media_id)
    return change(media_id)


def _rename(media_id: UUID, change: TitleChange) -> Entry:
    entry = media_files.get(media_id)
    media_files.rename(media_id, retitled(entry.titling, change, entry.media_file.original_name))
    return media_files.get(media_id)


def retitled(current: Titling | None, change: TitleChange, file_name: str) -> Titling:
    """Raises Invalid for a movie without a title and for an episode without its place."""
    was_episode = isinstance(current, EpisodeTitling)
    asks_episode = any(part is not None for part in (change.series, change.season, change.episode))
    kind = change.kind or ("episode" if was_episode or asks_episode else "movie")
    return _as_episode(current, change) if kind == "episode" else _as_movie(current, change, file_name)


def _as_movie(current: Titling | None, change: TitleChange, file_name: str) -> MovieTitling:
    old = current if isinstance(current, MovieTitling) else MovieTitling(title=current.title if current else file_name)
    title = old.title if change.title is None else one_line(change.title)
    if not title:
        raise Invalid("title: a movie needs one.")
    date = old.release_date if change.release_date is None else change.release_date or None
    description = old.description if change.description is None else paragraphs(change.description)
    return MovieTitling(title=title, release_date=date, description=description)


def _as_episode(current: Titling | None, change: TitleChange) -> EpisodeTitling:
    if change.description:
        raise Invalid("description: an episode has that of its series.")
    old = current if isinstance(current, EpisodeTitling) else None
    series = one_line(change.series) if change.series is not None else old.series if old else ""
    season = change.season if change.season is not None else old.season if old else None
    episode = change.episode if change.episode is not None else old.episode if old else None
    if not series or season is None or episode is None:
        raise Invalid("series, season, episode: an episode needs all three.")
    title = one_line(change.title) if change.title is not None else old.title if old else ""
    return EpisodeTitling(series=series, season=season, episode=episode, title=title)


routes = (
    web.get("/media-files", list_media_files, name="media-files"),
    web.get("/media-files/{id}", show_media_file, name="media-file"),
    web.patch("/media-files/{id}", rename_media_file, name="media-file-rename"),
    web.delete("/media-files/{id}", delete_media_file, name="media-file-delete"),
    web.post("/media-files/{id}/retry", retry_media_file, name="media-file-retry"),
    web.post("/media-files/{id}/cancel", cancel_media_file, name="media-file-cancel"),
)
