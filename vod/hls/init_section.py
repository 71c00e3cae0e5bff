"""The init section (EXT-X-MAP) of a rendition, made from the codec's parameters and the plan alone.

Every worker must write the same bytes (hls-rules.md rule 22), so only the sample entry (avcC, esds) is taken from
ffmpeg's `moov`, or from the original where its samples are handed on. There is no edit list: time 0 of the track is
time 0 of the film (design.md section 2, rule 2).

Box layouts: ISO/IEC 14496-12 §8.2-8.8.
"""

from __future__ import annotations

import struct

from vod.containers import boxes
from vod.containers.boxes import box, full_box
from vod.containers.samples import Track
from vod.hls.fragments import TRACK_ID
from vod.hls.sample_entry import player_entry, shown_size

IDENTITY_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
UNDETERMINED_LANGUAGE = 0x55C4  # "und", packed as three 5-bit letters
TRACK_ENABLED_IN_MOVIE = 3
FULL_VOLUME = 0x100


def init_section(moov: bytes, timescale: int, duration_ticks: int) -> bytes:
    """`moov` is ffmpeg's, with a single track. Raises ValueError where it lacks a box."""
    size = boxes.body(moov, boxes.require(moov, b"moov", b"trak", b"tkhd"))[-8:]  # width, height: 16.16
    return _init_section(_handler(moov), size, _sample_description(moov), timescale, duration_ticks)


def copied_init_section(track: Track, timescale: int, duration_ticks: int) -> bytes:
    """Of a track whose samples are handed on as they are. Raises ValueError where its sample entry is unusable."""
    entry = player_entry(track)
    kind, size = (b"vide", shown_size(entry)) if track.kind == "video" else (b"soun", bytes(8))
    stsd = full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry)
    return _init_section(kind, size, stsd, timescale, duration_ticks)


def _init_section(kind: bytes, size: bytes, stsd: bytes, timescale: int, duration_ticks: int) -> bytes:
    return box(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6cmfcmp41") + box(
        b"moov",
        _movie_header(timescale),
        box(b"trak", _track_header(kind, size), _media(kind, stsd, timescale)),
        box(
            b"mvex",
            full_box(b"mehd", 1, 0, struct.pack(">Q", duration_ticks)),
            full_box(b"trex", 0, 0, struct.pack(">5I", TRACK_ID, 1, 0, 0, 0)),
        ),
    )


def _movie_header(timescale: int) -> bytes:
    times_rate_volume = struct.pack(">4IIH10x", 0, 0, timescale, 0, 0x10000, FULL_VOLUME)
    return full_box(b"mvhd", 0, 0, times_rate_volume, IDENTITY_MATRIX, bytes(24), struct.pack(">I", TRACK_ID + 1))


def _track_header(kind: bytes, size: bytes) -> bytes:
    volume = 0 if kind == b"vide" else FULL_VOLUME
    fields = struct.pack(">5I8xHHHH", 0, 0, TRACK_ID, 0, 0, 0, 0, volume, 0)
    return full_box(b"tkhd", 0, TRACK_ENABLED_IN_MOVIE, fields, IDENTITY_MATRIX, size)


def _media(kind: bytes, stsd: bytes, timescale: int) -> bytes:
    return box(
        b"mdia",
        full_box(b"mdhd", 0, 0, struct.pack(">4IHH", 0, 0, timescale, 0, UNDETERMINED_LANGUAGE, 0)),
        full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, kind), b"Homereel\0"),
        box(
            b"minf",
            full_box(b"vmhd", 0, 1, bytes(8)) if kind == b"vide" else full_box(b"smhd", 0, 0, bytes(4)),
            box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1))),
            box(b"stbl", stsd, *_empty_tables()),
        ),
    )


def _handler(moov: bytes) -> bytes:
    return boxes.body(moov, boxes.require(moov, b"moov", b"trak", b"mdia", b"hdlr"))[8:12]


def _sample_description(moov: bytes) -> bytes:
    stsd = boxes.require(moov, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    return moov[stsd.start : stsd.end]


def _empty_tables() -> tuple[bytes, ...]:
    return (
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )
