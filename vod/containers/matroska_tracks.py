"""Matroska's TrackEntry elements (RFC 9559 §5.1.4): what each track claims to be, in the order ffprobe counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vod.containers import ebml
from vod.containers.samples import MOST_TRACKS, Kind, NotCopyable

TRACK_ENTRY = 0xAE
NUMBER, TYPE, CODEC_ID, CODEC_PRIVATE = 0xD7, 0x83, 0x86, 0x63A2
DEFAULT_DURATION, CODEC_DELAY, TIMESTAMP_SCALE = 0x23E383, 0x56AA, 0x23314F
ENCODINGS = 0x6D80
VIDEO, AUDIO = 0xE0, 0xE1
PIXEL_WIDTH, PIXEL_HEIGHT, DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = 0xB0, 0xBA, 0x54B0, 0x54BA, 0x54B2
COLOUR = 0x55B0
MATRIX, RANGE, TRANSFER, PRIMARIES = 0x55B1, 0x55B9, 0x55BA, 0x55BB
SAMPLING_FREQUENCY, CHANNELS = 0xB5, 0x9F

PIXELS, CENTIMETRES, INCHES, ASPECT_RATIO = range(4)  # display units; of each, the ratio is what counts
BLOCK_ADDITION_MAPPING, ADDITION_TYPE, ADDITION_DATA = 0x41E4, 0x41E7, 0x41ED
DOLBY_VISION = frozenset({int.from_bytes(b"dvcC"), int.from_bytes(b"dvvC")})  # BlockAddIDType values

UNSPECIFIED = 2  # of primaries, transfer and matrix
FULL_RANGE = 2

# TrackType and what ffmpeg's demuxer makes a stream of; it skips the others, so they are not counted.
_KINDS: dict[int, Kind] = {1: "video", 2: "audio", 0x11: "other", 0x21: "other"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    width: int
    height: int
    display_width: int  # of the ratio alone; 0 where it is not told
    display_height: int
    primaries: int
    transfer: int
    matrix: int
    full_range: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    sampling_frequency: float  # hertz; of the core where AAC has SBR
    channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackEntry:
    index: int  # ffprobe's stream index
    number: int  # what blocks and cues call it
    kind: Kind
    codec_id: str
    codec_private: bytes
    default_duration_ns: int  # 0 where it is not told
    codec_delay_ns: int
    picture: Picture | None
    sound: Sound | None
    refusal: str  # why the blocks are not samples as they lie; "" where they are


def parse_tracks(content: bytes) -> tuple[TrackEntry, ...]:
    """Raises NotCopyable for too many tracks or two of one number."""
    entries: list[TrackEntry] = []
    for found in ebml.elements(content):
        if found.kind != TRACK_ENTRY:
            continue
        record = content[found.body : found.end]
        values = ebml.fields(record)
        if _kind(values) is not None:
            entries.append(_entry(len(entries), record, values))
        if len(entries) > MOST_TRACKS:
            raise NotCopyable(f"more than {MOST_TRACKS} tracks")
    if len({entry.number for entry in entries}) != len(entries):
        raise NotCopyable("two tracks have one number")
    return tuple(entries)


def _kind(values: Mapping[int, bytes]) -> Kind | None:
    return _KINDS.get(_unsigned(values, TYPE)) if CODEC_ID in values else None


def _entry(index: int, record: bytes, values: Mapping[int, bytes]) -> TrackEntry:
    kind = _kind(values) or "other"
    return TrackEntry(
        index=index,
        number=_unsigned(values, NUMBER),
        kind=kind,
        codec_id=ebml.text(values[CODEC_ID]),
        codec_private=values.get(CODEC_PRIVATE, b""),
        default_duration_ns=_unsigned(values, DEFAULT_DURATION),
        codec_delay_ns=_unsigned(values, CODEC_DELAY),
        picture=_picture(ebml.fields(values.get(VIDEO, b""))) if kind == "video" else None,
        sound=_sound(ebml.fields(values.get(AUDIO, b""))) if kind == "audio" else None,
        refusal=_refusal(record, values),
    )


def _refusal(record: bytes, values: Mapping[int, bytes]) -> str:
    if ENCODINGS in values:  # header stripping, compression, encryption: bytes a sample needs do not lie in the file
        return "the track is compressed or encrypted inside its container"
    if TIMESTAMP_SCALE in values and ebml.floating(values[TIMESTAMP_SCALE]) != 1.0:
        return "the track has a clock of its own"
    if _is_bare_dolby_vision(record):
        return "the picture is Dolby Vision alone, whose colours other players show wrong"
    return ""


def _is_bare_dolby_vision(record: bytes) -> bool:
    """Profile 5 and its like: no base layer for others, says the upper half of the configuration's fifth byte."""
    for found in ebml.elements(record, most=ebml.MOST_FIELDS):
        if found.kind == BLOCK_ADDITION_MAPPING:
            mapping = ebml.fields(record, found.body, found.end)
            data = mapping.get(ADDITION_DATA, b"")
            if _unsigned(mapping, ADDITION_TYPE) in DOLBY_VISION and len(data) > 4 and data[4] >> 4 == 0:
                return True
    return False


def _picture(values: Mapping[int, bytes]) -> Picture:
    colour = ebml.fields(values.get(COLOUR, b""))
    shown = _unsigned(values, DISPLAY_UNIT) <= ASPECT_RATIO
    return Picture(
        width=_unsigned(values, PIXEL_WIDTH),
        height=_unsigned(values, PIXEL_HEIGHT),
        display_width=_unsigned(values, DISPLAY_WIDTH) if shown else 0,
        display_height=_unsigned(values, DISPLAY_HEIGHT) if shown else 0,
        primaries=_unsigned(colour, PRIMARIES, UNSPECIFIED),
        transfer=_unsigned(colour, TRANSFER, UNSPECIFIED),
        matrix=_unsigned(colour, MATRIX, UNSPECIFIED),
        full_range=_unsigned(colour, RANGE) == FULL_RANGE,
    )


def _sound(values: Mapping[int, bytes]) -> Sound:
    rate = values.get(SAMPLING_FREQUENCY)
    return Sound(
        sampling_frequency=8000.0 if rate is None else ebml.floating(rate), channels=_unsigned(values, CHANNELS, 1)
    )


def _unsigned(values: Mapping[int, bytes], kind: int, default: int = 0) -> int:
    return ebml.unsigned(values[kind]) if kind in values else default
