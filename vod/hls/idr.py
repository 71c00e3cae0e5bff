"""Whether samples begin with a picture that a decoder can start at, read from the media themselves.

An index calls many pictures keyframes: the I-frames of open groups, recovery points, CRA pictures. Only an IDR resets
the decoder (hls-rules.md rule 15). NAL unit types: H.264 table 7-1, HEVC table 7-1.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice, repeat

from vod.containers.boxes import Bytes
from vod.containers.samples import Samples, Track
from vod.hls.copyable_codecs import length_bytes, nal_units

HEAD_BYTES = 4096  # most samples begin with an IDR behind a delimiter, parameter sets and a short message
MOST_UNITS = 64  # before the first slice
LENGTH_BYTES = 4  # before each unit, as ffmpeg writes it
AVC_SLICES = frozenset(range(1, 6))
AVC_IDR = frozenset({5})
AVC_PARAMETER_SETS = frozenset({7, 8})
HEVC_SLICES = frozenset(range(32))
HEVC_IDR = frozenset({19, 20})  # IDR_W_RADL, IDR_N_LP


def find_non_idr(descriptor: int, track: Track, samples: Samples, positions: Iterable[int]) -> int | None:
    """The first of these samples that begins with another picture, or None. It reads the file: call it in a thread.

    Raises ValueError where a sample is no row of NAL units, OSError where the file cannot be read.
    """
    width = length_bytes(track)
    is_avc = track.codec == "avc1"
    slices, wanted = (AVC_SLICES, AVC_IDR) if is_avc else (HEVC_SLICES, HEVC_IDR)
    for position in positions:
        kind = _first_slice(descriptor, samples.offsets[position], samples.sizes[position], width, is_avc, slices)
        if kind not in wanted:
            return position
    return None


def begins_with_idr(sample: Bytes) -> bool:
    """Of H.264 with lengths of four bytes. Raises ValueError for what is no row of NAL units."""
    kinds = (unit[0] & 0x1F for unit in islice(nal_units(sample, LENGTH_BYTES), MOST_UNITS))
    return next((kind for kind in kinds if kind in AVC_SLICES), None) in AVC_IDR


def parameter_sets_of(sample: Bytes) -> frozenset[bytes]:
    """Those that lie among the pictures. Raises as `begins_with_idr` does."""
    units = (unit for unit in nal_units(sample, LENGTH_BYTES) if unit[0] & 0x1F in AVC_PARAMETER_SETS)
    return frozenset(bytes(unit).rstrip(b"\0") for unit in units)


def _first_slice(
    descriptor: int, offset: int, size: int, width: int, is_avc: bool, slices: frozenset[int]
) -> int | None:
    """The type of the first NAL unit that holds a picture; None where there is none."""
    head = os.pread(descriptor, min(size, HEAD_BYTES), offset)
    at = 0
    for _ in repeat(None, MOST_UNITS):
        if at + width >= size:
            return None
        header = head[at : at + width + 1]
        if len(header) <= width:
            header = os.pread(descriptor, width + 1, offset + at)
        if len(header) <= width:
            raise ValueError("a sample is cut off")
        kind = header[width] & 0x1F if is_avc else header[width] >> 1 & 0x3F
        if kind in slices:
            return kind
        at += width + int.from_bytes(header[:width])
    return None
