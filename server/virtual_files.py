"""A representation that nobody wrote down: a generated head, then ranges of the original (design.md section 2).

A segment of a copied rung is its `moof` and the original's own frames. The ranges stand in two arrays, 16 bytes
each, for an interleaved film has hundreds in a segment.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping

from server.descriptors import OpenFile, Stretch
from server.raw_response import header_lines
from vod.errors import SourceError

LARGEST_PIECE_BYTES = 64 << 10  # of a head, which may be all there is: what is copied at a time is made of such
MOST_AT_ONCE = 256  # stretches, half a microsecond each


class VirtualFile:
    """`etag` is a strong one, quotes included: whoever makes the head knows what would change these bytes."""

    __slots__ = ("_head", "_offsets", "_starts", "etag", "lines", "size", "source", "whole_lines")

    def __init__(
        self,
        original: OpenFile,
        head: bytes,
        ranges: Iterable[tuple[int, int]],
        fields: Mapping[str, str],
        etag: str,
    ) -> None:
        """`ranges` are offsets and lengths in the original. Raises SourceError for one that is not inside it."""
        self.source = original
        self.etag = etag
        self._head = head
        self._offsets = array("q")
        self._starts = array("q")  # of each range in what is served; at the end the size
        self.size = len(head)
        for stretch in _joined(ranges):
            if stretch.length < 1 or not 0 <= stretch.offset <= original.size - stretch.length:
                raise SourceError("The file of this film is not what it was when it was added.")
            self._offsets.append(stretch.offset)
            self._starts.append(self.size)
            self.size += stretch.length
        self._starts.append(self.size)
        self.lines = header_lines({"ETag": etag, "Accept-Ranges": "bytes", **fields})
        self.whole_lines = self.lines + b"Content-Length: %d\r\n" % self.size

    @property
    def held_bytes(self) -> int:
        return len(self._head) + 16 * len(self._offsets) + len(self.lines) + len(self.whole_lines)

    def stretches(self, offset: int, count: int) -> Iterator[bytes | Stretch]:
        end = offset + count
        head_end = min(end, len(self._head))
        for start in range(offset, head_end, LARGEST_PIECE_BYTES):
            yield self._head[start : min(start + LARGEST_PIECE_BYTES, head_end)]
        offset = max(offset, head_end)
        starts, offsets = self._starts, self._offsets
        number = bisect_right(starts, offset) - 1
        while offset < end:
            following = min(end, starts[number + 1])
            yield Stretch(offsets[number] + offset - starts[number], following - offset)
            offset = following
            number += 1

    def read_resident(self, offset: int, count: int) -> bytes | None:
        if len(self._offsets) > MOST_AT_ONCE:
            return None  # that would wait for them all the same
        parts: list[bytes | bytearray] = []
        for part in self.stretches(offset, count):
            found = self.source.read_resident(*part) if isinstance(part, Stretch) else part
            if found is None:
                return None
            parts.append(found)
        return b"".join(parts)


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[Stretch]:
    """What lies together is one stretch: the frames of a chunk mostly do."""
    last: Stretch | None = None
    for offset, length in ranges:
        if last is not None and offset == last.offset + last.length:
            last = Stretch(last.offset, last.length + length)
            continue
        if last is not None:
            yield last
        last = Stretch(offset, length)
    if last is not None:
        yield last
