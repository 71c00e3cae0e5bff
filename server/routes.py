"""The URL table: each part lists its own routes. All have names, for metrics count by name."""

from __future__ import annotations

from aiohttp import web

from server import (
    api_keys,
    events,
    jobs,
    links,
    media_files,
    openapi,
    pages,
    series,
    sessions,
    status,
    streams,
    subtitles,
    transport,
    uploads,
    users,
    watch,
)

ROUTES: tuple[web.AbstractRouteDef, ...] = (
    *pages.routes,
    *links.routes,
    *transport.routes,  # before streams, whose names take any path
    *streams.routes,
    *uploads.routes,
    *media_files.routes,
    *subtitles.routes,
    *series.routes,
    *events.routes,
    *watch.routes,
    *jobs.routes,
    *sessions.routes,
    *users.routes,
    *api_keys.routes,
    *openapi.routes,
    *status.routes,
)
