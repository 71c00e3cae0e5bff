"""Writes the index file of a copied rendition, whose layout `segment_index` tells."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from vod.hls.segment_index import HEADER, MAGIC, RECORD, VERSION, VirtualSegment, table_checksum


def encode(segments: Sequence[VirtualSegment], original_bytes: int) -> bytes:
    """The whole file. Raises ValueError for a segment outside an original of that size."""
    _check_ranges(segments, original_bytes)
    bodies = [_body(segment) for segment in segments]
    offset = HEADER.size + RECORD.size * len(segments)
    table = bytearray()
    for segment, body in zip(segments, bodies, strict=True):
        table += RECORD.pack(offset, len(segment.head), len(segment.offsets), sum(segment.lengths), crc32(body))
        offset += len(body)
    fields = (MAGIC, VERSION, original_bytes, offset, len(segments))
    return b"".join((HEADER.pack(*fields, table_checksum(fields, bytes(table))), table, *bodies))


def _check_ranges(segments: Sequence[VirtualSegment], original_bytes: int) -> None:
    offsets = np.concatenate([np.asarray(segment.offsets) for segment in segments])
    lengths = np.concatenate([np.asarray(segment.lengths) for segment in segments])
    # a length is compared with what is left behind its offset, for a sum could leave 64 bits
    inside = (offsets <= original_bytes) & (lengths <= original_bytes - np.minimum(offsets, original_bytes))
    if not inside.all() or not lengths.all():
        raise ValueError("a range lies outside the original")


def _body(segment: VirtualSegment) -> bytes:
    offsets, lengths = np.asarray(segment.offsets), np.asarray(segment.lengths)
    return b"".join((segment.head, offsets.astype(">u8").tobytes(), lengths.astype(">u4").tobytes()))
