"""A transport stream holds the same pictures and sound at the same times, and each of its segments stands alone."""

from __future__ import annotations

import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vod.hls.copied import BASE, Copied, copy_pictures, copy_sound, fetched, frames, original, write_copy
from tests.vod.hls.media import init, mp4a_entry, segment
from vod.hls.mpegts import (
    CLOCK,
    COUNTERS,
    DELAY,
    HAS_ADAPTATION,
    HAS_BODY,
    HAS_CLOCK,
    PACKET_BYTES,
    PAT_PID,
    PICTURE_PID,
    PMT_PID,
    SOUND_PID,
    Unit,
    gathered,
    picture_stream,
    sound_stream,
    transport_segment,
)
from vod.hls.transport import Part, mux, transport_cues
from vod.subtitles.cues import Cue
from vod.subtitles.webvtt import render_segment

HALF_A_TICK = Fraction(1, 2 * CLOCK)
LATER = Fraction(DELAY, CLOCK)
LARGEST_GAP = CLOCK // 10  # ISO/IEC 13818-1 §2.7.2
CLOCK_VALUES = 1 << 33


def part(path: Path, copied: Copied, number: int) -> Part:
    return Part(init_section=copied.init, segments=[fetched(path, copied.segments[number])])


def segments_of(path: Path, *renditions: Copied) -> list[bytes]:
    count = len(renditions[0].segments)
    return [mux(number, [part(path, copied, number) for copied in renditions]) for number in range(count)]


def streams_of(name: str, of: str) -> list[bytes]:
    path = original(name)
    renditions = [*([] if of == "sound" else [copy_pictures(path)]), *([] if of == "pictures" else [copy_sound(path)])]
    return segments_of(path, *renditions)


def packets(content: bytes) -> list[bytes]:
    assert len(content) % PACKET_BYTES == 0
    found = [content[at : at + PACKET_BYTES] for at in range(0, len(content), PACKET_BYTES)]
    assert {packet[0] for packet in found} == {0x47}
    return found


def pid_of(packet: bytes) -> int:
    return (packet[1] & 0x1F) << 8 | packet[2]


def counters(content: bytes, pid: int) -> list[int]:
    """Of its packets with a payload: others do not count."""
    return [packet[3] & 0xF for packet in packets(content) if pid_of(packet) == pid and packet[3] & HAS_BODY]


class Clocked(NamedTuple):
    """What a decoder that is fed by the clock reads: references, and what is decoded when, in their order."""

    kind: Literal["reference", "decoded"]
    ticks: int


def clocked(content: bytes) -> list[Clocked]:
    found = []
    for packet in packets(content):
        if packet[3] & HAS_ADAPTATION and packet[4] and packet[5] & HAS_CLOCK:
            high, low = struct.unpack(">IH", packet[6:12])
            found.append(Clocked("reference", high << 1 | low >> 15))
        if pid_of(packet) in {PICTURE_PID, SOUND_PID} and packet[1] & 0x40:
            unit = packet[5 + packet[4] :] if packet[3] & HAS_ADAPTATION else packet[4:]
            at = 14 if unit[7] & 0x40 else 9
            found.append(Clocked("decoded", ticks_of(unit[at : at + 5])))
    return found


def ticks_of(field: bytes) -> int:
    high, middle, low = field[0], int.from_bytes(field[1:3]), int.from_bytes(field[3:5])
    return (high >> 1 & 7) << 30 | middle >> 1 << 15 | low >> 1


def references(content: bytes) -> list[int]:
    return [one.ticks for one in clocked(content) if one.kind == "reference"]


def unit(at: int, *, lasts: int = 1, data: bytes = b"") -> Unit:
    return Unit(decoded=at, ends=at + lasts, shown=at, data=data)


@pytest.mark.parametrize("name", [BASE, "no-b-frames.mp4", "late-picture.mp4", "fragments.mp4"])
def test_every_picture_is_there_at_its_time(name: str, tmp_path: Path) -> None:
    path = original(name)
    pictures = copy_pictures(path)
    copy = write_copy(path, pictures, tmp_path / "copy.mp4")
    stream = tmp_path / "film.ts"
    stream.write_bytes(b"".join(segments_of(path, pictures)))
    found, expected = frames(stream, "v"), frames(copy, "v")
    assert [frame.digest for frame in found] == [frame.digest for frame in expected]
    errors = [abs(one.seconds - LATER - other.seconds) for one, other in zip(found, expected, strict=True)]
    assert max(errors) <= HALF_A_TICK


def test_all_sound_is_there_at_its_time(tmp_path: Path) -> None:
    path = original(BASE)
    sound = copy_sound(path)
    copy = write_copy(path, sound, tmp_path / "copy.mp4")
    stream = tmp_path / "film.ts"
    stream.write_bytes(b"".join(segments_of(path, copy_pictures(path), sound)))
    found, expected = frames(stream, "a"), frames(copy, "a")
    assert [frame.digest for frame in found] == [frame.digest for frame in expected]
    # several frames share a time stamp, and whoever reads them counts on from it
    errors = [abs(one.seconds - LATER - other.seconds) for one, other in zip(found, expected, strict=True)]
    assert max(errors) <= Fraction(1, 1000)


def test_every_segment_can_be_decoded_alone(tmp_path: Path) -> None:
    path = original(BASE)
    found = []
    for number, content in enumerate(segments_of(path, copy_pictures(path), copy_sound(path))):
        alone = tmp_path / f"{number}.ts"
        alone.write_bytes(content)
        found += frames(alone, "v")
    assert [frame.digest for frame in found] == [frame.digest for frame in frames(path, "v")]


def test_every_segment_begins_with_its_tables() -> None:
    path = original(BASE)
    for number, content in enumerate(segments_of(path, copy_pictures(path), copy_sound(path))):
        first, second, third, *_ = packets(content)
        assert [pid_of(first), pid_of(second)] == [PAT_PID, PMT_PID]
        assert [first[3] & 0xF, second[3] & 0xF] == [number % COUNTERS] * 2
        assert pid_of(third) in {PICTURE_PID, SOUND_PID}


def test_counters_go_on_from_segment_to_segment() -> None:
    """Otherwise players would take every seam for a loss."""
    path = original(BASE)
    whole = b"".join(segments_of(path, copy_pictures(path), copy_sound(path)))
    for pid in (PAT_PID, PMT_PID, PICTURE_PID, SOUND_PID):
        assert all((earlier + 1) % COUNTERS == later for earlier, later in pairwise(counters(whole, pid)))


@given(sizes=st.lists(st.integers(30, 3000), min_size=1, max_size=40), gap=st.sampled_from([1, 3600, 40_000]))
def test_every_stream_has_whole_rounds_of_counters_whatever_its_units_are(sizes: list[int], gap: int) -> None:
    units = [unit(at * gap, lasts=gap, data=bytes([at & 0xFF]) * size) for at, size in enumerate(sizes)]
    content = transport_segment(0, [picture_stream(units), sound_stream(units)])
    for pid in (PICTURE_PID, SOUND_PID):
        assert counters(content, pid) == [n % COUNTERS for n in range(len(counters(content, pid)))]
        assert len(counters(content, pid)) % COUNTERS == 0


def test_frames_of_sound_share_a_unit() -> None:
    frame = unit(0, data=bytes(1000))
    assert [len(unit.data) for unit in gathered([frame] * 5)] == [2000, 2000, 1000]
    assert gathered([]) == []


def test_frames_of_little_sound_share_a_unit_for_a_fifth_of_a_second_at_most() -> None:
    frames = [unit(at, lasts=1920, data=bytes(50)) for at in range(0, 57_600, 1920)]
    found = gathered(frames)
    assert max(one.ends - one.decoded for one in found) <= CLOCK // 5
    assert (found[0].decoded, found[-1].ends) == (0, 57_600)


STREAMS = [
    pytest.param(BASE, "both", id="pictures and sound"),
    pytest.param(BASE, "sound", id="sound alone"),
    pytest.param(BASE, "pictures", id="pictures alone"),
    pytest.param("slow.mp4", "pictures", id="a picture a second"),
    pytest.param("late-picture.mp4", "pictures", id="pictures that begin late"),
    pytest.param("vfr.mp4", "pictures", id="pictures at any time"),
]


@pytest.mark.parametrize(("name", "of"), STREAMS)
def test_its_clock_never_stands_still_for_a_tenth_of_a_second_nor_goes_back(name: str, of: str) -> None:
    found = references(b"".join(streams_of(name, of)))
    assert max(later - earlier for earlier, later in pairwise(found)) <= LARGEST_GAP
    assert found == sorted(found)


@pytest.mark.parametrize(("name", "of"), STREAMS)
def test_everything_arrives_before_it_is_decoded_and_no_second_too_soon(name: str, of: str) -> None:
    last = 0
    for one in clocked(b"".join(streams_of(name, of))):
        if one.kind == "reference":
            last = one.ticks
        else:
            assert DELAY - LARGEST_GAP <= one.ticks - last <= DELAY + LARGEST_GAP


def test_its_clock_goes_on_where_sound_is_left_at_the_end() -> None:
    """The last segment takes what there is."""
    pictures = picture_stream([unit(at, lasts=3600, data=bytes(999)) for at in range(0, 36_000, 3600)])
    sound = sound_stream([unit(at, lasts=15_000, data=bytes(999)) for at in range(0, 300_000, 15_000)])
    found = references(transport_segment(0, [pictures, sound]))
    assert max(later - earlier for earlier, later in pairwise(found)) <= LARGEST_GAP
    assert 285_000 - LARGEST_GAP <= found[-1] <= 285_000


def test_packets_of_the_clock_alone_repeat_the_counter_before_them() -> None:
    content = b"".join(streams_of("slow.mp4", "pictures"))
    before, alone = COUNTERS - 1, 0
    for packet in packets(content):
        if pid_of(packet) == PICTURE_PID:
            alone += 0 if packet[3] & HAS_BODY else 1
            before = (before + 1) % COUNTERS if packet[3] & HAS_BODY else before
            assert packet[3] & 0xF == before
    assert alone > 100


def test_times_begin_again_where_33_bits_end() -> None:
    """After 26 and a half hours (§2.4.3.7)."""
    begin = CLOCK_VALUES - DELAY - 3600
    content = transport_segment(
        0, [picture_stream([unit(begin + n * 3600, lasts=3600, data=bytes(999)) for n in range(30)])]
    )
    found = clocked(content)
    expected = [(begin + n * 3600 + later) % CLOCK_VALUES for n in range(30) for later in (0, DELAY)]
    assert [one.ticks for one in found] == expected


def test_cues_are_moved_as_far_as_pictures_and_sound() -> None:
    moved = transport_cues(render_segment([(0, Cue(start_ms=1000, end_ms=2000, text="MPEGTS:0"))]).encode())
    assert moved.decode() == (
        f"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{DELAY},LOCAL:00:00:00.000\n\n0\n00:00:01.000 --> 00:00:02.000\nMPEGTS:0\n"
    )


def test_a_segment_without_sound_is_one_all_the_same(tmp_path: Path) -> None:
    """Sound may end earlier than pictures."""
    path = original(BASE)
    pictures, sound = copy_pictures(path), copy_sound(path)
    content = mux(0, [part(path, pictures, 0), Part(init_section=sound.init, segments=[])])
    (tmp_path / "0.ts").write_bytes(content)
    assert len(frames(tmp_path / "0.ts", "v")) == 150
    assert not counters(content, SOUND_PID)


def test_pictures_that_it_has_no_words_for_are_refused() -> None:
    path = original("hev1.mp4")
    with pytest.raises(ValueError, match="hvc1"):
        segments_of(path, copy_pictures(path))


@pytest.mark.parametrize(
    "config", [b"\x17\x90", b"\x11\x80", b"\x11\x94", b"\x11"], ids=["rate", "channels", "short frames", "cut off"]
)
def test_sound_that_it_has_no_words_for_is_refused(config: bytes) -> None:
    with pytest.raises(ValueError, match="sound"):
        mux(0, [Part(init_section=init(mp4a_entry(config)), segments=[segment(0)])])


def test_a_sample_that_is_no_row_of_nal_units_is_refused() -> None:
    path = original(BASE)
    with pytest.raises(ValueError, match="NAL"):
        mux(0, [Part(init_section=copy_pictures(path).init, segments=[segment(0, media=b"\xff" * 6)])])
