"""The sample entry of a copied track, as players take it: the decoder's configuration and nothing of the original's.

QuickTime wraps sound in versions and `wave` boxes of its own, and HEVC often lies under `hev1`, which Apple's players
refuse (hls-rules.md rule 8). Fields and boxes: ISO/IEC 14496-12 §8.5.2, §12.1, §12.2; 14496-15 §5.4, §8.4.
"""

from __future__ import annotations

import struct

from vod.containers import boxes
from vod.containers.boxes import Box, box
from vod.containers.samples import NotCopyable, Track

CONFIGURATIONS = {
    b"avc1": (b"avc1", b"avcC"),
    b"hvc1": (b"hvc1", b"hvcC"),
    b"hev1": (b"hvc1", b"hvcC"),
    b"mp4a": (b"mp4a", b"esds"),
    b"ac-3": (b"ac-3", b"dac3"),
    b"ec-3": (b"ec-3", b"dec3"),
}
PICTURE_BOXES = (b"pasp", b"mdcv", b"clli")  # pixel shape, mastering display, light levels
COLOUR_KINDS = (b"nclx", b"nclc")  # nclc is QuickTime's, without the range flag
DATA_REFERENCE = struct.pack(">6xH", 1)
RESOLUTION_72_DPI = 0x00480000
DEPTH_WITHOUT_ALPHA = 24
SAMPLE_BITS = 16


def player_entry(track: Track) -> bytes:
    """Raises ValueError where the entry is damaged, NotCopyable where it holds nothing that players take."""
    data = track.sample_entry
    entry = boxes.read_header(data, 0, len(data))
    if entry.kind not in CONFIGURATIONS:
        raise NotCopyable(f"{track.codec} is not handed on")
    kind, wanted = CONFIGURATIONS[entry.kind]
    if track.kind == "video":
        return box(kind, _picture_fields(data, entry), configuration_box(track, wanted), *_picture_boxes(data, entry))
    return box(kind, _sound_fields(track), configuration_box(track, wanted))


def configuration_box(track: Track, kind: bytes) -> bytes:
    """The whole box, in the entry itself or in QuickTime's `wave`. Raises NotCopyable where there is none."""
    data = track.sample_entry
    for child in boxes.children(data, boxes.read_header(data, 0, len(data))):
        if child.kind == kind:
            return data[child.start : child.end]
        if child.kind == b"wave":
            found = _first(data, child, kind)
            if found is not None:
                return data[found.start : found.end]
    raise NotCopyable(f"its sample entry has no {kind.decode('latin-1')} box")


def configuration(track: Track, kind: bytes) -> bytes:
    """The record in `configuration_box`."""
    found = configuration_box(track, kind)
    return boxes.body(found, boxes.read_header(found, 0, len(found)))


def shown_size(entry: bytes) -> bytes:
    """Width and height for a track header, 16.16 each: the coded ones, the width stretched by the pixels' shape."""
    header = boxes.read_header(entry, 0, len(entry))
    width, height = boxes.unpack("2H", entry, header, 24)
    pixels = _first(entry, header, b"pasp")
    across, down = boxes.unpack("2I", entry, pixels) if pixels else (1, 1)
    stretched = (width << 16) * across // down if across and down else width << 16
    return struct.pack(">2I", min(stretched, 0xFFFFFFFF), height << 16)


def _picture_fields(data: bytes, entry: Box) -> bytes:
    width, height = boxes.unpack("2H", data, entry, 24)
    if not width or not height:
        raise NotCopyable("its picture has no size")
    size = struct.pack(">16x2H2I4xH", width, height, RESOLUTION_72_DPI, RESOLUTION_72_DPI, 1)
    return DATA_REFERENCE + size + struct.pack(">32xHh", DEPTH_WITHOUT_ALPHA, -1)


def _sound_fields(track: Track) -> bytes:
    rate = track.sample_rate if track.sample_rate <= 0xFFFF else 0  # left to the configuration
    return DATA_REFERENCE + struct.pack(">8x2H4xI", min(track.channels, 0xFFFF), SAMPLE_BITS, rate << 16)


def _picture_boxes(data: bytes, entry: Box) -> list[bytes]:
    found: dict[bytes, bytes] = {}
    for child in boxes.children(data, entry):
        if child.kind in PICTURE_BOXES:
            found.setdefault(child.kind, data[child.start : child.end])
        elif child.kind == b"colr":
            found.setdefault(child.kind, _colour(boxes.body(data, child)))
    return list(found.values())


def _colour(record: bytes) -> bytes:
    if record[:4] not in COLOUR_KINDS or len(record) < 10:
        return b""
    full_range = record[10:11] if record[:4] == b"nclx" and len(record) > 10 else b"\0"
    return box(b"colr", b"nclx", record[4:10], full_range)


def _first(data: bytes, parent: Box, kind: bytes) -> Box | None:
    return next((child for child in boxes.children(data, parent) if child.kind == kind), None)
