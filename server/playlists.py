"""Playlists in memory, compressed once: they are small, asked for often, and `master.m3u8` changes.

A copy counts for a quarter of a second; after that one look at the file says whether it still is the same.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from server import media_types
from server.byte_ranges import names
from server.descriptors import FileKey, open_regular
from server.raw_response import CROSS_ORIGIN_FIELDS, SAFE_FIELDS, RawResponse, header_lines

FRESH_SECONDS = 0.25
LARGEST_PLAYLIST_BYTES = 8 << 20  # a day of two-second segments is 2 MiB
LARGEST_CACHE_BYTES = 32 << 20
REVALIDATED = "private, max-age=0, must-revalidate"

URI_ATTRIBUTE = re.compile(r'(?<=URI=")(?!https?:|/|data:)(?=[^"])')

Identity = tuple[int, int, int]  # inode, size, time of change


@dataclass(slots=True)
class Coded:
    etag: str
    lines: bytes  # header lines
    body: bytes


@dataclass(slots=True)
class Playlist:
    identity: Identity
    plain: Coded
    gzipped: Coded
    seen_at: float

    @property
    def size(self) -> int:
        return len(self.plain.body) + len(self.gzipped.body)

    def respond(self, request: web.Request) -> web.StreamResponse:
        coded = self.gzipped if accepts_gzip(request.headers.get("Accept-Encoding", "")) else self.plain
        condition = request.headers.get("If-None-Match")
        if condition is not None and names(condition, coded.etag):
            return RawResponse(304, coded.lines)
        return RawResponse(200, coded.lines + b"Content-Length: %d\r\n" % len(coded.body), coded.body)


class PlaylistCache:
    def __init__(self, limit_bytes: int = LARGEST_CACHE_BYTES) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._playlists: OrderedDict[FileKey, Playlist] = OrderedDict()

    def find_fresh(self, key: FileKey) -> Playlist | None:
        playlist = self._playlists.get(key)
        return playlist if playlist and time.monotonic() - playlist.seen_at < FRESH_SECONDS else None

    async def load(self, key: FileKey, path: Path) -> Playlist:
        """Raises FileNotFoundError, and forgets what was there."""
        known = self._playlists.get(key)
        started = time.monotonic()
        try:
            playlist = await asyncio.to_thread(_read_if_changed, path, known)
        except FileNotFoundError:
            self._drop(key)
            raise
        playlist.seen_at = started
        self._keep(key, playlist)
        return playlist

    def forget(self, media_id: str) -> None:
        for key in [key for key in self._playlists if key[0] == media_id]:
            self._drop(key)

    def _keep(self, key: FileKey, playlist: Playlist) -> None:
        self._drop(key)
        self._playlists[key] = playlist
        self._held += playlist.size
        while self._held > self._limit:
            self._drop(next(iter(self._playlists)))

    def _drop(self, key: FileKey) -> None:
        if (dropped := self._playlists.pop(key, None)) is not None:
            self._held -= dropped.size


def accepts_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        coding, _, parameters = part.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return re.fullmatch(r"q=0(\.0{0,3})?", parameters.strip()) is None
    return False


def with_token(text: str, base: str) -> str:
    """The playlist with every relative URI made root-relative below `base`, for who came without a path token."""
    return "\n".join(_rooted(line, base) for line in text.split("\n"))


def _rooted(line: str, base: str) -> str:
    if line.startswith("#"):
        return URI_ATTRIBUTE.sub(lambda _: base, line)
    return f"{base}{line}" if line.strip() and not line.startswith(("/", "http:", "https:")) else line


def _read_if_changed(path: Path, known: Playlist | None) -> Playlist:
    descriptor = open_regular(path)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        identity = (status.st_ino, status.st_size, status.st_mtime_ns)
        if known is not None and known.identity == identity:
            return known
        body = file.read(LARGEST_PLAYLIST_BYTES)
    etag = "-".join(f"{part:x}" for part in identity)
    media_type = media_types.BY_SUFFIX[path.suffix[1:]]
    # mtime 0: the same playlist is the same bytes on every server.
    packed = gzip.compress(body, compresslevel=6, mtime=0)
    plain = _coded(f'"{etag}"', media_type, body, {})
    gzipped = _coded(f'"{etag}-gzip"', media_type, packed, {"Content-Encoding": "gzip"})
    return Playlist(identity, plain, gzipped, 0.0)


def _coded(etag: str, media_type: str, body: bytes, coding: dict[str, str]) -> Coded:
    fields = {"Content-Type": media_type, "ETag": etag, "Cache-Control": REVALIDATED, "Vary": "Accept-Encoding"}
    return Coded(etag, header_lines(fields | coding | SAFE_FIELDS | CROSS_ORIGIN_FIELDS), body)
