from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import m3u8
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vod.hls.builders import frame_cuts, make_audio, make_plan, make_rung, make_video
from vod.hls.grid import Grid
from vod.hls.playlist import extinf_microseconds, longest_segment_seconds, render_media_playlist, target_duration

grids = st.builds(
    lambda timescale, lengths: Grid(timescale, (0, *accumulate(lengths))),
    st.sampled_from([600, 1000, 11_025, 12_800, 24_000, 30_000, 44_100, 48_000, 90_000, 1_000_000]),
    st.lists(st.integers(1, 1_000_000), min_size=1, max_size=300),
)


def test_a_playlist_is_written_from_the_plan_alone() -> None:
    plan = make_plan(video=make_video(cuts=(0, 144_144, 288_288, 300_300)))
    assert render_media_playlist(plan, "720p") == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:6\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="720p/init.mp4"\n'
        "#EXTINF:6.006000,\n"
        "720p/00000.m4s\n"
        "#EXTINF:6.006000,\n"
        "720p/00001.m4s\n"
        "#EXTINF:0.500500,\n"
        "720p/00002.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_m3u8_reads_what_was_written() -> None:
    plan = make_plan(video=make_video(), audio=(make_audio(),))
    read = m3u8.loads(render_media_playlist(plan, "audio-eng"))
    assert (read.version, read.playlist_type, read.is_endlist, read.is_independent_segments) == (7, "vod", True, True)
    assert [segment.uri for segment in read.segments] == [f"audio-eng/0000{number}.m4s" for number in range(3)]
    assert {segment.init_section.uri for segment in read.segments} == {"audio-eng/init.mp4"}
    assert sum(segment.duration for segment in read.segments) == pytest.approx(18.018, abs=0.022)


def test_every_playlist_of_a_plan_names_the_same_target_duration() -> None:
    audio = make_audio(cuts=(0, 336 * 1024, 845 * 1024))  # 10.86 s are the longest
    plan = make_plan(video=make_video(rungs=(make_rung(), make_rung(name="480p"))), audio=(audio,))
    read = [m3u8.loads(render_media_playlist(plan, name)) for name in ("720p", "480p", "audio-eng")]
    assert {playlist.target_duration for playlist in read} == {11}


def test_a_film_of_one_frame_has_a_target_of_one_second() -> None:
    plan = make_plan(video=make_video(timescale=25, cuts=(0, 1)))
    assert target_duration(plan) == 1
    assert "#EXTINF:0.040000,\n" in render_media_playlist(plan, "720p")


def test_hours_of_ntsc_film_do_not_drift() -> None:
    grid = Grid(24_000, frame_cuts(3000))
    assert sum(extinf_microseconds(grid)) == 3000 * 6_006_000


def test_a_rendition_that_is_not_planned_is_refused() -> None:
    with pytest.raises(KeyError):
        render_media_playlist(make_plan(), "1080p")


@given(grids)
def test_the_sum_over_any_run_stays_within_a_microsecond(grid: Grid) -> None:
    times = [0, *accumulate(extinf_microseconds(grid))]
    for cut, time in zip(grid.cuts, times, strict=True):
        assert abs(Fraction(cut, grid.timescale) - Fraction(time, 1_000_000)) <= Fraction(1, 2_000_000)


@given(grids)
def test_no_rounded_extinf_exceeds_the_target_duration(grid: Grid) -> None:
    target = longest_segment_seconds(grid)
    assert all(int(Fraction(one, 1_000_000) + Fraction(1, 2)) <= target for one in extinf_microseconds(grid))
