"""Samples of H.264 as rows of NAL units: whatever lies in them, only a ValueError comes of it."""

from __future__ import annotations

import pytest

from vod.hls.copyable_codecs import nal_units
from vod.hls.idr import begins_with_idr, parameter_sets_of

DELIMITER, SPS, PPS, IDR, P_SLICE = b"\x09\xf0", b"\x67\x64\x00\x1f", b"\x68\xee\x3c", b"\x65\x88\x84", b"\x41\x9a"


def row(*units: bytes, width: int = 4) -> bytes:
    return b"".join(len(unit).to_bytes(width) + unit for unit in units)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_units_come_without_their_lengths_and_empty_ones_not_at_all(width: int) -> None:
    found = nal_units(row(DELIMITER, b"", IDR, b"", width=width), width)
    assert [bytes(unit) for unit in found] == [DELIMITER, IDR]


@pytest.mark.parametrize("damage", [row(IDR)[:-1], row(IDR) + b"\0\0", b"\xff\xff\xff\xff\x65", b"\0"])
def test_what_is_no_row_of_units_is_refused(damage: bytes) -> None:
    with pytest.raises(ValueError, match="no row"):
        list(nal_units(damage, 4))


@pytest.mark.parametrize(
    ("sample", "is_start"),
    [
        (row(DELIMITER, SPS, PPS, IDR, P_SLICE), True),
        (row(b"", IDR), True),
        (row(DELIMITER, P_SLICE, IDR), False),
        (row(SPS, PPS), False),
        (b"", False),
    ],
)
def test_the_first_picture_decides_whether_a_player_can_start(sample: bytes, is_start: bool) -> None:
    assert begins_with_idr(sample) is is_start


def test_parameter_sets_are_told_without_the_zeros_behind_them() -> None:
    assert parameter_sets_of(row(DELIMITER, b"", SPS + b"\0\0", PPS, IDR)) == {SPS, PPS}
