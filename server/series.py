"""`/api/series/{id}`: what a series is about."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from server import bodies
from server.access import require_user
from server.contract import Given, operation
from server.keys import DATABASE
from server.labels import paragraphs
from server.path_ids import number_in_path
from vod.catalog import titles
from vod.catalog.naming import LONGEST_DESCRIPTION


class SeriesChange(Given):
    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION)]


@operation("Say what a series is about.", body=SeriesChange, status=204)
async def change_series(request: web.Request) -> web.Response:
    await require_user(request)
    series_id = number_in_path(request)
    change = await bodies.read_json(request, SeriesChange)
    await request.app[DATABASE].run(titles.describe_series, series_id, paragraphs(change.description))
    return web.Response(status=204)


routes = (web.patch("/api/series/{id}", change_series, name="series-change"),)
