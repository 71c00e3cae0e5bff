"""The top boxes of a file, read by their headers: what lies in an `mdat` is never touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from vod.containers import boxes
from vod.containers.samples import NotCopyable

HEADER_BYTES = 16  # with a 64-bit size
MOST_TOP_BOXES = 1 << 20  # two a fragment; 24 hours in fragments of half a second have 350,000


class FileBox(NamedTuple):
    """Offsets in the file."""

    kind: bytes
    start: int
    end: int


def top_boxes(descriptor: int, file_bytes: int) -> Iterator[FileBox]:
    """In file order. The last one may claim more than there is: a copy that broke off still has its beginning."""
    start = 0
    for _ in range(MOST_TOP_BOXES):
        if file_bytes - start < boxes.HEADER_BYTES:
            return
        header = os.pread(descriptor, HEADER_BYTES, start)
        found = boxes.read_header(header, 0, 1 << 63)
        end = file_bytes if found.end == 1 << 63 else start + found.end
        yield FileBox(found.kind, start, min(end, file_bytes))
        start = end
    raise NotCopyable("the file has too many boxes")


def read_box(descriptor: int, found: FileBox, most_bytes: int) -> bytes:
    """The whole box. Raises NotCopyable where it is larger than `most_bytes` or cut off."""
    size = found.end - found.start
    if size > most_bytes:
        raise NotCopyable(f"its {found.kind.decode('latin-1')} has {size} bytes")
    data = os.pread(descriptor, size, found.start)
    if len(data) != size:
        raise NotCopyable("the file changed while it was read")
    return data
