"""What ffmpeg is told for a span of sound, and that sample n of the rendition is at n / rate of the film."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from tests.vod.hls.argv import SOURCE, filters, opened, value
from tests.vod.hls.builders import make_audio, make_plan
from vod.hls.encode import Span
from vod.hls.plan import AudioPlan
from vod.hls.sound import POSTROLL_FRAMES, PREROLL_FRAMES, PRIMING_PACKETS, audio_arguments, packets_before

AAC = 1024
# Forty minutes in four segments.
LONG = make_audio(cuts=tuple(28_125 * AAC * k for k in range(5)))
FIRST, THIRD = Span(first=0, last=0), Span(first=2, last=2)
ENCODED = [
    *("-f", "mp4", "-avoid_negative_ts", "disabled", "-b:a", "128000", "-c:a", "aac", "-fflags", "+bitexact"),
    *("-flags:a", "+bitexact", "-frag_duration", "1000000", "-map_chapters", "-1", "-map_metadata", "-1"),
    *("-movflags", "+empty_moov+default_base_moof+frag_discont+negative_cts_offsets", "-use_editlist", "0", "pipe:3"),
    "-copyts",
]


def arguments(
    audio: AudioPlan, span: Span, *, indexed: bool = True, start_seconds: Fraction = Fraction(0)
) -> list[str]:
    plan = dataclasses.replace(make_plan(audio=(audio,)), indexed=indexed, start_seconds=start_seconds)
    return audio_arguments(plan, audio, span, SOURCE)


def test_a_span_is_its_samples_after_ten_seconds_that_settle_the_encoder() -> None:
    first = (2 * 28_125 - PREROLL_FRAMES) * AAC
    count = (28_125 + PREROLL_FRAMES + POSTROLL_FRAMES) * AAC
    assert arguments(LONG, THIRD) == [
        *opened(f"{first / 48_000 - 1:.6f}"),
        "-filter_complex",
        f"[0:1]asetpts=PTS-(0)[s0];[s0]atrim=start_pts={first}[s1];"
        f"[s1]aresample=48000:async=1:first_pts={first}:ochl=stereo:osf=fltp:rematrix_maxval=1.0[s2];"
        f"[s2]apad=whole_len={count}[s3];[s3]atrim=end_sample={count}[s4]",
        *("-map", "[s4]", *ENCODED),
    ]


def test_the_film_s_start_needs_no_seek_and_no_trim() -> None:
    count = (28_125 + POSTROLL_FRAMES) * AAC
    assert arguments(LONG, FIRST) == [
        *opened(),
        "-filter_complex",
        "[0:1]asetpts=PTS-(0)[s0];[s0]aresample=48000:async=1:first_pts=0:ochl=stereo:osf=fltp:rematrix_maxval=1.0[s1];"
        f"[s1]apad=whole_len={count}[s2];[s2]atrim=end_sample={count}[s3]",
        *("-map", "[s3]", *ENCODED),
    ]


@pytest.mark.parametrize(
    ("span", "indexed", "start_seconds", "seconds"),
    [
        pytest.param(THIRD, True, Fraction(0), -1, id="a second for the decoder"),
        pytest.param(THIRD, False, Fraction(0), -6, id="without an index: five more"),
        pytest.param(THIRD, True, Fraction(100), 99, id="on the original's own clock"),
        pytest.param(
            Span(first=2, last=2, seek_back_seconds=Fraction(15)), True, Fraction(0), -16, id="after a first try"
        ),
    ],
)
def test_a_span_is_sought_before_its_preroll(span: Span, indexed: bool, start_seconds: Fraction, seconds: int) -> None:
    preroll = Fraction((2 * 28_125 - PREROLL_FRAMES) * AAC, 48_000)
    argv = arguments(LONG, span, indexed=indexed, start_seconds=start_seconds)
    assert value(argv, "-ss") == f"{float(preroll + seconds):.6f}"


def test_a_span_near_the_start_is_read_from_it() -> None:
    audio = make_audio(cuts=(0, 200 * AAC, 400 * AAC))
    argv = arguments(audio, Span(first=1, last=1))
    assert value(argv, "-ss") is None
    assert filters(argv)[1].startswith("aresample")


@pytest.mark.parametrize(
    ("first_cut", "packets"),
    [
        pytest.param(0, PRIMING_PACKETS, id="at the start the priming packet alone"),
        pytest.param(100 * AAC, PRIMING_PACKETS + 100, id="near it all there are"),
        pytest.param(28_125 * AAC, PRIMING_PACKETS + PREROLL_FRAMES, id="later ten seconds"),
    ],
)
def test_unwanted_packets_are_counted(first_cut: int, packets: int) -> None:
    assert packets_before(first_cut) == packets


@pytest.mark.parametrize(
    ("source_rate", "trim"),
    [
        pytest.param(48_000, 55_780 * AAC, id="the same rate"),
        pytest.param(96_000, 2 * 55_780 * AAC, id="twice"),
        pytest.param(44_100, 52_477_824, id="a whole number of 147 samples"),
    ],
)
def test_resampling_starts_where_both_clocks_tick_together(source_rate: int, trim: int) -> None:
    argv = arguments(dataclasses.replace(LONG, source_sample_rate=source_rate), THIRD)
    assert filters(argv)[1] == f"atrim=start_pts={trim}"
    assert trim % {48_000: 1, 96_000: 2, 44_100: 147}[source_rate] == 0


@pytest.mark.parametrize(
    ("tick", "lattice", "phase", "start_seconds", "expression"),
    [
        pytest.param(Fraction(1, 48_000), 1024, 0, Fraction(0), "PTS-(0)", id="ticks that are samples"),
        pytest.param(Fraction(1, 48_000), 1024, 0, Fraction(1, 2), "PTS-(24000)", id="from the film's time zero"),
        pytest.param(Fraction(1, 48_000), 1024, 0, Fraction(-1, 2), "PTS-(-24000)", id="which may be negative"),
        pytest.param(
            Fraction(1, 1000),
            1024,
            -312,
            Fraction(0),
            "PTS-(0)+if(lte(abs(round((PTS-(-312))/1024)*1024+(-312)-PTS),49.000),"
            "round((PTS-(-312))/1024)*1024+(-312)-PTS,0)",
            id="milliseconds: moved onto the lattice",
        ),
        pytest.param(Fraction(1, 1000), 0, 0, Fraction(0), "PTS-(0)", id="milliseconds, lattice unknown"),
        pytest.param(Fraction(1, 1000), 48, 0, Fraction(0), "PTS-(0)", id="a lattice as fine as the ticks"),
    ],
)
def test_times_are_freed_of_the_container_s_rounding(
    tick: Fraction, lattice: int, phase: int, start_seconds: Fraction, expression: str
) -> None:
    audio = make_audio(source_tick_seconds=tick, source_frame_samples=lattice, source_first_sample=phase)
    assert filters(arguments(audio, FIRST, start_seconds=start_seconds))[0] == f"asetpts={expression}"
