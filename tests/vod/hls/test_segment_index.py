"""The index of a copied rendition is read back as it was written, or not at all."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vod.hls.copied import BASE, copy_pictures, fetched, original
from vod.hls.index_writing import encode
from vod.hls.segment_index import SegmentIndex, VirtualSegment

ORIGINAL_BYTES = 1000
SEGMENTS = [
    VirtualSegment(head=b"first", offsets=array("Q", [100, 300]), lengths=array("I", [50, 700])),
    VirtualSegment(head=b"second head", offsets=array("Q", [0]), lengths=array("I", [1])),
    VirtualSegment(head=b"third", offsets=array("Q"), lengths=array("I")),
]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_every_segment_is_read_back(tmp_path: Path) -> None:
    index = SegmentIndex.open(write(tmp_path / "index", encode(SEGMENTS, ORIGINAL_BYTES)))
    assert [index.segment(number) for number in range(len(index))] == SEGMENTS
    assert index.original_bytes == ORIGINAL_BYTES
    assert SEGMENTS[0].ranges == ((100, 50), (300, 700))
    index.close()


def test_sizes_are_known_without_reading_a_head(tmp_path: Path) -> None:
    path = original(BASE)
    copied = copy_pictures(path)
    index = SegmentIndex.open(write(tmp_path / "index", encode(copied.segments, path.stat().st_size)))
    assert index.sizes == [len(fetched(path, segment)) for segment in copied.segments]
    assert index.sizes == [segment.size_bytes for segment in copied.segments]
    index.close()


def test_a_segment_there_is_not_is_an_index_error(tmp_path: Path) -> None:
    index = SegmentIndex.open(write(tmp_path / "index", encode(SEGMENTS, ORIGINAL_BYTES)))
    with pytest.raises(IndexError):
        index.segment(3)
    with pytest.raises(IndexError):
        index.segment(-1)
    index.close()


@pytest.mark.parametrize(
    "outside",
    [
        VirtualSegment(head=b"", offsets=array("Q", [999]), lengths=array("I", [2])),
        VirtualSegment(head=b"", offsets=array("Q", [(1 << 64) - 1]), lengths=array("I", [1])),
        VirtualSegment(head=b"", offsets=array("Q", [0]), lengths=array("I", [0])),
    ],
)
def test_a_range_outside_the_original_is_never_written(outside: VirtualSegment) -> None:
    with pytest.raises(ValueError, match="outside the original"):
        encode([outside], ORIGINAL_BYTES)


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, position: int, bit: int) -> None:
    content = bytearray(encode(SEGMENTS, ORIGINAL_BYTES))
    content[position % len(content)] ^= 1 << bit
    with pytest.raises(ValueError, match="index"):
        read_all(write(tmp_path_factory.mktemp("index") / "index", bytes(content)))


@given(length=st.integers(0, 10_000))
def test_any_cut_is_found(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    content = encode(SEGMENTS, ORIGINAL_BYTES)
    with pytest.raises(ValueError, match="index"):
        read_all(write(tmp_path_factory.mktemp("index") / "index", content[: length % len(content)]))


def read_all(path: Path) -> None:
    index = SegmentIndex.open(path)
    try:
        for number in range(len(index)):
            index.segment(number)
    finally:
        index.close()
