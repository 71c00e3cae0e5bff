"""What a player gets are the original's own frames at the original's own times, without a byte written twice."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.vod.hls.copied import (
    BASE,
    Copied,
    Frame,
    copy_pictures,
    copy_sound,
    fetched,
    frames,
    original,
    start_of,
    write_copy,
)
from tests.vod.hls.sample_columns import columns
from vod.containers import boxes
from vod.containers.mp4 import read_tracks
from vod.hls.copying import Clock
from vod.hls.fragments import SampleDefaults, SampleEntry, read_entries
from vod.hls.virtual import video_segments

CLOCK = Clock(timescale=1000, ticks_per_source_tick=1, origin_ticks=0)

PICTURES = (
    BASE,
    "front.mp4",
    "no-edit-list.mp4",
    "negative-offsets.mp4",
    "late-picture.mp4",
    "late-sound.mp4",
    "late-all.mp4",
    "quicktime.mov",
    "fragments.mp4",
    "fragments-by-file.mp4",
    "fragments-negative.mp4",
    "fragments-edited.mp4",
    "dash.mp4",
    "vfr.mp4",
    "no-b-frames.mp4",
    "hev1.mp4",
)
SOUNDS = (
    BASE,
    "front.mp4",
    "late-picture.mp4",
    "quicktime.mov",
    "trimmed.mp4",
    "vfr.mp4",
    "no-b-frames.mp4",
    "hev1.mp4",
)


def assert_same(found: list[Frame], expected: list[Frame], copied: Copied) -> None:
    """Each within half a tick, for time 0 is not always on one of this track's."""
    assert [frame.digest for frame in found] == [frame.digest for frame in expected]
    errors = [abs(one.seconds - other.seconds) for one, other in zip(found, expected, strict=True)]
    assert max(errors) <= Fraction(1, 2 * copied.clock.timescale)


def moved(shown: list[Frame], start: Fraction) -> list[Frame]:
    return [Frame(frame.seconds - start, frame.digest) for frame in shown]


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_the_original_s_at_its_time(name: str, tmp_path: Path) -> None:
    path = original(name)
    copied = copy_pictures(path)
    copy = write_copy(path, copied, tmp_path / "copy.mp4")
    assert_same(frames(copy, "v"), moved(frames(path, "v"), start_of(read_tracks(path))), copied)


@pytest.mark.parametrize("name", SOUNDS)
def test_every_packet_of_sound_is_the_original_s_at_its_time(name: str, tmp_path: Path) -> None:
    path = original(name)
    copied = copy_sound(path)
    copy = write_copy(path, copied, tmp_path / "copy.mp4")
    heard = moved(frames(path, "a", "-c", "copy"), start_of(read_tracks(path)))
    packet = heard[-1].seconds - heard[-2].seconds
    kept = [frame for frame in heard if frame.seconds >= -packet / 2]
    copies = frames(copy, "a", "-c", "copy")
    assert copies[0] == Frame(Fraction(0), kept[0].digest)
    assert_same(copies[1:], kept[1:], copied)


@pytest.mark.parametrize("name", [BASE, "vfr.mp4", "hev1.mp4"])
def test_every_segment_can_be_decoded_alone(name: str, tmp_path: Path) -> None:
    path = original(name)
    copied = copy_pictures(path)
    alone = [frames(_alone(path, copied, number, tmp_path), "v") for number in range(len(copied.segments))]
    assert [frame for segment in alone for frame in segment] == moved(frames(path, "v"), start_of(read_tracks(path)))


def _alone(path: Path, copied: Copied, number: int, folder: Path) -> Path:
    target = folder / f"{number}.mp4"
    target.write_bytes(copied.init + fetched(path, copied.segments[number]))
    return target


@pytest.mark.parametrize("name", [BASE, "vfr.mp4", "late-picture.mp4", "fragments-negative.mp4"])
def test_segments_of_pictures_continue_each_other_from_cut_to_cut(name: str) -> None:
    path = original(name)
    copied = copy_pictures(path)
    for number, segment in enumerate(copied.segments):
        entries = entries_of(fetched(path, segment))
        assert entries[0].decode_time == copied.cuts[number]
        assert entries[-1].end == copied.cuts[number + 1]
        assert entries[0].sync
        assert min(entry.composition for entry in entries) >= 0


@pytest.mark.parametrize("name", [BASE, "vfr.mp4", "trimmed.mp4"])
def test_segments_of_sound_continue_each_other_from_cut_to_cut(name: str) -> None:
    path = original(name)
    copied = copy_sound(path)
    for number, segment in enumerate(copied.segments):
        entries = entries_of(fetched(path, segment))
        assert entries[0].decode_time == copied.cuts[number]
        assert entries[-1].end == copied.cuts[number + 1]
        assert {entry.composition for entry in entries} == {0}


def test_samples_that_touch_in_the_file_are_one_range() -> None:
    samples = columns([0, 1000, 2000, 3000], offsets=[0, 10, 30, 40], keyframes=[0, 2])
    first, second = video_segments(samples, CLOCK, (0, 2000, 4000))
    assert (first.ranges, second.ranges) == (((0, 20),), ((30, 20),))


def test_samples_stay_in_decode_order_wherever_they_lie() -> None:
    samples = columns([0, 1000, 2000], offsets=[50, 10, 20])
    (segment,) = video_segments(samples, CLOCK, (0, 3000))
    assert segment.ranges == ((50, 10), (10, 20))


def test_a_cut_that_is_no_keyframe_is_refused() -> None:
    with pytest.raises(ValueError, match="no keyframe"):
        video_segments(columns([0, 1000, 2000]), CLOCK, (0, 1000, 3000))


def test_a_segment_larger_than_its_size_field_is_refused() -> None:
    huge = columns([0, 1000, 2000], sizes=[1 << 31] * 3, offsets=[0, 1 << 31, 1 << 32])
    with pytest.raises(ValueError, match="larger"):
        video_segments(huge, CLOCK, (0, 3000))


def entries_of(segment: bytes) -> list[SampleEntry]:
    moof = boxes.require(segment, b"moof")
    return list(read_entries(segment[moof.start : moof.end], SampleDefaults()))
