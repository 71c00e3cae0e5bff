"""What Flash video tells of its encoder's settings (Adobe Flash Video File Format 10.1, annex E)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

TAG_HEADER_BYTES, TRAILER_BYTES = 11, 4
VIDEO_TAG, AVC, SEQUENCE_HEADER = 9, 7, 0
VIDEO_HEADER_BYTES = 5
LARGEST_HEADER_BYTES = 1 << 16


def avc_settings(path: Path) -> frozenset[bytes]:
    """Every decoder configuration that the film has: more than one cannot stand in one init section.

    Blocks. Raises OSError; what is damaged ends the list.
    """
    with path.open("rb") as file:
        return frozenset(_configurations(file))


def _configurations(file: BinaryIO) -> Iterator[bytes]:
    at = int.from_bytes(file.read(9)[5:9]) + TRAILER_BYTES
    while True:
        file.seek(at)
        head = file.read(TAG_HEADER_BYTES + VIDEO_HEADER_BYTES)
        if len(head) < TAG_HEADER_BYTES:
            return
        size = int.from_bytes(head[1:4])
        content = head[TAG_HEADER_BYTES:]
        is_header = len(content) > 1 and content[0] & 0xF == AVC and content[1] == SEQUENCE_HEADER
        if head[0] & 0x1F == VIDEO_TAG and is_header and VIDEO_HEADER_BYTES < size <= LARGEST_HEADER_BYTES:
            yield file.read(size - VIDEO_HEADER_BYTES)
        at += TAG_HEADER_BYTES + size + TRAILER_BYTES
