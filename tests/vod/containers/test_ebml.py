from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vod.containers.matroska_files import CLUSTER, VOID, element, unsized
from vod.containers.ebml import (
    UNKNOWN,
    WINDOW_BYTES,
    Element,
    elements,
    fields,
    floating,
    number,
    open_reader,
    signed_number,
    text,
    unsigned,
)


def test_written_elements_are_read_back_where_they_lie() -> None:
    data = element(0xD7, b"\7") + element(0x4282, b"webm")
    assert list(elements(data)) == [Element(0xD7, 0, 9, 10), Element(0x4282, 10, 20, 24)]
    assert fields(data) == {0xD7: b"\7", 0x4282: b"webm"}


@pytest.mark.parametrize(
    ("data", "value"),
    [
        pytest.param(b"\x80", 0, id="one byte, zero"),
        pytest.param(b"\xfe", 126, id="one byte, the largest"),
        pytest.param(b"\x40\x02", 2, id="two bytes for a small number"),
        pytest.param(b"\x01\0\0\0\0\0\0\x05", 5, id="eight bytes"),
    ],
)
def test_a_number_tells_its_own_length(data: bytes, value: int) -> None:
    assert number(b"\0" + data, 1) == (value, 1 + len(data))


def test_a_signed_number_has_zero_in_the_middle_of_its_range() -> None:
    assert [signed_number(bytes((byte,)), 0)[0] for byte in (0x80, 0xBF, 0xFE)] == [-63, 0, 63]


def test_values_are_read_by_their_type() -> None:
    assert unsigned(b"") == 0
    assert unsigned(b"\1\0") == 256
    assert floating(bytes.fromhex("3f800000")) == floating(bytes.fromhex("3ff0000000000000")) == 1.0
    assert floating(b"") == 0.0
    assert text(b"A_AC3\0junk") == "A_AC3"
    assert text(b"V_\x1b[2J\xff") == "V_?[2J?"


def test_an_unknown_size_is_told_apart_from_every_size(tmp_path: Path) -> None:
    path = tmp_path / "live.mkv"
    path.write_bytes(unsized(CLUSTER, b"content"))
    with open_reader(path) as reader:
        assert reader.element(0, reader.size) == Element(CLUSTER, 0, 12, UNKNOWN)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x00\x81\x00", id="an id longer than four bytes"),
        pytest.param(b"\xec", id="no size"),
        pytest.param(b"\xec\x00", id="a size longer than eight bytes"),
        pytest.param(b"\xec\x40", id="a cut size"),
        pytest.param(b"\xec\x82\x00", id="a size beyond the data"),
        pytest.param(element(VOID) + b"\x1a", id="bytes after the last element"),
        pytest.param(unsized(CLUSTER), id="an unknown size inside an element"),
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"element|number|header"):
        list(elements(data))


def test_values_of_a_wrong_length_are_refused() -> None:
    with pytest.raises(ValueError, match="9 bytes"):
        unsigned(bytes(9))
    with pytest.raises(ValueError, match="3 bytes"):
        floating(bytes(3))


def test_a_reader_never_reads_behind_the_file_or_more_than_allowed(tmp_path: Path) -> None:
    path = tmp_path / "short.mkv"
    path.write_bytes(element(VOID, bytes(3 * WINDOW_BYTES)))
    with open_reader(path) as reader:
        size = path.stat().st_size
        assert reader.peek(size - 2, 10) == b"\0\0"
        assert reader.peek(1 << 70, 10) == b""
        with pytest.raises(ValueError, match="cut off"):
            reader.read(size - 2, 3, 100)
        with pytest.raises(ValueError, match="more than"):
            reader.read(0, 101, 100)
        with pytest.raises(ValueError, match="claims"):
            reader.element(0, size - 1)


@given(st.binary(max_size=200))
def test_any_bytes_are_elements_or_a_value_error(data: bytes) -> None:
    try:
        found = list(elements(data))
    except ValueError:
        return
    assert sum(one.end - one.start for one in found) == len(data)
