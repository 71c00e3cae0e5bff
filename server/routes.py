"""The URL table. Each part lists its own routes; a route without a name is refused, for metrics count by name."""

from __future__ import annotations

from aiohttp import web

ROUTES: tuple[web.AbstractRouteDef, ...] = ()
