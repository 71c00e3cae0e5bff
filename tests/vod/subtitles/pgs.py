"""Small Blu-ray pictures made by hand: one window, one object of one colour."""

from __future__ import annotations

import struct
from collections.abc import Sequence

CANVAS = (320, 180)
PICTURE_AT = (40, 140)
END = bytes((0x80, 0, 0))


def display_set(
    number: int, width: int, height: int, colour: tuple[int, int, int, int] = (235, 128, 128, 255)
) -> bytes:
    """An epoch of its own; `colour` is Y, Cr, Cb and opacity of the whole object."""
    x, y = PICTURE_AT
    composition = struct.pack(">HHBHBBBB", *CANVAS, 0x10, number, 0x80, 0, 0, 1) + struct.pack(">HBBHH", 0, 0, 0, x, y)
    window = struct.pack(">BBHHHH", 1, 0, x, y, width, height)
    palette = bytes((0, 0)) + bytes((1, *colour))
    line = bytes((0, 0x80 | width, 1, 0, 0)) if width < 64 else struct.pack(">BHBBB", 0, 0xC000 | width, 1, 0, 0)
    pixels = line * height
    head = struct.pack(">HBB", 0, 0, 0xC0) + (len(pixels) + 4).to_bytes(3) + struct.pack(">HH", width, height)
    parts = [(0x16, composition), (0x17, window), (0x14, palette), (0x15, head + pixels)]
    return b"".join(_segment(kind, body) for kind, body in parts) + END


def clear_set(number: int) -> bytes:
    composition = struct.pack(">HHBHBBBB", *CANVAS, 0x10, number, 0, 0, 0, 0)
    x, y = PICTURE_AT
    return _segment(0x16, composition) + _segment(0x17, struct.pack(">BBHHHH", 1, 0, x, y, 8, 2)) + END


def sup(sets: Sequence[tuple[int, bytes]]) -> bytes:
    """A .sup file; each set with its time in milliseconds."""
    return b"".join(_timed(time_ms, content) for time_ms, content in sets)


def _segment(kind: int, body: bytes) -> bytes:
    return struct.pack(">BH", kind, len(body)) + body


def _timed(time_ms: int, content: bytes) -> bytes:
    timed, at = b"", 0
    while at < len(content):
        length = 3 + int.from_bytes(content[at + 1 : at + 3])
        timed += b"PG" + struct.pack(">II", time_ms * 90, 0) + content[at : at + length]
        at += length
    return timed
