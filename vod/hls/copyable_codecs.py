"""Which coded pictures and sound players take as they are: read from the decoder's configuration, never from a label.

avcC, hvcC: ISO/IEC 14496-15 §5.3.3, §8.3.3; sequence parameter set: H.264 §7.3.2.1.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from vod.containers.bits import Bits
from vod.containers.boxes import Bytes
from vod.containers.samples import NotCopyable, Track
from vod.hls.codecs import codec_string
from vod.hls.init_section import copied_init_section
from vod.hls.sample_entry import configuration

PICTURES = frozenset({"avc1", "hvc1", "hev1"})
SOUNDS = frozenset({"mp4a", "ac-3", "ec-3"})
PLAIN_PROFILES = frozenset({66, 77})  # Baseline, Main: 4:2:0 with 8 bits by definition
HIGH_PROFILE = 100
HIGHEST_AVC_LEVEL = 52  # 5.2
HEVC_PROFILES = frozenset({1, 2})  # Main, Main 10
HIGHEST_HEVC_LEVEL = 156  # 5.2
HEVC_PARAMETER_SETS = (32, 33, 34)  # VPS, SPS, PPS
YUV420 = 1
SPS_HEAD = 64  # bytes that hold all that is looked at
AAC_KINDS = frozenset({"mp4a.40.2", "mp4a.40.5", "mp4a.40.29"})  # LC, HE and HE v2
LONGEST_GOLOMB_PREFIX = 32


def refuse_codec(track: Track) -> None:
    """Raises NotCopyable where players would not take it, ValueError where its configuration is damaged."""
    if track.codec not in (PICTURES if track.kind == "video" else SOUNDS):
        raise NotCopyable(f"{track.codec} is not handed on")
    if track.codec == "avc1":
        _refuse_avc(configuration(track, b"avcC"))
    elif track.codec in ("hvc1", "hev1"):
        _refuse_hevc(configuration(track, b"hvcC"))
    elif track.codec == "mp4a":
        _refuse_aac(track)


def nal_units(sample: Bytes, width: int) -> Iterator[memoryview]:
    """Without the lengths of `width` bytes before them, and without empty ones. Raises ValueError for another row."""
    data, at = memoryview(sample), 0
    while at < len(data):
        begin = at + width
        at = begin + int.from_bytes(data[at:begin])
        if at > len(data):
            raise ValueError("a sample is no row of NAL units")
        if at > begin:
            yield data[begin:at]


def length_bytes(track: Track) -> int:
    """How many bytes stand before each NAL unit and tell its length."""
    if track.codec == "avc1":
        return (_byte(configuration(track, b"avcC"), 4) & 3) + 1
    return (_byte(configuration(track, b"hvcC"), 21) & 3) + 1


def parameter_sets(record: bytes) -> Iterator[bytes]:
    """Sequence sets, then picture sets, of an avcC. Raises ValueError where it is cut off."""
    position = 5
    for mask in (0x1F, 0xFF):
        count, position = _byte(record, position) & mask, position + 1
        for _ in range(count):
            size = _byte(record, position) << 8 | _byte(record, position + 1)
            yield record[position + 2 : position + 2 + size]
            position += 2 + size


def _refuse_avc(record: bytes) -> None:
    profile, level = _byte(record, 1), _byte(record, 3)
    if level > HIGHEST_AVC_LEVEL:
        raise NotCopyable(f"H.264 level {level / 10} is beyond players")
    if _byte(record, 5) & 0x1F != 1:
        raise NotCopyable("it has not exactly one sequence parameter set")
    if profile in PLAIN_PROFILES:
        return
    if profile != HIGH_PROFILE or _sample_format(record[8 : 8 + SPS_HEAD]) != (YUV420, 8, 8):
        raise NotCopyable(f"H.264 profile {profile} is not 4:2:0 with 8 bits")


def _sample_format(sps: bytes) -> tuple[int, int, int]:
    """Chroma format and the bit depths of a High profile's set."""
    bits = Bits(sps.replace(b"\0\0\3", b"\0\0")[4:])  # behind NAL header, profile, constraints and level
    _golomb(bits)  # seq_parameter_set_id
    return _golomb(bits), 8 + _golomb(bits), 8 + _golomb(bits)


def _golomb(bits: Bits) -> int:
    """ue(v) of H.264 §9.1."""
    zeros = 0
    while not bits.flag():
        zeros += 1
        if zeros == LONGEST_GOLOMB_PREFIX:
            raise ValueError("an Exp-Golomb code has no end")
    return (1 << zeros) - 1 + bits.take(zeros)


def _refuse_hevc(record: bytes) -> None:
    if _byte(record, 1) & 0x1F not in HEVC_PROFILES or _byte(record, 16) & 3 != YUV420:
        raise NotCopyable("HEVC beyond Main and Main 10 is not handed on")
    if _byte(record, 12) > HIGHEST_HEVC_LEVEL:
        raise NotCopyable(f"HEVC level {record[12] / 30} is beyond players")
    missing = set(HEVC_PARAMETER_SETS) - _nal_types(record)
    if missing:
        # hev1 may keep them in the samples; hvc1, which Apple's players want, must not
        raise NotCopyable("the parameter sets are not in its configuration")


def _nal_types(record: bytes) -> set[int]:
    """Of the non-empty arrays in an hvcC."""
    found = set()
    position = 23
    for _ in range(_byte(record, 22)):
        kind, units = _byte(record, position) & 0x3F, _number(record, position + 1)
        position += 3
        for _ in range(units):
            position += 2 + _number(record, position)
            found.add(kind)
    return found


def _refuse_aac(track: Track) -> None:
    kind = codec_string(copied_init_section(track, track.timescale, 0))
    if kind not in AAC_KINDS:
        raise NotCopyable(f"{kind} is not handed on")
    if not 1 <= track.channels <= 8:
        raise NotCopyable(f"it has {track.channels} channels")


def _number(record: bytes, position: int) -> int:
    return _byte(record, position) << 8 | _byte(record, position + 1)


def _byte(record: bytes, position: int) -> int:
    if position >= len(record):
        raise ValueError("a decoder configuration is cut off")
    return record[position]
