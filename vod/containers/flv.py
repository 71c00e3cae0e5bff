"""What Flash video tells of its encoder's settings (Adobe Flash Video File Format 10.1, annex E)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

FILE_HEADER_BYTES, TAG_HEADER_BYTES, TRAILER_BYTES = 9, 11, 4
VIDEO_TAG, AVC, SEQUENCE_HEADER = 9, 7, 0
VIDEO_HEADER_BYTES = 5
LARGEST_HEADER_BYTES = 1 << 16
MOST_TAGS = 4 << 20  # 12 hours of pictures and sound


def settings_change(path: Path) -> bool:
    """Whether a second decoder configuration comes after the first: one init section cannot hold both.

    Blocks. Raises OSError, ValueError for more tags than a film has; what is damaged ends the search.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        first = b""
        for settings in _configurations(descriptor):
            if first and settings != first:
                return True
            first = settings
        return False
    finally:
        os.close(descriptor)


def _configurations(descriptor: int) -> Iterator[bytes]:
    at = int.from_bytes(os.pread(descriptor, FILE_HEADER_BYTES, 0)[5:]) + TRAILER_BYTES
    for _ in repeat(None, MOST_TAGS):
        head = os.pread(descriptor, TAG_HEADER_BYTES + VIDEO_HEADER_BYTES, at)
        if len(head) < TAG_HEADER_BYTES:
            return
        size, content = int.from_bytes(head[1:4]), head[TAG_HEADER_BYTES:]
        is_settings = len(content) > 1 and content[0] & 0xF == AVC and content[1] == SEQUENCE_HEADER
        if head[0] & 0x1F == VIDEO_TAG and is_settings and VIDEO_HEADER_BYTES < size <= LARGEST_HEADER_BYTES:
            yield os.pread(descriptor, size - VIDEO_HEADER_BYTES, at + len(head))
        at += TAG_HEADER_BYTES + size + TRAILER_BYTES
    raise ValueError("it has more tags than a film")
