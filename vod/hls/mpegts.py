"""MPEG transport streams: a segment's pictures and sound in packets of 188 bytes, for players without fragmented MP4.

Pure. Layout: ISO/IEC 13818-1 §2.4; what HLS asks of it: RFC 8216 §3.2. Every segment begins with its own tables and is
made alone, by whoever is asked for it. Continuity counters go on across segments all the same (RFC 8216 §4.3.2.3 would
have a discontinuity): of the tables each segment has one packet, so the counter is the segment's number, and of every
stream it has a multiple of sixteen, for its largest unit is spread over a few packets more. Packets that hold the clock
alone count for nothing (§2.4.3.3).

The program clock is the film's own time; pictures and sound are due `DELAY` later on it. A segment's clock ends before
the next one's begins, for each counts from its first picture, which is decoded at the cut.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import pairwise

PACKET_BYTES = 188
BODY_BYTES = 184
SYNC_BYTE = 0x47
CLOCK = 90_000  # ticks a second of every time here
CLOCK_BITS = 33
# What a box that is fed by the clock has to gather a picture before it is decoded, as of ffmpeg's muxer. Sound may not
# wait for a second (§2.4.2.6), and one unit of it lasts 0.2 s.
DELAY = 63_000
CLOCK_GAP = 8_100  # at most, between two clock references; §2.7.2 allows 9,000
COUNTERS = 16
PROGRAM = 1
PAT_PID, PMT_PID, PICTURE_PID, SOUND_PID = 0, 0x1000, 0x100, 0x101
H264, ADTS = 0x1B, 0x0F  # stream types
PICTURE_STREAM, SOUND_STREAM = 0xE0, 0xC0  # stream ids
BEGINS_UNIT = 0x4000
HAS_BODY, HAS_ADAPTATION = 0x10, 0x20
RANDOM_ACCESS, HAS_CLOCK = 0x40, 0x10
CLOCK_FIELD_BYTES = 8  # length, flags and the program clock reference
# Sound frames in one unit: as many as come in about 0.2 s, so that headers weigh little
SOUND_UNIT_BYTES = 2800
SOUND_UNIT_TICKS = 18_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One access unit, or some frames of sound. Times of the film, on `CLOCK`."""

    decoded: int
    ends: int  # when the next one is decoded
    shown: int
    data: bytes
    starts: bool = False  # a decoder can start here


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    pid: int
    kind: int  # stream type
    identity: int  # stream id
    units: Sequence[Unit]


def picture_stream(units: Sequence[Unit]) -> Stream:
    return Stream(pid=PICTURE_PID, kind=H264, identity=PICTURE_STREAM, units=units)


def sound_stream(units: Sequence[Unit]) -> Stream:
    return Stream(pid=SOUND_PID, kind=ADTS, identity=SOUND_STREAM, units=units)


def gathered(frames: Sequence[Unit]) -> list[Unit]:
    """Frames of sound, several to a unit."""
    edges, size = [0], 0
    for position, frame in enumerate(frames):
        lasts = frame.ends - frames[edges[-1]].decoded
        if size and (size + len(frame.data) > SOUND_UNIT_BYTES or lasts > SOUND_UNIT_TICKS):
            edges.append(position)
            size = 0
        size += len(frame.data)
    edges.append(len(frames))
    return [
        Unit(
            decoded=frames[first].decoded,
            ends=frames[stop - 1].ends,
            shown=frames[first].shown,
            data=b"".join(frame.data for frame in frames[first:stop]),
            starts=True,
        )
        for first, stop in pairwise(edges)
        if first < stop
    ]


def transport_segment(number: int, streams: Sequence[Stream]) -> bytes:
    """A whole segment; the first stream carries the clock. Streams without units are announced all the same."""
    tables = (_table_packet(PAT_PID, number, _pat()), _table_packet(PMT_PID, number, _pmt(streams)))
    clocked, *others = streams
    packets = merge(_with_clock(clocked, _clock_end(streams)), *map(_packets, others), key=_time_of)
    return b"".join((*tables, *(content for _, content in packets)))


def _time_of(timed: tuple[int, bytes]) -> int:
    return timed[0]


def _clock_end(streams: Sequence[Stream]) -> int:
    """Where the first stream ends. At the film's end sound may go on; elsewhere no unit of it begins later."""
    clocked, *others = (stream.units[-1:] for stream in streams)
    return max([*(unit.ends for unit in clocked), *(unit.decoded for units in others for unit in units)], default=0)


def _with_clock(stream: Stream, end: int) -> Iterator[tuple[int, bytes]]:
    """As `_packets`, with further clock references where those of the units are too far apart."""
    counter, last = 0, stream.units[0].decoded if stream.units else end
    for time, content in _packets(stream, clocked=True):
        yield from _references(stream.pid, counter, last, time)
        yield time, content
        counter, last = counter + len(content) // PACKET_BYTES, time
    yield from _references(stream.pid, counter, last, end)


def _references(pid: int, counter: int, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Evenly between two times. They repeat the last counter, for they have no payload."""
    count = -((begin - end) // CLOCK_GAP)
    head = struct.pack(">BHBB", SYNC_BYTE, pid, HAS_ADAPTATION | (counter - 1) % COUNTERS, BODY_BYTES - 1)
    for number in range(1, count):
        time = begin + (end - begin) * number // count
        yield time, head + _clock_field(time, starts=False).ljust(BODY_BYTES - 1, b"\xff")


def _packets(stream: Stream, *, clocked: bool = False) -> Iterator[tuple[int, bytes]]:
    """For each unit when it is decoded, and its packets."""
    units = [_elementary(stream, unit) for unit in stream.units]
    counts = [_count(len(unit), clocked=clocked) for unit in units]
    largest = max(range(len(units)), key=counts.__getitem__, default=0)
    more = -sum(counts) % COUNTERS
    counter = 0
    for position, (unit, content, count) in enumerate(zip(stream.units, units, counts, strict=True)):
        spread = count + (more if position == largest else 0)
        clock = unit.decoded if clocked else None
        yield unit.decoded, _split(stream.pid, content, spread, counter, clock, starts=unit.starts)
        counter += spread


def _count(size: int, *, clocked: bool) -> int:
    """How many packets it takes at least."""
    first = BODY_BYTES - CLOCK_FIELD_BYTES if clocked else BODY_BYTES
    return 1 + max(0, -(-(size - first) // BODY_BYTES))


def _split(pid: int, content: bytes, count: int, counter: int, clock: int | None, *, starts: bool) -> bytes:
    """`count` packets, of which the first has the clock."""
    packets: list[bytes] = []
    position = 0
    head, field = pid | BEGINS_UNIT, _clock_field(clock, starts=starts)
    for size in _body_sizes(len(content), count, clocked=clock is not None):
        packets.append(_packet(head, counter + len(packets), content[position : position + size], field))
        head, field, position = pid, b"", position + size
    return b"".join(packets)


def _body_sizes(size: int, count: int, *, clocked: bool) -> list[int]:
    """Full ones, or where there are more packets than it takes, none empty."""
    room = BODY_BYTES - CLOCK_FIELD_BYTES if clocked else BODY_BYTES
    if count == _count(size, clocked=clocked):
        first = min(room, size)
        full, rest = divmod(size - first, BODY_BYTES)
        return [first, *([BODY_BYTES] * full), *([rest] if rest else [])]
    first = min(room, -(-size // count))
    share, over = divmod(size - first, count - 1)
    return [first, *([share + 1] * over), *([share] * (count - 1 - over))]


def _clock_field(clock: int | None, *, starts: bool) -> bytes:
    """What stands in an adaptation field behind its length."""
    if clock is None:
        return b""
    flags = HAS_CLOCK | (RANDOM_ACCESS if starts else 0)
    # 33 bits of the base, 6 that are reserved, 9 of the extension, which is 0
    return struct.pack(">BIH", flags, clock >> 1 & 0xFFFFFFFF, (clock & 1) << 15 | 0x7E00)


def _packet(head: int, counter: int, body: bytes, field: bytes) -> bytes:
    control = HAS_BODY | counter % COUNTERS
    stuffing = BODY_BYTES - len(body)
    if not stuffing:
        return struct.pack(">BHB", SYNC_BYTE, head, control) + body
    field = field or (b"\0" if stuffing > 1 else b"")
    padding = b"\xff" * (stuffing - 1 - len(field))
    return struct.pack(">BHBB", SYNC_BYTE, head, control | HAS_ADAPTATION, stuffing - 1) + field + padding + body


def _elementary(stream: Stream, unit: Unit) -> bytes:
    """A PES packet (§2.4.3.6)."""
    shown, decoded = unit.shown + DELAY, unit.decoded + DELAY
    times = _time(2, shown) if decoded == shown else _time(3, shown) + _time(1, decoded)
    size = 3 + len(times) + len(unit.data)
    # a picture may be longer than the field can tell: 0 says that it ends where the next begins
    told = size if stream.identity == SOUND_STREAM else 0
    flags = 0x80 if len(times) == 5 else 0xC0
    # marker bits and "a unit begins here"; which times there are; their bytes
    return b"\0\0\1" + struct.pack(">BHBBB", stream.identity, told, 0x84, flags, len(times)) + times + unit.data


def _time(prefix: int, ticks: int) -> bytes:
    """33 bits between marker bits."""
    ticks &= (1 << CLOCK_BITS) - 1
    high, middle, low = ticks >> 30, ticks >> 15 & 0x7FFF, ticks & 0x7FFF
    return struct.pack(">BHH", prefix << 4 | high << 1 | 1, middle << 1 | 1, low << 1 | 1)


def _table_packet(pid: int, number: int, section: bytes) -> bytes:
    body = b"\0" + section  # the section begins at once
    head = struct.pack(">BHB", SYNC_BYTE, pid | BEGINS_UNIT, HAS_BODY | number % COUNTERS)
    return head + body + b"\xff" * (BODY_BYTES - len(body))


def _pat() -> bytes:
    return _section(0, PROGRAM, struct.pack(">HH", PROGRAM, 0xE000 | PMT_PID))


def _pmt(streams: Sequence[Stream]) -> bytes:
    entries = (struct.pack(">BHH", stream.kind, 0xE000 | stream.pid, 0xF000) for stream in streams)
    return _section(2, PROGRAM, struct.pack(">HH", 0xE000 | streams[0].pid, 0xF000) + b"".join(entries))


def _section(table: int, identity: int, content: bytes) -> bytes:
    # version 0, current; section 0 of 0
    section = struct.pack(">BHHBBB", table, 0xB000 | 5 + len(content) + 4, identity, 0xC1, 0, 0) + content
    return section + struct.pack(">I", _crc(section))


def _crc(data: bytes) -> int:
    """CRC-32/MPEG-2 (§2.4.4.2, annex A)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc
