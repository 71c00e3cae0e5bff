"""Which bytes of a representation a request asks for: RFC 9110 sections 13 and 14, strong ETags alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

SINGLE_RANGE = re.compile(r"bytes=[ \t]*(?P<first>[0-9]{0,19})-(?P<last>[0-9]{0,19})[ \t]*\Z", re.IGNORECASE)


class Selection(NamedTuple):
    status: HTTPStatus  # OK, PARTIAL_CONTENT, NOT_MODIFIED or REQUESTED_RANGE_NOT_SATISFIABLE
    offset: int = 0
    length: int = 0


def select(method: str, headers: Mapping[str, str], etag: str, size: int) -> Selection:
    condition = headers.get("If-None-Match")
    if condition is not None and names(condition, etag):
        return Selection(HTTPStatus.NOT_MODIFIED)
    wanted = headers.get("Range")
    # Only GET knows ranges; one for another state of the file asks for the whole of this one.
    if wanted is None or method != "GET" or headers.get("If-Range", etag) != etag:
        return Selection(HTTPStatus.OK, 0, size)
    return _within(wanted, size)


def names(condition: str, etag: str) -> bool:
    """Whether an If-None-Match field names `etag`, by weak comparison."""
    return condition.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in condition.split(","))


def _within(wanted: str, size: int) -> Selection:
    whole = Selection(HTTPStatus.OK, 0, size)
    parts = SINGLE_RANGE.match(wanted)
    # Several ranges, another unit, nonsense: a server may ignore the field, and the whole is always right.
    if parts is None or parts["first"] == parts["last"] == "":
        return whole
    if parts["first"] == "":
        offset, last = max(size - int(parts["last"]), 0), size - 1
        satisfiable = size > 0 and int(parts["last"]) > 0
    else:
        offset, last = int(parts["first"]), min(int(parts["last"] or size), size - 1)
        if parts["last"] and int(parts["last"]) < offset:
            return whole
        satisfiable = offset < size
    if not satisfiable:
        return Selection(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    return Selection(HTTPStatus.PARTIAL_CONTENT, offset, last - offset + 1)
