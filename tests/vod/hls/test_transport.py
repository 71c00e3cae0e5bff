"""A transport stream holds the same pictures and sound at the same times, and each of its segments stands alone."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vod.hls.copied import BASE, Copied, copy_pictures, copy_sound, fetched, frames, original, write_copy
from tests.vod.hls.media import init, mp4a_entry, segment
from vod.hls.mpegts import (
    CLOCK,
    COUNTERS,
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
from vod.hls.transport import Part, mux

HALF_A_TICK = Fraction(1, 2 * CLOCK)


def part(path: Path, copied: Copied, number: int) -> Part:
    return Part(init_section=copied.init, segments=[fetched(path, copied.segments[number])])


def segments_of(path: Path, *renditions: Copied) -> list[bytes]:
    count = len(renditions[0].segments)
    return [mux(number, [part(path, copied, number) for copied in renditions]) for number in range(count)]


def packets(content: bytes) -> list[bytes]:
    assert len(content) % PACKET_BYTES == 0
    found = [content[at : at + PACKET_BYTES] for at in range(0, len(content), PACKET_BYTES)]
    assert {packet[0] for packet in found} == {0x47}
    return found


def pid_of(packet: bytes) -> int:
    return (packet[1] & 0x1F) << 8 | packet[2]


def counters(content: bytes, pid: int) -> list[int]:
    return [packet[3] & 0xF for packet in packets(content) if pid_of(packet) == pid]


@pytest.mark.parametrize("name", [BASE, "no-b-frames.mp4", "late-picture.mp4", "fragments.mp4"])
def test_every_picture_is_there_at_its_time(name: str, tmp_path: Path) -> None:
    path = original(name)
    pictures = copy_pictures(path)
    copy = write_copy(path, pictures, tmp_path / "copy.mp4")
    stream = tmp_path / "film.ts"
    stream.write_bytes(b"".join(segments_of(path, pictures)))
    found, expected = frames(stream, "v"), frames(copy, "v")
    assert [frame.digest for frame in found] == [frame.digest for frame in expected]
    errors = [abs(one.seconds - other.seconds) for one, other in zip(found, expected, strict=True)]
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
    assert max(abs(a.seconds - b.seconds) for a, b in zip(found, expected, strict=True)) <= Fraction(1, 1000)


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


@given(sizes=st.lists(st.integers(30, 3000), min_size=1, max_size=40))
def test_every_stream_has_whole_rounds_of_counters_whatever_its_units_are(sizes: list[int]) -> None:
    units = [Unit(decoded=at, shown=at, data=bytes([at & 0xFF]) * size) for at, size in enumerate(sizes)]
    content = transport_segment(0, [picture_stream(units), sound_stream(units)])
    for pid in (PICTURE_PID, SOUND_PID):
        assert counters(content, pid) == [n % COUNTERS for n in range(len(counters(content, pid)))]
        assert len(counters(content, pid)) % COUNTERS == 0


def test_frames_of_sound_share_a_unit() -> None:
    frame = Unit(decoded=0, shown=0, data=bytes(1000))
    assert [len(unit.data) for unit in gathered([frame] * 5)] == [2000, 2000, 1000]
    assert gathered([]) == []


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
