"""Matroska as ffmpeg writes it into a pipe, read as it comes: the tracks, then one packet after another.

The writer is our own child, but it has read a hostile film: sizes are bounded, and whatever is not as expected is a
ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vod.containers import ebml

SEGMENT, TRACKS, TRACK, CLUSTER = 0x18538067, 0x1654AE6B, 0xAE, 0x1F43B675
TRACK_NUMBER, CODEC_PRIVATE = 0xD7, 0x63A2
CLUSTER_TIME, SIMPLE_BLOCK, BLOCK_GROUP, BLOCK, BLOCK_DURATION = 0xE7, 0xA3, 0xA0, 0xA1, 0x9B

# ffmpeg closes a cluster at 5 MiB; a Blu-ray picture is smaller than one.
LARGEST_ELEMENT = 64 << 20
LACED = 0x06


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    track: int  # counted from 0, in the order of ffmpeg's maps
    time_ms: int  # on the original's clock
    duration_ms: int  # 0 where the container does not tell
    payload: bytes


class PacketFeed:
    """`heads` is, by track, what a decoder has to know beforehand; complete once there are packets."""

    def __init__(self) -> None:
        self.heads: dict[int, bytes] = {}
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are complete now. Raises ValueError."""
        self._buffer += data
        while (found := self._next_element()) is not None:
            kind, body = found
            if kind == TRACKS:
                self._take_tracks(body)
            elif kind == CLUSTER:
                yield from _packets(body)

    def _next_element(self) -> tuple[int, bytes] | None:
        """The next whole element of the top two levels, its content with it; None while it has not come."""
        if len(self._buffer) < ebml.LONGEST_HEADER_BYTES:
            return None
        head = bytes(self._buffer[: ebml.LONGEST_HEADER_BYTES])
        id_length = 9 - head[0].bit_length()
        kind = int.from_bytes(head[:id_length])
        size, body = ebml.number(head, id_length)
        if kind == SEGMENT:  # as long as the pipe: its parts are read one by one
            del self._buffer[:body]
            return kind, b""
        if size > LARGEST_ELEMENT:
            raise ValueError(f"an element of {size} bytes among subtitles")
        if len(self._buffer) < body + size:
            return None
        content = bytes(self._buffer[body : body + size])
        del self._buffer[: body + size]
        return kind, content

    def _take_tracks(self, body: bytes) -> None:
        for element in ebml.elements(body):
            if element.kind == TRACK:
                found = ebml.fields(body, element.body, element.end)
                number = ebml.unsigned(found.get(TRACK_NUMBER, b""))
                self.heads[number - 1] = found.get(CODEC_PRIVATE, b"")


def _packets(cluster: bytes) -> Iterator[Packet]:
    time_ms = 0
    for element in ebml.elements(cluster):
        content = cluster[element.body : element.end]
        if element.kind == CLUSTER_TIME:
            time_ms = ebml.unsigned(content)
        elif element.kind == SIMPLE_BLOCK:
            yield _packet(content, time_ms, 0)
        elif element.kind == BLOCK_GROUP:
            found = ebml.fields(content)
            yield _packet(found.get(BLOCK, b""), time_ms, ebml.unsigned(found.get(BLOCK_DURATION, b"")))


def _packet(block: bytes, cluster_ms: int, duration_ms: int) -> Packet:
    track, at = ebml.number(block, 0)
    if len(block) < at + 3 or block[at + 2] & LACED:
        raise ValueError("a block that no muxer writes for subtitles")
    offset_ms = int.from_bytes(block[at : at + 2], signed=True)
    return Packet(track=track - 1, time_ms=cluster_ms + offset_ms, duration_ms=duration_ms, payload=block[at + 3 :])
