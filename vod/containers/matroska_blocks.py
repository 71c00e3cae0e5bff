"""Blocks (RFC 9559 §10): what lies in a run of clusters, header by header; the payloads are stepped over."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterator
from typing import NamedTuple

from vod.containers import ebml
from vod.containers.ebml import Element, Reader
from vod.containers.matroska_cues import LATEST_TICKS, UNTOLD
from vod.containers.samples import NotCopyable

CLUSTER, TIMESTAMP = 0x1F43B675, 0xE7
SIMPLE_BLOCK, BLOCK_GROUP, BLOCK, REFERENCE_BLOCK, BLOCK_DURATION = 0xA3, 0xA0, 0xA1, 0xFB, 0x9B
# What may lie beside a cluster, so ends one of unknown size: SeekHead, Info, Tracks, Cues, Attachments, Chapters, Tags.
BESIDE_CLUSTERS = frozenset({0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367})

KEYFRAME, INVISIBLE, LACING = 0x80, 0x08, 0x06
XIPH, FIXED, EBML = 0x02, 0x04, 0x06

MOST_ELEMENTS = 200_000  # of one walk; six seconds of a film with ten tracks have four thousand
_LONGEST_BLOCK_HEADER = 11
_LONGEST_LACE_HEADER = 1 << 16


class Block(NamedTuple):
    track: int  # the number in its TrackEntry
    time: int  # ticks
    keyframe: bool
    flags: int  # as they stand in the block
    duration: int  # ticks, UNTOLD where it is not told
    start: int  # of the element, in the file
    payload: int
    end: int  # of the payload


def walk(
    reader: Reader,
    cluster: int,
    end: int,
    wanted: Container[int],
    skip_to: int = UNTOLD,
    most_elements: int = MOST_ELEMENTS,
) -> Iterator[Block]:
    """The blocks of the tracks with these numbers, from the cluster at `cluster` to `end`, in file order.

    `skip_to` is where a block of the first cluster begins, in bytes from the cluster's first child; what lies before
    it is not looked at. Raises ValueError for clusters that contradict themselves, NotCopyable after many elements.
    """
    at, body, cluster_end, time = cluster, cluster, cluster, UNTOLD
    for _ in range(most_elements):
        if at >= end:
            return
        found = reader.element(at, cluster_end if at < cluster_end else end)
        at = found.end
        if found.kind == CLUSTER:
            at = body = found.body
            cluster_end, time = end if found.end == ebml.UNKNOWN else found.end, UNTOLD
        elif found.end == ebml.UNKNOWN:
            raise ValueError(f"element {found.kind:#x} at {found.start} has no size")
        elif found.kind in BESIDE_CLUSTERS:
            cluster_end = at
        elif found.kind == TIMESTAMP:
            time = _timestamp(reader, found)
            at, skip_to = max(at, body + skip_to), UNTOLD
            if at > cluster_end:
                raise ValueError("a cue leads out of its cluster")
        elif found.kind in {SIMPLE_BLOCK, BLOCK_GROUP}:
            block = _read_block(reader, found, time)
            if block.track in wanted:
                yield block
    raise NotCopyable("the tracks lie too far apart in the file")


def frames(reader: Reader, block: Block) -> list[tuple[int, int]]:
    """Offset and size of each frame of the block; several where they are laced. Raises ValueError."""
    lacing = block.flags & LACING
    if not lacing:
        return [(block.payload, block.end - block.payload)]
    head = reader.peek(block.payload, min(block.end - block.payload, _LONGEST_LACE_HEADER))
    if not head:
        raise ValueError("a laced block is empty")
    if lacing == FIXED:
        return _fixed(block, head[0] + 1)
    sizes, at = (_xiph_sizes if lacing == XIPH else _ebml_sizes)(head, head[0])
    return _one_after_another(block.payload + at, block.end, sizes)


def _timestamp(reader: Reader, found: Element) -> int:
    time = ebml.unsigned(reader.read(found.body, found.end - found.body, 8))
    if time > LATEST_TICKS:
        raise ValueError("a cluster begins after all times")
    return time


def _read_block(reader: Reader, found: Element, cluster_time: int) -> Block:
    if cluster_time == UNTOLD:
        raise ValueError("a block stands before its cluster's time")
    if found.kind == SIMPLE_BLOCK:
        return _block(reader, found.body, found.end, cluster_time)._replace(start=found.start)
    return _grouped(reader, found, cluster_time)._replace(start=found.start)


def _block(reader: Reader, body: int, end: int, cluster_time: int) -> Block:
    header = reader.peek(body, min(end - body, _LONGEST_BLOCK_HEADER))
    track, at = ebml.number(header, 0)
    if at + 3 > len(header):
        raise ValueError("a block's header is cut off")
    time = cluster_time + int.from_bytes(header[at : at + 2], signed=True)
    if time < 0:  # ffmpeg gives such a packet no time at all
        raise ValueError("a block is shown before the film begins")
    flags = header[at + 2]
    return Block(track, time, bool(flags & KEYFRAME), flags, UNTOLD, body, body + at + 3, end)


def _grouped(reader: Reader, group: Element, cluster_time: int) -> Block:
    """A group holds one block, which depends on no other unless a reference says so."""
    block, keyframe, duration = None, True, UNTOLD
    at = group.body
    while at < group.end:
        found = reader.element(at, group.end)
        if found.end == ebml.UNKNOWN or (found.kind == BLOCK and block):
            raise ValueError(f"the block group at {group.start} is malformed")
        if found.kind == BLOCK:
            block = _block(reader, found.body, found.end, cluster_time)
        elif found.kind == REFERENCE_BLOCK:
            keyframe = False
        elif found.kind == BLOCK_DURATION:
            duration = _timestamp(reader, found)
        at = found.end
    if block is None:
        raise ValueError(f"the block group at {group.start} has no block")
    return block._replace(keyframe=keyframe, duration=duration)


def _fixed(block: Block, count: int) -> list[tuple[int, int]]:
    size, rest = divmod(block.end - block.payload - 1, count)
    if rest:
        raise ValueError("a block's laces are not of one size")
    return [(block.payload + 1 + index * size, size) for index in range(count)]


def _one_after_another(start: int, end: int, sizes: list[int]) -> list[tuple[int, int]]:
    """The last frame's size is what the others leave."""
    starts = list(itertools.accumulate(sizes, initial=start))
    if min(sizes, default=0) < 0 or starts[-1] > end:
        raise ValueError("a block's laces are longer than the block")
    return list(zip(starts, [*sizes, end - starts[-1]], strict=True))


def _xiph_sizes(head: bytes, count: int) -> tuple[list[int], int]:
    """The sizes of `count` frames, all but the last, and where in the payload they end."""
    sizes, at = [], 1
    for _ in range(count):
        size = 0
        while head[at : at + 1] == b"\xff":
            size, at = size + 255, at + 1
        if at >= len(head):
            raise ValueError("a block's lacing is cut off")
        sizes.append(size + head[at])
        at += 1
    return sizes, at


def _ebml_sizes(head: bytes, count: int) -> tuple[list[int], int]:
    """As `_xiph_sizes`: the first size, then differences."""
    if not count:  # ffmpeg looks for a size even there
        raise ValueError("a laced block has one frame")
    size, at = ebml.number(head, 1)
    sizes = [size]
    for _ in range(count - 1):
        difference, at = ebml.signed_number(head, at)
        size += difference
        sizes.append(size)
    return sizes, at
