from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vod.containers.lattice import Lattice, check_strays, first_sample
from vod.containers.samples import NotCopyable

AAC = Lattice(first_sample=0, timescale=1000, sample_rate=44_100, frame_samples=1024, packets=1000)


@given(
    st.sampled_from([1024, 1536, 256]),
    st.sampled_from([22_050, 32_000, 44_100, 48_000, 96_000]),
    st.integers(0, 10_000_000),
    st.integers(0, 2_000_000),
)
def test_a_rounded_time_leads_back_to_its_packet(frame: int, rate: int, start: int, number: int) -> None:
    """Whatever the first packet's real time was: both it and this one are told rounded to the tick."""
    real_first = Fraction(start, 997)  # in milliseconds
    real = real_first + Fraction(1000 * frame * number, rate)
    first = first_sample([(0, round(real_first))], 1000, rate, frame)
    lattice = Lattice(first_sample=first, timescale=1000, sample_rate=rate, frame_samples=frame, packets=1)
    assert lattice.number(round(real)) == number
    assert abs(Fraction(lattice.sample(number), rate) - real / 1000) <= Fraction(1, 2000) + Fraction(1, rate)


def test_a_first_packet_that_strays_is_put_where_those_behind_it_belong() -> None:
    rounded = [(number, round(Fraction(1024 * number * 1000, 44_100))) for number in range(64)]
    assert first_sample(rounded, 1000, 44_100, 1024) == 0
    assert abs(first_sample([(0, 9), *rounded[1:]], 1000, 44_100, 1024)) <= 22  # half a tick


def test_a_segment_read_alone_begins_where_the_one_before_it_ends() -> None:
    before, after = range(100, 250), range(250, 400)
    assert AAC.sample(before[-1]) + AAC.frame_samples == AAC.sample(after[0])


def test_what_lies_between_two_packets_is_no_packet() -> None:
    ticks = [AAC.ticks(number) for number in range(3)]
    assert [AAC.number(tick) for tick in ticks] == [0, 1, 2]
    assert AAC.number(ticks[1] + 9) is None


def test_a_cut_falls_on_the_nearest_packet() -> None:
    assert AAC.nearest(Fraction(-5)) == 0
    assert AAC.nearest(Fraction(6)) == round(6 * 44_100 / 1024)
    assert AAC.nearest(Fraction(3600)) == AAC.packets


def test_a_codec_delay_moves_all_packets_to_the_front() -> None:
    delayed = replace(AAC, delay_samples=1024)
    assert delayed.sample(0) == -1024
    assert delayed.number(0) == 0
    assert delayed.nearest(Fraction(0)) == 1


def test_few_strays_are_jitter_and_many_are_a_gap() -> None:
    check_strays(1, 4)
    check_strays(12, 100)
    with pytest.raises(NotCopyable, match="gap"):
        check_strays(13, 100)
    with pytest.raises(NotCopyable, match="gap"):
        check_strays(0, 0)
