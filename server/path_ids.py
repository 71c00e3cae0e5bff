"""Ids as they stand in paths; one that cannot exist is simply not found."""

from __future__ import annotations

import re
from uuid import UUID

from aiohttp import web

from vod.errors import NotFound

NUMBER = re.compile(r"[1-9][0-9]{0,17}\Z")  # fits the 64 bits of a row id


def media_id_in_path(request: web.Request) -> UUID:
    text = request.match_info["id"]
    try:
        media_id = UUID(text)
    except ValueError:
        raise NotFound("There is no such media file.") from None
    if str(media_id) != text:  # UUID() takes braces and upper case too: one media file has one URL
        raise NotFound("There is no such media file.")
    return media_id


def number_in_path(request: web.Request) -> int:
    text = request.match_info["id"]
    if not NUMBER.match(text):
        raise NotFound("There is no such thing.")
    return int(text)
