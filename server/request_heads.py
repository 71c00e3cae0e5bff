"""What the fast lane reads of a request by itself, before aiohttp's parser: all of it, or it keeps its hands off.

Two parsers on one connection must never disagree about where a request ends, so this one knows only what has one
meaning: whole heads in one packet, fields of a list, printable ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Callable

HEAD_END = b"\r\n\r\n"
LARGEST_HEAD_BYTES = 4096
MOST_FIELDS = 64  # aiohttp refuses requests with too many, and counts in its own way
REMEMBERED_FIELDS = 256  # blocks of fields; a player sends the same with every request

REQUEST_LINE = re.compile(rb"(?:GET|HEAD|OPTIONS|DELETE|POST|PUT|PATCH) [\x21-\x7e]+ HTTP/1\.1\Z")
FIELD = re.compile(rb"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>[\x20-\x7e\t]*)\Z")
BODY_LENGTH = re.compile(rb"[0-9]{1,15}[ \t]*\Z")

# Fields that change nothing about how a whole segment is answered. What is not here goes to the application:
# ranges, conditions, bodies, upgrades, and whatever somebody invents.
HARMLESS = re.compile(
    rb"host|user-agent|accept(-encoding|-language|-charset)?|origin|referer|cookie|cache-control|pragma|priority|dnt"
    rb"|sec-(fetch|ch|gpc)[a-z-]*|save-data|icy-metadata|x-playback-session-id|via|forwarded|x-real-ip"
    rb"|x-forwarded-[a-z]+|upgrade-insecure-requests"
)


class PlainFields:
    """Those blocks of header fields that ask for nothing but the whole, of a host that is ours."""

    def __init__(self, is_host: Callable[[str], bool]) -> None:
        self._is_host = is_host
        self._known: dict[bytes, bool] = {}

    def __contains__(self, block: bytes) -> bool:
        """`block` runs from behind the request line to the empty line, which it includes."""
        known = self._known.get(block)
        if known is None:
            known = self._is_plain(block)
            if len(block) <= LARGEST_HEAD_BYTES:
                self._remember(block, known)
        return known

    def _remember(self, block: bytes, known: bool) -> None:
        self._known[block] = known
        if len(self._known) > REMEMBERED_FIELDS:
            del self._known[next(iter(self._known))]

    def _is_plain(self, block: bytes) -> bool:
        if len(block) > LARGEST_HEAD_BYTES or not block.endswith(HEAD_END):
            return False
        fields = _fields(block.removesuffix(HEAD_END))
        if fields is None or len(fields) > MOST_FIELDS:
            return False
        hosts = [value for name, value in fields if name == b"host"]
        if len(hosts) != 1 or not self._is_host(hosts[0].decode("ascii").rstrip(" \t")):
            return False
        return all(_is_harmless(name, value) for name, value in fields)


class Framing:
    """Whether what came so far ends where a request ends. Once that cannot be told, it is never told again."""

    __slots__ = ("_owed",)

    def __init__(self) -> None:
        self._owed: int | None = 0  # bytes of a body that are still to come; None: nobody knows

    @property
    def is_at_rest(self) -> bool:
        return self._owed == 0

    def feed(self, data: bytes) -> None:
        if self._owed is None or not data:
            return
        if self._owed:
            left = self._owed - len(data)
        else:
            head, end, body = data.partition(HEAD_END)
            length = _body_length(head) if end else None
            left = -1 if length is None else length - len(body)
        self._owed = left if left >= 0 else None


def _body_length(head: bytes) -> int | None:
    """Of a request with this head; None where there may be two opinions."""
    line, _, block = head.partition(b"\r\n")
    fields = _fields(block)
    if fields is None or REQUEST_LINE.match(line) is None:
        return None
    names = [name for name, _ in fields]
    lengths = [value for name, value in fields if name == b"content-length"]
    if b"transfer-encoding" in names or b"upgrade" in names or len(lengths) > 1:
        return None
    if not lengths:
        return 0
    return int(lengths[0]) if BODY_LENGTH.match(lengths[0]) else None


def _fields(block: bytes) -> list[tuple[bytes, bytes]] | None:
    """Names in lower case; None where a line is no field."""
    found = [FIELD.match(line) for line in block.split(b"\r\n")]
    fields = [(field["name"].lower(), field["value"]) for field in found if field is not None]
    return fields if len(fields) == len(found) else None


def _is_harmless(name: bytes, value: bytes) -> bool:
    if name == b"connection":
        return value.strip().lower() == b"keep-alive"
    return HARMLESS.fullmatch(name) is not None
