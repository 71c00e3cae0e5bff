"""Segments fit whoever made them: their times come from the plan's cuts alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vod.containers import boxes
from vod.hls import fmp4
from vod.hls.fmp4 import Sample
from vod.hls.fragments import SampleDefaults, SampleEntry, read_entries

FRAME = 1001
# x264's order with three B-frames and a pyramid: I4 P8 B6 b5 b7 ...
PYRAMID = (0, 4, 2, 1, 3, 8, 6, 5, 7)


def sample(time: int, *, keyframe: bool = False, size: int = 3) -> Sample:
    return Sample(time, keyframe, memoryview(bytes(size)))


def entries(parts: tuple[boxes.Bytes, ...]) -> list[SampleEntry]:
    joined = b"".join(parts)
    moof = boxes.require(joined, b"moof")
    return list(read_entries(joined[moof.start : moof.end], SampleDefaults()))


def test_a_segment_starts_at_its_cut_and_lasts_to_the_next() -> None:
    times = [100 + FRAME * shown for shown in PYRAMID]
    read = entries(fmp4.segment(7, 100, 100 + 9 * FRAME, [sample(time, keyframe=time == 100) for time in times]))
    assert read[0].decode_time == read[0].time == 100
    assert read[-1].end == 100 + 9 * FRAME
    assert [entry.time for entry in read] == times
    assert [entry.sync for entry in read] == [True] + [False] * 8


def test_no_composition_offset_is_negative() -> None:
    """libavformat would move every frame of the film by the most negative one."""
    read = entries(fmp4.segment(0, 0, 9 * FRAME, [sample(FRAME * shown) for shown in PYRAMID]))
    assert min(entry.composition for entry in read) == 0


def test_a_single_frame_lasts_the_whole_segment() -> None:
    (read,) = entries(fmp4.segment(0, 0, 90_000, [sample(0, keyframe=True)]))
    assert (read.decode_time, read.duration, read.composition) == (0, 90_000, 0)


def test_frames_in_the_order_of_showing_are_decoded_when_shown() -> None:
    assert fmp4.decode_times([0, 10, 25, 27], 0, 40) == [0, 10, 25, 27, 40]


def test_ticks_that_are_too_coarse_are_refused() -> None:
    with pytest.raises(ValueError, match="too coarse"):
        fmp4.decode_times([0, 4, 2, 1, 3], 0, 5)


def test_sample_data_follows_in_decode_order() -> None:
    parts = fmp4.segment(0, 0, 30, [Sample(0, True, memoryview(b"IDR")), Sample(10, False, memoryview(b"P"))])
    joined = b"".join(parts)
    moof, mdat = boxes.require(joined, b"moof"), boxes.require(joined, b"mdat")
    assert boxes.body(joined, mdat) == b"IDRP"
    again = fmp4.samples(joined[moof.start : moof.end], joined[mdat.start : mdat.end], SampleDefaults())
    assert [(bytes(found.data), found.time, found.keyframe) for found in again] == [
        (b"IDR", 0, True),
        (b"P", 10, False),
    ]


def test_sound_is_shown_when_it_is_decoded() -> None:
    read = entries(fmp4.audio_segment(3, 6144, 1024, [sample(-5), sample(-4)]))
    assert [(entry.decode_time, entry.duration, entry.composition) for entry in read] == [
        (6144, 1024, 0),
        (7168, 1024, 0),
    ]


def test_a_sample_outside_its_mdat_is_refused() -> None:
    joined = b"".join(fmp4.segment(0, 0, 30, [sample(0, size=100)]))
    moof = boxes.require(joined, b"moof")
    with pytest.raises(ValueError, match="outside"):
        fmp4.samples(joined[moof.start : moof.end], b"\0\0\0\x0amdat\0\0", SampleDefaults())


@given(
    gaps=st.lists(st.integers(20, 5000), min_size=1, max_size=60),
    depth=st.integers(0, 3),
    start=st.integers(0, 10**9),
    data=st.data(),
)
def test_decode_times_rise_and_never_pass_the_time_of_showing(
    gaps: list[int], depth: int, start: int, data: st.DataObject
) -> None:
    shown = [start]
    for gap in gaps[:-1]:
        shown.append(shown[-1] + gap)
    end = shown[-1] + gaps[-1]
    times = reordered(shown, depth, data)
    decoded = fmp4.decode_times(times, start, end)
    assert decoded[0] == start
    assert decoded[-1] == end
    assert all(earlier < later for earlier, later in pairwise(decoded))
    assert all(decode <= show for decode, show in zip(decoded, times, strict=False))


def reordered(shown: list[int], depth: int, data: st.DataObject) -> list[int]:
    """A decode order in which a frame comes at most `depth` places after its place in the showing."""
    rest, order = shown[1:], shown[:1]
    waiting = list(rest)
    while waiting:
        overdue = rest.index(waiting[0]) - (len(order) - 1) <= -depth
        pick = 0 if overdue else data.draw(st.integers(0, min(len(waiting) - 1, 4)))
        order.append(waiting.pop(pick))
    return order
