"""RFC 6381 codec strings, read from the decoder configuration in an init section.

What is announced is what the decoder will be given: profile, constraints and level come from avcC, hvcC,
av1C or esds, never from what an encoder was asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from vod.containers.boxes import Box, Bytes, body, children, require

ES_DESCRIPTOR, DECODER_CONFIG, DECODER_SPECIFIC = 3, 4, 5  # descriptor tags of ISO/IEC 14496-1
MPEG4_AUDIO = 0x40  # objectTypeIndication: the profile is in the AudioSpecificConfig
ESCAPED_OBJECT_TYPE = 31


def codec_string(init_section: Bytes) -> str:
    """The codec of the one track. Raises ValueError for anything that is not an init section we can name."""
    entries = list(children(init_section, require(init_section, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")))
    if len(entries) != 1:
        raise ValueError(f"an init section describes one track, not {len(entries)}")
    (entry,) = entries
    if entry.kind in _NAMED_BY_ENTRY:
        return entry.kind.decode()
    if entry.kind not in _READERS:
        raise ValueError(f"the codec {entry.kind!r} has no known RFC 6381 name")
    try:
        return _READERS[entry.kind](init_section, entry)
    except IndexError:
        raise ValueError(f"the configuration of {entry.kind!r} is cut off") from None


def _avc(data: Bytes, entry: Box) -> str:
    """avc1.PPCCLL: profile, constraint flags and level, ISO/IEC 14496-15 annex E."""
    profile, constraints, level = _fields(_configuration(data, entry, b"avcC"), 1, 3)
    return f"{entry.kind.decode()}.{profile:02X}{constraints:02X}{level:02X}"


def _hevc(data: Bytes, entry: Box) -> str:
    record = _configuration(data, entry, b"hvcC")
    (first,) = _fields(record, 1, 1)
    space = ("", "A", "B", "C")[first >> 6]
    compatibility = int(f"{int.from_bytes(_fields(record, 2, 4)):032b}"[::-1], 2)  # bits in reverse order
    tier = "H" if first & 0x20 else "L"
    constraints = _fields(record, 6, 6).rstrip(b"\0")  # trailing zero bytes are left out
    parts = [f"{space}{first & 0x1F}", f"{compatibility:X}", f"{tier}{_fields(record, 12, 1)[0]}"]
    return ".".join([entry.kind.decode(), *parts, *(f"{byte:X}" for byte in constraints)])


def _av1(data: Bytes, entry: Box) -> str:
    """av01.P.LLT.DD, and the colour where the sample entry tells it ("Codecs Parameter String" of AV1-ISOBMFF)."""
    sequence, format_bits = _fields(_configuration(data, entry, b"av1C"), 1, 2)
    tier = "H" if format_bits & 0x80 else "M"
    depth = (12 if format_bits & 0x20 else 10) if format_bits & 0x40 else 8
    name = f"av01.{sequence >> 5}.{sequence & 0x1F:02d}{tier}.{depth:02d}"
    chroma = f"{format_bits >> 4 & 1}.{format_bits >> 3 & 1}{format_bits >> 2 & 1}{format_bits & 3}"
    return f"{name}.{chroma}.{colour}" if (colour := _nclx(data, entry)) else name


def _nclx(data: Bytes, entry: Box) -> str:
    """Primaries, transfer, matrix and range of a colr box, "" without one."""
    for child in children(data, entry):
        record = body(data, child)
        if child.kind == b"colr" and record[:4] == b"nclx":
            primaries, transfer, matrix = (int.from_bytes(_fields(record, at, 2)) for at in (4, 6, 8))
            return f"{primaries:02d}.{transfer:02d}.{matrix:02d}.{_fields(record, 10, 1)[0] >> 7}"
    return ""


def _mpeg4_audio(data: Bytes, entry: Box) -> str:
    """mp4a.40.T, T being the audio object type; mp4a.XX where the object itself is no MPEG-4 audio."""
    decoder = _decoder_config(_configuration(data, entry, b"esds"))
    if decoder[0] != MPEG4_AUDIO:
        return f"mp4a.{decoder[0]:02X}"
    specific = _descriptor(decoder[13:], DECODER_SPECIFIC)
    object_type = specific[0] >> 3
    if object_type == ESCAPED_OBJECT_TYPE:
        object_type = 32 + ((specific[0] & 7) << 3 | specific[1] >> 5)
    return f"mp4a.40.{object_type}"


def audio_specific_config(esds: bytes) -> bytes:
    """The AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) in the record of an `esds` box. Raises ValueError."""
    try:
        return _descriptor(_decoder_config(esds)[13:], DECODER_SPECIFIC)
    except IndexError:
        raise ValueError("the configuration of the sound is cut off") from None


def _decoder_config(esds: bytes) -> bytes:
    stream = _descriptor(esds[4:], ES_DESCRIPTOR)
    return _descriptor(stream[3 + _optional_fields_bytes(stream) :], DECODER_CONFIG)


def _optional_fields_bytes(stream: bytes) -> int:
    """An ES descriptor may name a stream it depends on, a URL and a clock."""
    flags = stream[2]
    depends_on = 2 if flags & 0x80 else 0
    url = 1 + stream[3 + depends_on] if flags & 0x40 else 0
    return depends_on + url + (2 if flags & 0x20 else 0)


def _descriptor(data: bytes, tag: int) -> bytes:
    """The payload of the descriptor that starts `data`: a tag, then a length in groups of seven bits."""
    if data[0] != tag:
        raise ValueError(f"descriptor {data[0]} stands where {tag} belongs")
    length = position = 0
    while True:
        position += 1
        length = length << 7 | data[position] & 0x7F
        if not data[position] & 0x80:
            break
    return _fields(data, position + 1, length)


def _configuration(data: Bytes, entry: Box, kind: bytes) -> bytes:
    for child in children(data, entry):
        if child.kind == kind:
            return body(data, child)
    raise ValueError(f"the sample entry {entry.kind!r} has no {kind.decode()} box")


def _fields(record: bytes, start: int, length: int) -> bytes:
    if start + length > len(record):
        raise ValueError(f"{start + length} bytes are needed of a record of {len(record)}")
    return record[start : start + length]


_NAMED_BY_ENTRY = frozenset({b"ac-3", b"ec-3", b"Opus", b"fLaC"})
_READERS: dict[bytes, Callable[[Bytes, Box], str]] = {
    b"avc1": _avc,
    b"avc3": _avc,
    b"hvc1": _hevc,
    b"hev1": _hevc,
    b"av01": _av1,
    b"mp4a": _mpeg4_audio,
}
