"""From segments of fragmented MP4 to those of a transport stream: the same samples, framed as decoders of it expect.

Pure. H.264 byte stream: ITU-T H.264 annex B; configuration: ISO/IEC 14496-15 §5.3.3; ADTS: ISO/IEC 14496-3 §1.A.2.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vod.containers import boxes
from vod.hls.codecs import audio_specific_config, codec_string
from vod.hls.copyable_codecs import nal_units, parameter_sets
from vod.hls.fragments import SampleDefaults, SampleEntry, media_timescale, read_entries
from vod.hls.mpegts import CLOCK, DELAY, Stream, Unit, gathered, picture_stream, sound_stream, transport_segment
from vod.subtitles.webvtt import TIMESTAMP_MAP, timestamp_map

START_CODE = b"\0\0\0\1"
DELIMITER = START_CODE + b"\x09\xf0"  # any kind of picture follows; Apple's players want one before each
DELIMITER_TYPE = 9
ADTS_HEADER_BYTES = 7
LARGEST_ADTS_FRAME = (1 << 13) - 1
NO_BUFFER_TOLD = 0x7FF
SHORT_FRAMES, DEPENDS_ON_CORE = 0b100, 0b010  # bits of a GASpecificConfig
STBL = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One rendition's init section, and those of its segments that belong into the transport segment."""

    init_section: bytes
    segments: Sequence[bytes]


def mux(number: int, parts: Sequence[Part]) -> bytes:
    """Transport segment `number`, of pictures, sound or both. Raises ValueError for what cannot be carried."""
    streams = sorted((_stream(part) for part in parts), key=lambda stream: stream.pid)
    return transport_segment(number, streams)


def transport_cues(segment: bytes) -> bytes:
    """A WebVTT segment of ours, its clock moved as far as that of pictures and sound (RFC 8216 §3.5)."""
    return segment.replace(TIMESTAMP_MAP.encode(), timestamp_map(DELAY).encode(), 1)


def _stream(part: Part) -> Stream:
    codec = codec_string(part.init_section)
    if codec.startswith("avc1."):
        pictures = _Pictures.of(part.init_section)
        return picture_stream([unit for content in part.segments for unit in pictures.units(content)])
    if not codec.startswith("mp4a.40."):
        raise ValueError(f"{codec} is not carried")
    sound = _Sound.of(part.init_section)
    return sound_stream(gathered([unit for content in part.segments for unit in sound.units(content)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pictures:
    timescale: int
    defaults: SampleDefaults
    length_bytes: int
    parameter_sets: bytes

    @classmethod
    def of(cls, init_section: bytes) -> _Pictures:
        record = _configuration(init_section, b"avc1", b"avcC")
        sets = b"".join(START_CODE + unit for unit in parameter_sets(record))
        return cls(
            timescale=media_timescale(init_section),
            defaults=SampleDefaults.of_init_section(init_section),
            length_bytes=(_byte(record, 4) & 3) + 1,
            parameter_sets=sets,
        )

    def units(self, segment: bytes) -> Iterator[Unit]:
        for entry, data in _samples(segment, self.defaults):
            units = [unit for unit in nal_units(data, self.length_bytes) if unit[0] & 0x1F != DELIMITER_TYPE]
            sets = self.parameter_sets if entry.sync else b""
            content = b"".join((DELIMITER, sets, *(START_CODE + unit for unit in units)))
            yield _unit(entry, self.timescale, content)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    timescale: int
    defaults: SampleDefaults
    profile: int  # object type less one
    rate: int  # its index
    channels: int

    @classmethod
    def of(cls, init_section: bytes) -> _Sound:
        config = audio_specific_config(_configuration(init_section, b"mp4a", b"esds"))
        if len(config) < 2:
            raise ValueError("the configuration of the sound is cut off")
        (bits,) = struct.unpack(">H", config[:2])
        profile, rate, channels = (bits >> 11) - 1, bits >> 7 & 0xF, bits >> 3 & 0xF
        # nor for short frames, or sound that depends on a core coder's
        if not (0 <= profile <= 3 and rate < 13 and 1 <= channels <= 7) or bits & (SHORT_FRAMES | DEPENDS_ON_CORE):
            raise ValueError("ADTS has no words for this sound")
        return cls(
            timescale=media_timescale(init_section),
            defaults=SampleDefaults.of_init_section(init_section),
            profile=profile,
            rate=rate,
            channels=channels,
        )

    def units(self, segment: bytes) -> Iterator[Unit]:
        for entry, data in _samples(segment, self.defaults):
            # no stereo frame is as large; better one is missing than the film ends there
            if len(data) + ADTS_HEADER_BYTES <= LARGEST_ADTS_FRAME:
                yield _unit(entry, self.timescale, self._header(len(data)) + data)

    def _header(self, size: int) -> bytes:
        size += ADTS_HEADER_BYTES
        # sync word, MPEG-4, no checksum; the fields; one frame
        fields = self.profile << 38 | self.rate << 34 | self.channels << 30 | size << 13 | NO_BUFFER_TOLD << 2
        return b"\xff\xf1" + fields.to_bytes(5)


def _unit(entry: SampleEntry, timescale: int, data: bytes) -> Unit:
    times = (entry.decode_time, entry.end, entry.time)
    decoded, ends, shown = ((2 * time * CLOCK + timescale) // (2 * timescale) for time in times)
    return Unit(decoded=decoded, ends=ends, shown=shown, data=data, starts=entry.sync)


def _samples(segment: bytes, defaults: SampleDefaults) -> Iterator[tuple[SampleEntry, bytes]]:
    moof = boxes.require(segment, b"moof")
    for entry in read_entries(segment[moof.start : moof.end], defaults):
        start = moof.start + entry.offset
        if start < moof.end or start + entry.size > len(segment):
            raise ValueError("a sample lies outside its segment")
        yield entry, segment[start : start + entry.size]


def _configuration(init_section: bytes, entry: bytes, kind: bytes) -> bytes:
    return boxes.body(init_section, boxes.require(init_section, *STBL, entry, kind))


def _byte(record: bytes, position: int) -> int:
    if position >= len(record):
        raise ValueError("a decoder configuration is cut off")
    return record[position]
