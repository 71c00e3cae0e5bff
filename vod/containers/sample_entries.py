"""MP4 sample entries (ISO/IEC 14496-12 §8.5.2, 14496-15) for tracks whose container has none."""

from __future__ import annotations

import math
import struct

from vod.containers.boxes import box
from vod.containers.matroska_tracks import UNSPECIFIED, Picture
from vod.containers.samples import NotCopyable

DATA_REFERENCE = struct.pack(">6xH", 1)
RESOLUTION_72_DPI = 0x00480000
DEPTH_WITHOUT_ALPHA = 0x0018
SAMPLE_BITS = 16
LONGEST_CONFIGURATION_BYTES = 1 << 16
MOST_PIXELS_A_SIDE = 0xFFFF
AVC_RECORD_BYTES, HEVC_RECORD_BYTES = 7, 23  # up to the first parameter set
HEVC_PARAMETER_SETS = frozenset({32, 33, 34})  # VPS, SPS, PPS


def visual_entry(kind: bytes, picture: Picture, configuration: bytes) -> bytes:
    """`configuration` is the avcC or hvcC box."""
    if not 0 < picture.width <= MOST_PIXELS_A_SIDE or not 0 < picture.height <= MOST_PIXELS_A_SIDE:
        raise NotCopyable("the picture has no size")
    size = struct.pack(">16xHHII4xH", picture.width, picture.height, RESOLUTION_72_DPI, RESOLUTION_72_DPI, 1)
    end = struct.pack(">32xHh", DEPTH_WITHOUT_ALPHA, -1)
    return box(kind, DATA_REFERENCE, size, end, configuration, _colour(picture), _pixel_aspect(picture))


def audio_entry(kind: bytes, sample_rate: int, channels: int, configuration: bytes) -> bytes:
    """`configuration` is the esds, dac3 or dec3 box. A rate that 16 bits cannot hold is left to it."""
    rate = sample_rate if sample_rate <= 0xFFFF else 0
    return box(kind, DATA_REFERENCE, struct.pack(">8xHH4xI", channels, SAMPLE_BITS, rate << 16), configuration)


def avc_configuration(record: bytes) -> bytes:
    """The avcC box of an AVCDecoderConfigurationRecord, which is what V_MPEG4/ISO/AVC keeps in CodecPrivate."""
    _check_record(record, AVC_RECORD_BYTES)
    if record[5] & 0x1F == 0:
        raise NotCopyable("the H.264 parameter sets are not in the header")
    return box(b"avcC", record)


def hevc_configuration(record: bytes) -> bytes:
    """The hvcC box; its parameter sets must be complete, for hvc1 allows none among the samples."""
    _check_record(record, HEVC_RECORD_BYTES)
    if not _nal_unit_types(record) >= HEVC_PARAMETER_SETS:
        raise NotCopyable("the HEVC parameter sets are not in the header")
    return box(b"hvcC", record)


def _nal_unit_types(record: bytes) -> set[int]:
    """Of the arrays in an HEVCDecoderConfigurationRecord that are not empty (14496-15 §8.3.3.1)."""
    found: set[int] = set()
    at = HEVC_RECORD_BYTES
    for _ in range(record[HEVC_RECORD_BYTES - 1]):
        kind, count = struct.unpack_from(">BH", record, at) if at + 3 <= len(record) else (0, 0)
        at += 3
        found.update({kind & 0x3F} if count else ())
        for _ in range(count):
            at += 2 + int.from_bytes(record[at : at + 2])
            if at > len(record):
                raise NotCopyable("the HEVC parameter sets are cut off")
    return found


def _check_record(record: bytes, shortest: int) -> None:
    if not shortest <= len(record) <= LONGEST_CONFIGURATION_BYTES or record[0] != 1:
        raise NotCopyable("the decoder configuration is of an unknown kind")


def _colour(picture: Picture) -> bytes:
    values = (picture.primaries, picture.transfer, picture.matrix)
    if all(value == UNSPECIFIED for value in values) or max(values) > 0xFFFF:
        return b""
    return box(b"colr", b"nclx", struct.pack(">3HB", *values, 0x80 if picture.full_range else 0))


def _pixel_aspect(picture: Picture) -> bytes:
    """Matroska tells the shape of the shown picture, MP4 that of a pixel. Square ones are not told."""
    width = picture.display_width * picture.height
    height = picture.display_height * picture.width
    common = math.gcd(width, height)
    if width == height or not width or not height or max(width, height) // common > 0xFFFFFFFF:
        return b""
    return box(b"pasp", struct.pack(">2I", width // common, height // common))
