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
from vod.hls.heads import decode_times

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
    assert decode_times((0, 40), (0, 4), [0, 10, 25, 27]).tolist() == [0, 10, 25, 27]


def test_a_segment_without_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="no sample"):
        fmp4.segment(0, 0, 40, [])
    with pytest.raises(ValueError, match="no sample"):
        fmp4.audio_segment(0, 0, 1024, [])


def test_a_frame_behind_its_segment_s_end_is_refused() -> None:
    with pytest.raises(ValueError, match="outside its segment"):
        decode_times((0, 20, 40), (0, 2, 4), [0, 25, 20, 30])


def test_segments_timed_together_are_timed_as_each_alone() -> None:
    times = [*(FRAME * shown for shown in PYRAMID), *(9 * FRAME + shown for shown in (0, 10, 25)), 9 * FRAME + 40]
    cuts, edges = (0, 9 * FRAME, 9 * FRAME + 40, 9 * FRAME + 90), (0, 9, 12, 13)
    alone = [
        time
        for n in range(3)
        for time in decode_times(cuts[n : n + 2], (0, edges[n + 1] - edges[n]), times[edges[n] : edges[n + 1]]).tolist()
    ]
    assert decode_times(cuts, edges, times).tolist() == alone


def test_an_irregular_last_frame_is_decoded_before_its_segment_ends() -> None:
    assert decode_times((0, 40, 80), (0, 4, 5), [0, 10, 38, 41, 41]).tolist() == [0, 10, 38, 39, 40]


def test_ticks_that_are_too_coarse_are_refused() -> None:
    with pytest.raises(ValueError, match="too coarse"):
        decode_times((0, 5), (0, 5), [0, 4, 2, 1, 3])


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
    decoded = decode_times((start, end), (0, len(times)), times).tolist()
    assert decoded[0] == start
    assert all(earlier < later for earlier, later in pairwise([*decoded, end]))
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
