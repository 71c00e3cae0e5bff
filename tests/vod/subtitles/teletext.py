"""Teletext subtitles as broadcasts have them (ETS 300 706; in a transport stream by EN 300 472): no encoder does."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from vod.hls.mpegts import CLOCK, PACKET_BYTES, Stream, Unit, transport_segment

PID = 0x102
PRIVATE_DATA, PRIVATE_STREAM = 0x06, 0xBD  # stream type and stream id
PAGE = 0x88  # of magazine 8, which is sent as 0
SUBTITLE_PAGE = 2  # teletext_type
HAMMING = (0x15, 0x02, 0x49, 0x5E, 0x64, 0x73, 0x38, 0x2F, 0xD0, 0xC7, 0x8C, 0x9B, 0xA1, 0xB6, 0xFD, 0xEA)
FRAMING_CODE, DATA_IDENTIFIER, SUBTITLE_UNIT, UNIT_BYTES = 0xE4, 0x10, 0x03, 44
STUFFING_UNIT = 0xFF
UNITS = 3  # with a header of 45 bytes they are two packets (EN 300 472 §4.2)
ROW_CHARACTERS, HEADER_CHARACTERS = 40, 32
START_BOX, END_BOX = "\x0b\x0b", "\x0a\x0a"
ROW = 22
# control bits: what was there is erased (C4), this is a subtitle (C6), its header is not shown (C7)
ERASE, SUBTITLE, HEADERLESS = 0x8, 0x8, 0x1


def broadcast(cues: Sequence[tuple[float, float, str]]) -> bytes:
    """A transport stream of teletext alone, from zero on: page 888, with these lines from and until these seconds."""
    pages = [page for start, end, text in cues for page in ((start, text), (end, ""))]
    times = [(round(CLOCK * seconds), text) for seconds, text in ((0, ""), *pages)]
    units = [Unit(decoded=time, ends=time, shown=time, data=_page(text)) for time, text in times]
    content = transport_segment(0, [Stream(pid=PID, kind=PRIVATE_DATA, identity=PRIVATE_STREAM, units=units)])
    return content[:PACKET_BYTES] + _announced(content[PACKET_BYTES : 2 * PACKET_BYTES]) + content[2 * PACKET_BYTES :]


def _page(text: str) -> bytes:
    """Its header, its line, and the header of another page, which ends it."""
    header = _header(PAGE, ERASE, SUBTITLE, HEADERLESS)
    rows = [_packet(ROW, _characters(START_BOX + text + END_BOX, ROW_CHARACTERS))] if text else []
    units = [_unit(packet) for packet in (header, *rows, _header(0xFF))]
    units += [bytes([STUFFING_UNIT, UNIT_BYTES]) + b"\xff" * UNIT_BYTES] * (UNITS - len(units))
    return bytes([DATA_IDENTIFIER]) + b"".join(units)


def _unit(packet: bytes) -> bytes:
    # both reserved bits, first field, line 7; every byte is sent with its lowest bit first
    return bytes([SUBTITLE_UNIT, UNIT_BYTES, 0xE7, FRAMING_CODE]) + bytes(
        int(f"{byte:08b}"[::-1], 2) for byte in packet
    )


def _header(page: int, erase: int = 0, subtitle: int = 0, headerless: int = 0) -> bytes:
    # page units and tens, four subcodes of which two hold control bits, then two more of those
    digits = (page & 0xF, page >> 4, 0, erase, 0, subtitle, headerless, 0)
    return _packet(0, bytes(HAMMING[digit] for digit in digits) + _characters("", HEADER_CHARACTERS))


def _packet(number: int, content: bytes) -> bytes:
    """Of magazine 8."""
    return bytes([HAMMING[(number & 1) << 3], HAMMING[number >> 1]]) + content


def _characters(text: str, count: int) -> bytes:
    return bytes(code | (0x80 if code.bit_count() % 2 == 0 else 0) for code in text.ljust(count).encode("ascii"))


def _announced(packet: bytes) -> bytes:
    """The program map with a descriptor of teletext in English (EN 300 468 §6.2.43)."""
    descriptor = bytes([0x56, 5]) + b"eng" + bytes([SUBTITLE_PAGE << 3, PAGE])
    head, section = packet[:5], packet[5:]
    size = struct.unpack(">H", section[1:3])[0] & 0xFFF
    body = section[: 3 + size - 4]
    body = body[:-2] + struct.pack(">H", 0xF000 | len(descriptor)) + descriptor
    body = body[:1] + struct.pack(">H", 0xB000 | len(body) - 3 + 4) + body[3:]
    return (head + body + struct.pack(">I", _crc(body))).ljust(PACKET_BYTES, b"\xff")


def _crc(data: Iterable[int]) -> int:
    """CRC-32/MPEG-2."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc
