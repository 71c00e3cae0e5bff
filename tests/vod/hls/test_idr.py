"""A keyframe of the index is believed when the media say so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.vod.hls.copied import BASE, original
from tests.vod.hls.sample_columns import columns
from vod.containers.mp4 import read_tracks
from vod.containers.samples import Samples, Track
from vod.hls.idr import HEAD_BYTES, find_non_idr

DELIMITER, MESSAGE, IDR, SLICE = b"\x09\xf0", b"\x06" + bytes(20), b"\x65picture", b"\x41picture"


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def pictures(name: str) -> tuple[Track, Samples]:
    one = next(one for one in read_tracks(original(name)) if one.track.kind == "video")
    return one.track, one.require()


@pytest.mark.parametrize("name", [BASE, "hev1.mp4", "no-b-frames.mp4", "vfr.mp4"])
def test_keyframes_of_closed_groups_are_idr(name: str) -> None:
    track, samples = pictures(name)
    with opened(original(name)) as descriptor:
        assert find_non_idr(descriptor, track, samples, samples.keyframes) is None


@pytest.mark.parametrize("name", ["open-avc.mp4", "open-hevc.mp4"])
def test_keyframes_of_open_groups_are_not(name: str) -> None:
    track, samples = pictures(name)
    with opened(original(name)) as descriptor:
        assert find_non_idr(descriptor, track, samples, samples.keyframes) == samples.keyframes[1]


def test_any_other_picture_is_none() -> None:
    track, samples = pictures(BASE)
    with opened(original(BASE)) as descriptor:
        assert find_non_idr(descriptor, track, samples, [0, 1]) == 1


def units(*contents: bytes) -> bytes:
    return b"".join(len(content).to_bytes(4) + content for content in contents)


@pytest.mark.parametrize(
    ("sample", "found"),
    [
        pytest.param(units(DELIMITER, MESSAGE, IDR), None, id="behind a delimiter and a message"),
        pytest.param(units(b"\x06" + bytes(2 * HEAD_BYTES), IDR), None, id="behind a long message"),
        pytest.param(units(DELIMITER, SLICE, IDR), 0, id="a slice first"),
        pytest.param(units(DELIMITER), 0, id="no picture"),
        pytest.param(units(*[DELIMITER] * 1000, IDR), 0, id="a thousand delimiters"),
        pytest.param(b"\xff" * 40, 0, id="a unit longer than the sample"),
        pytest.param(b"\0" * 40, 0, id="empty units"),
    ],
)
def test_what_precedes_the_picture_is_passed_over(sample: bytes, found: int | None, tmp_path: Path) -> None:
    path = tmp_path / "sample"
    path.write_bytes(sample)
    track, _ = pictures(BASE)
    with opened(path) as descriptor:
        assert find_non_idr(descriptor, track, columns([0], sizes=[len(sample)]), [0]) == found


def test_a_file_that_became_shorter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample"
    path.write_bytes(units(DELIMITER))
    track, _ = pictures(BASE)
    with opened(path) as descriptor, pytest.raises(ValueError, match="cut off"):
        find_non_idr(descriptor, replace(track), columns([0], sizes=[1000]), [0])
