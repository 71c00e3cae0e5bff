from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vod.containers.boxes import Box, body, box, children, find, find_all, full_box, iter_boxes, require, unpack

LARGE = struct.pack(">I4sQ", 1, b"mdat", 20) + b"data"


def test_written_boxes_are_read_back_where_they_lie() -> None:
    data = box(b"ftyp", b"iso6") + box(b"moov", box(b"trak", b"one"), box(b"trak", b"two"))
    assert list(iter_boxes(data)) == [Box(b"ftyp", 0, 8, 12), Box(b"moov", 12, 20, 42)]
    assert [body(data, found) for found in find_all(data, b"moov", b"trak")] == [b"one", b"two"]


def test_a_full_box_carries_version_and_flags() -> None:
    assert full_box(b"tfdt", 1, 2, b"payload") == b"\0\0\0\x13tfdt\x01\0\0\x02payload"


def test_a_64_bit_size_is_read() -> None:
    assert list(iter_boxes(LARGE)) == [Box(b"mdat", 0, 16, 20)]


def test_a_box_of_size_zero_fills_what_is_left() -> None:
    assert list(iter_boxes(struct.pack(">I4s", 0, b"mdat") + b"rest")) == [Box(b"mdat", 0, 8, 12)]


def test_a_path_leads_through_the_fields_of_sample_entries() -> None:
    audio = box(b"mp4a", bytes(28), box(b"esds", b"es"))
    video = box(b"avc1", bytes(78), box(b"avcC", b"avc"))
    data = full_box(b"stsd", 0, 0, struct.pack(">I", 2), audio, video)
    assert body(data, require(data, b"stsd", b"mp4a", b"esds")) == b"es"
    assert body(data, require(data, b"stsd", b"avc1", b"avcC")) == b"avc"


def test_a_quicktime_sound_entry_has_further_fields() -> None:
    data = box(b"mp4a", bytes(8), struct.pack(">H", 1), bytes(34), box(b"wave", b"w"))
    assert body(data, require(data, b"mp4a", b"wave")) == b"w"


def test_a_missing_box_is_none_or_named_in_the_error() -> None:
    assert find(box(b"moov"), b"moov", b"trak") is None
    with pytest.raises(ValueError, match="no moov/trak box"):
        require(box(b"moov"), b"moov", b"trak")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\0\0\0", id="a cut header"),
        pytest.param(struct.pack(">I4s", 7, b"free"), id="a size smaller than its header"),
        pytest.param(struct.pack(">I4s", 9, b"free"), id="a size beyond the data"),
        pytest.param(struct.pack(">I4s", 1, b"free"), id="a cut 64-bit size"),
        pytest.param(struct.pack(">I4sQ", 1, b"free", 1 << 63), id="a 64-bit size beyond the data"),
        pytest.param(struct.pack(">I4sQ", 1, b"free", 15), id="a 64-bit size smaller than its header"),
        pytest.param(box(b"free") + b"xx", id="bytes after the last box"),
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="box"):
        list(iter_boxes(data))


def test_a_child_cannot_reach_outside_its_parent() -> None:
    data = box(b"moov", struct.pack(">I4s", 16, b"trak")) + box(b"free", bytes(8))
    with pytest.raises(ValueError, match="trak"):
        find(data, b"moov", b"trak")


def test_a_body_too_short_for_its_fields_is_refused() -> None:
    data = box(b"stsd", b"\0" * 4)
    with pytest.raises(ValueError, match="too short"):
        list(children(data, require(data, b"stsd")))
    with pytest.raises(ValueError, match="too short"):
        unpack("Q", data, require(data, b"stsd"))


@given(st.binary(max_size=200))
def test_any_bytes_are_boxes_or_a_value_error(data: bytes) -> None:
    try:
        found = list(iter_boxes(data))
    except ValueError:
        return
    assert sum(one.end - one.start for one in found) == len(data)
