"""Cuts of a copied film lie at keyframes a player can start at, near the nominal grid, or the film is not copied."""

from __future__ import annotations

from array import array
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vod.hls.copied import BASE, copy_pictures, copy_sound, original
from tests.vod.hls.sample_columns import columns, every
from vod.containers.mp4 import read_tracks
from vod.containers.samples import NotCopyable, Track
from vod.hls.copying import (
    Clock,
    cuts_from_keyframes,
    cuts_from_packets,
    nearest_packet,
    refuse_uncopyable,
    start_positions,
)
from vod.hls.packet_lattice import on_lattice

TICKS = 1000  # a second
CLOCK = Clock(timescale=TICKS, ticks_per_source_tick=1, origin_ticks=0)
SIX = Fraction(6)
AAC_CLOCK = Clock.of_sound(48_000, Fraction(0))


def cuts(*keyframes: int, end: int, clock: Clock = CLOCK) -> tuple[int, ...]:
    """Of a film of a frame every half second, with keyframes at these half seconds."""
    samples = columns(every(end, 500), keyframes=keyframes, duration=500)
    return cuts_from_keyframes(samples, clock, SIX, end * 500)


def halves(*seconds: float) -> tuple[int, ...]:
    return tuple(int(2 * second) for second in seconds)


def test_cuts_are_the_keyframes_nearest_to_the_grid() -> None:
    keyframes = halves(0, 2, 4.5, 6.5, 9, 12, 14, 18.5)
    assert cuts(*keyframes, end=50) == (0, 6500, 12_000, 18_500, 25_000)


def test_the_grid_goes_on_from_each_cut_so_that_long_groups_stay_even() -> None:
    assert cuts(*range(0, 96, 8), end=96) == tuple(range(0, 48_001, 4000))


def test_a_short_last_segment_joins_the_one_before() -> None:
    keyframes = every(32, 1)
    samples = columns(every(32, 200), keyframes=keyframes, duration=200)
    assert cuts_from_keyframes(samples, CLOCK, SIX, 6400) == (0, 6400)
    assert cuts_from_keyframes(samples, CLOCK, SIX, 6500) == (0, 6000, 6500)


def test_a_nearer_keyframe_is_passed_over_where_it_would_make_a_segment_too_long() -> None:
    assert cuts(*halves(0, 0.5, 11), end=30) == (0, 500, 11_000, 15_000)


@pytest.mark.parametrize("keyframes", [halves(0, 11), halves(0, 6, 17)])
def test_keyframes_too_far_apart_are_refused(keyframes: tuple[int, ...]) -> None:
    with pytest.raises(NotCopyable, match="too far apart"):
        cuts(*keyframes, end=40)


def test_keyframes_between_which_no_packet_of_sound_may_lie_are_refused() -> None:
    """Of the keyframes at 0, 0.2 and 10.7 s the second is the only one near enough."""
    samples = columns([0, *every(40, 500, start=200)], keyframes=[0, 1, 22], duration=500)
    with pytest.raises(NotCopyable, match="too near"):
        cuts_from_keyframes(samples, CLOCK, SIX, 20_200)


def test_sound_that_goes_on_long_behind_the_last_picture_is_refused() -> None:
    samples = columns(every(24, 500), keyframes=[0, 12], duration=500)
    with pytest.raises(NotCopyable, match="too far apart"):
        cuts_from_keyframes(samples, CLOCK, SIX, 30_000)


def test_a_film_that_does_not_begin_with_a_keyframe_is_refused() -> None:
    with pytest.raises(NotCopyable, match="begin with a keyframe"):
        cuts(2, end=8)


def test_a_picture_before_time_0_is_refused() -> None:
    with pytest.raises(NotCopyable, match="first"):
        cuts(0, end=8, clock=replace(CLOCK, origin_ticks=500))


def test_cuts_count_from_time_0_in_finer_ticks() -> None:
    clock = Clock.of_pictures(600, Fraction(1, 2))
    assert (clock.timescale, clock.ticks_per_source_tick, clock.origin_ticks) == (10_200, 17, 5100)
    samples = columns(every(20, 300, start=300), keyframes=[0, 12], duration=300)
    assert cuts_from_keyframes(samples, clock, SIX, 102_000) == (0, 61_200, 102_000)


def test_an_open_group_s_keyframe_is_no_start() -> None:
    """I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8 | I10 P11: the B-frames after I6 are shown before it."""
    times = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 10, 11]
    assert start_positions(columns(times, keyframes=[0, 4, 10])) == [0, 10]


def test_a_frame_shown_after_the_next_keyframe_makes_it_no_start() -> None:
    assert start_positions(columns([0, 5, 2, 3, 6], keyframes=[0, 2, 4])) == [0, 4]


@given(
    gaps=st.lists(st.integers(1, 14), min_size=1, max_size=40),
    tail=st.integers(1, 20),
)
def test_any_grid_is_within_the_limit_or_refused(gaps: list[int], tail: int) -> None:
    keyframes = [0]
    for gap in gaps:
        keyframes.append(keyframes[-1] + gap)
    end = keyframes[-1] + tail
    try:
        found = cuts(*keyframes, end=end)
    except NotCopyable:
        assert max(b - a for a, b in pairwise([*keyframes, end])) > 12 - 1
        return
    assert found[0] == 0
    assert found[-1] == end * 500
    assert all(450 <= later - earlier <= 10_500 for earlier, later in pairwise(found))
    assert {cut // 500 for cut in found[1:-1]} <= set(keyframes)


def packets(count: int, *, start: int = 0, length: int = 1024) -> list[int]:
    return list(every(count, length, start=start))


def sound_cuts(times: list[int], *boundaries: int) -> tuple[int, ...]:
    samples = columns(times, keyframes=range(len(times)), duration=1024)
    return cuts_from_packets(samples, AAC_CLOCK, [Fraction(boundary) for boundary in boundaries])


def test_sound_is_cut_at_the_packets_nearest_to_the_film_s_cuts() -> None:
    assert sound_cuts(packets(563), 0, 6, 12) == (0, 281 * 1024, 563 * 1024)


def test_priming_packets_are_dropped() -> None:
    assert sound_cuts(packets(565, start=-2048), 0, 6, 12)[0] == 0
    assert nearest_packet(packets(10, start=-2048), AAC_CLOCK, 0) == 2


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        pytest.param([*packets(300), *packets(263, start=301 * 1024)], "gap", id="a lost packet"),
        pytest.param([*packets(300), *packets(263, start=300 * 1024 + 400)], "gap", id="a splice"),
        pytest.param([*packets(300), *packets(263, start=300 * 1024 - 600)], "gap or overlap", id="an overlap"),
        pytest.param(packets(400, length=1024)[::2] + packets(300, start=400 * 1024), "gap", id="two lengths"),
        pytest.param(packets(563, start=1025), "begins later", id="late"),
        pytest.param(packets(530), "ends earlier", id="short"),
        pytest.param([0], "too few", id="one packet"),
    ],
)
def test_sound_with_holes_is_refused(times: list[int], reason: str) -> None:
    with pytest.raises(NotCopyable, match=reason):
        sound_cuts(times, 0, 6, 12)


def test_rounded_packets_of_a_coarse_clock_are_taken() -> None:
    times = [round(n * 1024 * 600 / 44_100) for n in range(1000)]
    samples = columns(times, keyframes=range(1000), duration=14)
    clock = Clock.of_sound(600, Fraction(0))
    assert cuts_from_packets(samples, clock, [Fraction(0), Fraction(23)])[0] == 0


def test_packets_that_once_had_millisecond_times_are_evenly_spaced() -> None:
    jittered = [round(round(n * 1024 * 1000 / 48_000) * 48) for n in range(563)]
    assert max(later - earlier for earlier, later in pairwise(jittered)) == 1056
    assert sound_cuts(jittered, 0, 6, 12) == sound_cuts(packets(563), 0, 6, 12)


def test_a_clock_that_is_a_little_fast_stays_in_time_with_the_picture() -> None:
    drifting = [n * 1024 + n // 10 for n in range(5630)]
    found = sound_cuts(drifting, *range(0, 121, 6))
    assert all(abs(cut - 6 * 48_000 * k) <= 1024 // 2 + 1 for k, cut in enumerate(found[:-1]))


def test_a_stray_packet_is_moved_back() -> None:
    stray = packets(563)
    stray[300] += 430
    assert list(on_lattice(array("q", stray), 48_000)) == packets(563)


def test_many_strays_are_refused() -> None:
    times = [n * 1024 + (n % 7 == 0) * 430 for n in range(600)]
    with pytest.raises(NotCopyable, match="gap or overlap"):
        on_lattice(array("q", times), 48_000)


def track_of(name: str, index: int = 0) -> Track:
    return read_tracks(original(name))[index].track


def test_what_players_take_is_not_refused() -> None:
    for name in (BASE, "hev1.mp4", "vfr.mp4", "no-b-frames.mp4"):
        for one in read_tracks(original(name)):
            refuse_uncopyable(one.track, one.require())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("yuv444.mp4", "not 4:2:0"),
        ("ten-bit.mp4", "not 4:2:0"),
        ("open-avc.mp4", "too far apart"),
        ("open-hevc.mp4", "too far apart"),
        ("sparse.mp4", "too far apart"),
    ],
)
def test_pictures_players_do_not_take_are_refused(name: str, reason: str) -> None:
    with pytest.raises(NotCopyable, match=reason):
        copy_pictures(original(name))


def test_sound_players_do_not_take_is_refused() -> None:
    with pytest.raises(NotCopyable, match=r"mp4a\.6B"):
        copy_sound(original("mp3.mp4"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sizes": [10, 0, 10]}, "empty"),
        ({"times": [0, 2000, 2000]}, "one time"),
        ({"decode_times": [0, 1000, 1000]}, "decode times"),
    ],
)
def test_broken_samples_are_refused(change: dict[str, list[int]], reason: str) -> None:
    samples = columns(**{"times": [0, 1000, 2000], **change})  # type: ignore[arg-type]
    with pytest.raises(NotCopyable, match=reason):
        refuse_uncopyable(track_of(BASE), samples)


def test_pictures_that_call_themselves_sound_are_refused() -> None:
    with pytest.raises(NotCopyable, match="avc1 is not handed on"):
        refuse_uncopyable(replace(track_of(BASE), kind="audio"), columns([0, 1000]))


def test_packets_further_apart_than_their_sound_lasts_are_refused() -> None:
    with pytest.raises(NotCopyable, match="as long as their sound"):
        refuse_uncopyable(track_of(BASE, 1), columns(packets(50, length=1100)))


def test_a_damaged_configuration_is_refused() -> None:
    track = track_of(BASE)
    at = track.sample_entry.index(b"avcC")
    cut = track.sample_entry[:at].replace(len(track.sample_entry).to_bytes(4), (at + 4).to_bytes(4))
    damaged = replace(track, sample_entry=cut[: at - 4] + (8).to_bytes(4) + b"avcC")
    with pytest.raises(NotCopyable, match="cut off"):
        refuse_uncopyable(damaged, columns([0]))
