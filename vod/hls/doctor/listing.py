"""Playlists, read back as a player reads them (RFC 8216). A line that cannot be read is a ValueError."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

EXTINF = re.compile(r"#EXTINF:(\d{1,6})(?:\.(\d{1,6}))?,")
BYTE_RANGE = re.compile(r"#EXT-X-BYTERANGE:(\d{1,12})@(\d{1,12})\Z")
ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=(?:"([^"]*)"|([^",]*))(?:,|\Z)')
LONGEST_LINE = 8192
NUMBER = re.compile(r"\d{1,12}\Z")
STREAM_INF, IFRAME_STREAM_INF, MEDIA = "#EXT-X-STREAM-INF:", "#EXT-X-I-FRAME-STREAM-INF:", "#EXT-X-MEDIA:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A rendition in a multivariant playlist; `uri` is "" where its tag has none."""

    attributes: Mapping[str, str]
    uri: str

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")

    @property
    def codecs(self) -> list[str]:
        return [codec for codec in self.get("CODECS").split(",") if codec]

    @property
    def resolution(self) -> tuple[int, int] | None:
        width, _, height = self.get("RESOLUTION").partition("x")
        return (int(width), int(height)) if NUMBER.match(width) and NUMBER.match(height) else None

    def bps(self, name: str) -> int:
        """0 where it is missing or no number."""
        value = self.get(name)
        return int(value) if NUMBER.match(value) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Multivariant:
    text: str
    variants: tuple[Entry, ...]
    media: tuple[Entry, ...]
    iframes: tuple[Entry, ...]

    @property
    def independent(self) -> bool:
        return "#EXT-X-INDEPENDENT-SEGMENTS" in self.text.splitlines()

    def group(self, kind: str, name: str) -> list[Entry]:
        return [one for one in self.media if one.get("TYPE") == kind and name and one.get("GROUP-ID") == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One segment of a media playlist; `byte_range` is where a part of its file begins and ends."""

    uri: str
    microseconds: int
    byte_range: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One media playlist."""

    text: str
    tags: tuple[str, ...]  # every line that is a tag, in order
    segments: tuple[Listed, ...]

    def value(self, tag: str) -> str:
        """What stands behind the first `#{tag}:`, "" where there is none."""
        start = f"#{tag}:"
        return next((line.removeprefix(start) for line in self.tags if line.startswith(start)), "")

    def has(self, tag: str) -> bool:
        return f"#{tag}" in self.tags

    @property
    def target_seconds(self) -> int:
        value = self.value("EXT-X-TARGETDURATION")
        return int(value) if NUMBER.match(value) else 0

    @property
    def maps(self) -> list[str]:
        start = "#EXT-X-MAP:"
        found = [line.removeprefix(start) for line in self.tags if line.startswith(start)]
        return [_attributes(line).get("URI", "") for line in found]

    @property
    def edges(self) -> list[int]:
        """When each segment begins and the last one ends, in microseconds from 0, as EXTINF tells."""
        return [0, *accumulate(segment.microseconds for segment in self.segments)]


def read_multivariant(text: str) -> Multivariant:
    lines = _lines(text)
    following = [*lines[1:], ""]
    return Multivariant(
        text=text,
        variants=tuple(
            _entry(line, STREAM_INF, uri)
            for line, uri in zip(lines, following, strict=True)
            if line.startswith(STREAM_INF)
        ),
        media=tuple(_entry(line, MEDIA) for line in lines if line.startswith(MEDIA)),
        iframes=tuple(_entry(line, IFRAME_STREAM_INF) for line in lines if line.startswith(IFRAME_STREAM_INF)),
    )


def read_media_playlist(text: str) -> Listing:
    lines = _lines(text)
    return Listing(
        text=text, tags=tuple(line for line in lines if line.startswith("#EXT")), segments=tuple(_segments(lines))
    )


def _segments(lines: list[str]) -> Iterator[Listed]:
    microseconds: int | None = None
    byte_range: tuple[int, int] | None = None
    for line in lines:
        if line.startswith("#EXTINF:"):
            microseconds = _microseconds(line)
        elif found := BYTE_RANGE.match(line):
            byte_range = (int(found[2]), int(found[2]) + int(found[1]))
        elif not line.startswith("#"):
            if microseconds is None:
                raise ValueError(f"{line[:80]!r} has no EXTINF")
            yield Listed(uri=line, microseconds=microseconds, byte_range=byte_range)
            microseconds = byte_range = None


def _microseconds(line: str) -> int:
    found = EXTINF.match(line)
    if found is None:
        raise ValueError(f"{line[:80]!r} is no duration")
    return int(found[1]) * 1_000_000 + int((found[2] or "").ljust(6, "0"))


def _entry(line: str, tag: str, uri: str | None = None) -> Entry:
    attributes = _attributes(line.removeprefix(tag))
    return Entry(attributes=attributes, uri=attributes.get("URI", "") if uri is None else uri)


def _attributes(text: str) -> dict[str, str]:
    return {name: quoted or plain for name, quoted, plain in ATTRIBUTE.findall(text)}


def _lines(text: str) -> list[str]:
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    if lines[0] != "#EXTM3U":
        raise ValueError("it is no playlist")
    if max(map(len, lines)) > LONGEST_LINE:
        raise ValueError("one of its lines is too long")
    return [line for line in lines if line]
