"""Fonts that a Matroska file brings along for its styled subtitles (RFC 9559 §5.1.6).

A file's name and type are its writer's guess; a font is what begins as one. Nothing is read of it here but that.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from vod.containers import ebml
from vod.containers.ebml import Element, Reader
from vod.containers.matroska import ATTACHMENTS, find_parts, find_segment, reading
from vod.containers.samples import NotCopyable

ATTACHED_FILE, FILE_DATA = 0x61A7, 0x465C
MOST_FONTS = 64
MOST_FONT_BYTES = 32 << 20  # a whole Chinese family
MOST_BYTES = 128 << 20  # all of them
MOST_ELEMENTS = 1000
# TrueType, Apple's TrueType, CFF, a collection
FONT_BEGINNINGS = (b"\0\1\0\0", b"true", b"OTTO", b"ttcf")


class Font(NamedTuple):
    offset: int  # bytes from the start of the file
    size: int


def find_fonts(path: Path) -> list[Font]:
    """The first of them, as many as are worth having. Blocks; raises OSError, or NotCopyable for a damaged file."""
    with reading(path) as reader:
        segment, end = find_segment(reader)
        attachments = find_parts(reader, segment.body, end, frozenset({ATTACHMENTS})).get(ATTACHMENTS)
        return _fonts(reader, attachments) if attachments else []


def _fonts(reader: Reader, attachments: Element) -> list[Font]:
    found: list[Font] = []
    room = MOST_BYTES
    for file in _children(reader, attachments):
        for part in _children(reader, file) if file.kind == ATTACHED_FILE else ():
            size = part.end - part.body
            if part.kind == FILE_DATA and _is_font(reader, part) and size <= min(room, MOST_FONT_BYTES):
                found.append(Font(part.body, size))
                room -= size
    return found[:MOST_FONTS]


def _is_font(reader: Reader, data: Element) -> bool:
    return reader.peek(data.body, min(4, data.end - data.body)) in FONT_BEGINNINGS


def _children(reader: Reader, parent: Element) -> list[Element]:
    """Raises NotCopyable where one has no size, or there are very many."""
    children: list[Element] = []
    at = parent.body
    while at < parent.end:
        child = reader.element(at, parent.end)
        if child.end == ebml.UNKNOWN or len(children) == MOST_ELEMENTS:
            raise NotCopyable("the attachments make no sense")
        children.append(child)
        at = child.end
    return children
