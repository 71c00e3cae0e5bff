"""What ffmpeg is told for a span of the ladder."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clips import SOUND, X264, clips_folder, decoded_times, make
from tests.vod.hls.argv import SOURCE, filters, opened, value
from tests.vod.hls.builders import frame_cuts, make_plan, make_rung, make_video
from tests.vod.hls.spans import RUNG, encoded, pipe, samples_of, target
from vod.hls.cutter import cut_video
from vod.hls.encode import Span
from vod.hls.picture import ladder_arguments
from vod.hls.plan import Plan, VideoPlan

TWO_RUNGS = (
    make_rung(),
    make_rung(name="480p", width=854, height=480, level="3.0", peak_bps=1_500_000, buffer_bits=3_000_000),
)
WHOLE, MIDDLE, LAST = Span(first=0, last=2), Span(first=1, last=1), Span(first=2, last=2)
LAST_OF_TWO = Span(first=1, last=1)

MUXED = (
    *("-map_chapters", "-1", "-map_metadata", "-1"),
    *("-maxrate", "{peak}"),
    *("-movflags", "+empty_moov+default_base_moof+frag_discont+negative_cts_offsets+frag_keyframe"),
)
RUNG_ARGV = (
    *("-f", "mp4", "-avoid_negative_ts", "disabled", "-bufsize", "{buffer}", "-c:v", "libx264"),
    *("-color_primaries", "bt709", "-color_range", "tv", "-color_trc", "bt709", "-colorspace", "bt709"),
    *("-crf", "23", "-enc_time_base", "1/24000", "-fflags", "+bitexact"),
    *("-force_key_frames", "6.005979,7.486646,8.988146,10.489646", "-forced-idr", "1"),
    *("-fps_mode", "passthrough", "-g", "99999", "-keyint_min", "1", "-level:v", "{level}"),
    *MUXED,
    *("-preset", "veryfast", "-profile:v", "high", "-sc_threshold", "0", "-threads", "2"),
    *("-use_editlist", "0", "-video_track_timescale", "24000", "-x264-params", "stitchable=1"),
)


def rung_argv(level: str, peak: str, buffer: str) -> list[str]:
    return [word.format(level=level, peak=peak, buffer=buffer) for word in RUNG_ARGV]


def arguments(video: VideoPlan, span: Span, *, indexed: bool = True, start: Fraction = Fraction(0)) -> list[str]:
    plan = make_plan(video=video)
    plan = Plan(**{**vars(plan), "indexed": indexed, "start_seconds": start})
    return ladder_arguments(plan, video, video.rungs, span, SOURCE)


def seek(video: VideoPlan, span: Span, *, indexed: bool = True, start: Fraction = Fraction(0)) -> str | None:
    return value(arguments(video, span, indexed=indexed, start=start), "-ss")


def test_a_span_is_every_rung_from_one_decode() -> None:
    assert arguments(make_video(rungs=TWO_RUNGS), MIDDLE) == [
        *opened("6.006000"),
        "-filter_complex",
        "[0:0]settb=1/24000[s0];[s0]setpts=PTS-(0)[s1];[s1]trim=end_pts=288288:start_pts=144144[s2];"
        "[s2]scale=1280:720:flags=bicubic:out_range=limited[s3];[s3]format=yuv420p[s4];[s4]setsar=1[s5];"
        "[s5]split=2[s6][s7];[s7]scale=854:480:flags=bicubic[s8];[s8]setsar=1[s9]",
        *("-map", "[s6]", *rung_argv("3.1", "2700000", "5400000"), "pipe:3"),
        *("-map", "[s9]", *rung_argv("3.0", "1500000", "3000000"), "pipe:4"),
        "-copyts",
    ]


def test_a_preset_of_our_own_is_one_of_x264_s_and_what_is_set_beside() -> None:
    video = make_video()
    plan = Plan(**{**vars(make_plan(video=video)), "preset": "superfast-lookahead"})
    argv = ladder_arguments(plan, video, video.rungs, WHOLE, SOURCE)
    assert value(argv, "-preset") == "superfast"
    assert value(argv, "-x264-params") == "stitchable=1:mbtree=1:rc-lookahead=10:weightp=1"


def test_the_film_s_start_needs_no_seek_and_no_trim() -> None:
    argv = arguments(make_video(), WHOLE)
    assert argv[: len(opened())] == opened()
    assert not any(step.startswith("trim") for step in filters(argv))


def test_the_last_span_is_open_for_frames_the_probe_never_saw() -> None:
    assert "trim=start_pts=288288" in filters(arguments(make_video(), LAST))


def test_a_rate_that_was_sampled_is_sought_and_trimmed_half_a_frame_early() -> None:
    video = make_video(tolerance_ticks=500)
    assert seek(video, MIDDLE) == f"{(144_144 - 500) / 24_000:.6f}"
    assert "trim=end_pts=287788:start_pts=143644" in filters(arguments(video, MIDDLE))


@pytest.mark.parametrize(
    ("video", "span", "indexed", "start", "sought"),
    [
        pytest.param(make_video(), MIDDLE, True, Fraction(0), "6.006000", id="to the cut itself"),
        pytest.param(make_video(), MIDDLE, True, Fraction(10), "16.006000", id="on the original's own clock"),
        pytest.param(
            make_video(longest_gop_seconds=Fraction("0.5")),
            MIDDLE,
            False,
            Fraction(0),
            "0.506000",
            id="without an index: a GOP and five seconds back",
        ),
        pytest.param(make_video(), MIDDLE, False, Fraction(0), None, id="without an index, near the start: not at all"),
        pytest.param(
            make_video(interlaced=True), MIDDLE, True, Fraction(0), "5.922583", id="interlaced: two frames back"
        ),
        pytest.param(
            make_video(),
            Span(first=2, last=2, seek_back_seconds=Fraction(3)),
            True,
            Fraction(0),
            "9.012000",
            id="back after a try that came too late",
        ),
        pytest.param(
            make_video(frames_end_ticks=100 * 1001),
            LAST,
            True,
            Fraction(0),
            f"{98 * 1001 / 24_000:.6f}",
            id="behind the last frame: to the frame that is repeated",
        ),
    ],
)
def test_a_span_is_sought(video: VideoPlan, span: Span, indexed: bool, start: Fraction, sought: str | None) -> None:
    assert seek(video, span, indexed=indexed, start=start) == sought


def test_frames_are_counted_from_the_film_s_start() -> None:
    assert filters(arguments(make_video(timescale=90_000, origin_ticks=-1920), WHOLE))[:2] == [
        "settb=1/90000",
        "setpts=PTS-(-1920)",
    ]


def test_only_interlaced_pictures_are_deinterlaced_one_frame_for_one() -> None:
    assert filters(arguments(make_video(interlaced=True), WHOLE))[2:4] == [
        "bwdif=deint=interlaced:mode=send_frame",
        "settb=1/24000",
    ]
    assert not any(step.startswith("bwdif") for step in filters(arguments(make_video(), WHOLE)))


@pytest.mark.parametrize(
    ("transfer", "colour", "tagged"),
    [
        pytest.param(
            "pq",
            ("bt2020", "smpte2084", "bt2020nc", "tv"),
            "color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc",
            id="HDR10",
        ),
        pytest.param(
            "hlg",
            ("", "", "", ""),
            "color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc",
            id="HLG without its tags",
        ),
    ],
)
def test_hdr_is_tone_mapped_once_at_the_top_rung(transfer: str, colour: tuple[str, str, str, str], tagged: str) -> None:
    argv = arguments(make_video(transfer=transfer, colour=colour, rungs=TWO_RUNGS), WHOLE)
    assert filters(argv)[2:11] == [
        "scale=1280:720:flags=bicubic:out_range=limited",
        f"setparams={tagged}",
        "zscale=npl=100:t=linear",
        "format=pix_fmts=gbrpf32le",
        "zscale=p=bt709",
        "tonemap=desat=0:tonemap=hable",
        "zscale=m=bt709:r=tv:t=bt709",
        "format=yuv420p",
        "setsar=1",
    ]
    assert colours(argv) == ("bt709", "bt709", "bt709", "tv")


@pytest.mark.parametrize(
    ("colour", "told"),
    [
        pytest.param(
            ("smpte170m", "bt709", "smpte170m", "pc"), ("smpte170m", "bt709", "smpte170m", "tv"), id="as they are"
        ),
        pytest.param(("", "", "bt470bg", ""), (None, None, "bt470bg", "tv"), id="unset where nobody knows"),
    ],
)
def test_colours_are_told(colour: tuple[str, str, str, str], told: tuple[str | None, ...]) -> None:
    assert colours(arguments(make_video(colour=colour), WHOLE)) == told


def colours(argv: list[str]) -> tuple[str | None, ...]:
    return tuple(value(argv, name) for name in ("-color_primaries", "-color_trc", "-colorspace", "-color_range"))


@pytest.mark.parametrize("timescale", [10_008, 24_000, 90_000])
def test_filters_encoder_and_track_tick_alike(timescale: int) -> None:
    argv = arguments(make_video(timescale=timescale), WHOLE)
    assert value(argv, "-enc_time_base") == f"1/{timescale}"
    assert value(argv, "-video_track_timescale") == str(timescale)
    assert filters(argv)[0] == f"settb=1/{timescale}"


def keyframes(video: VideoPlan) -> list[float]:
    told = value(arguments(video, Span(first=0, last=len(video.cuts) - 2)), "-force_key_frames")
    return [float(time) for time in (told or "").split(",")]


@pytest.mark.parametrize(
    ("rate", "timescale", "frames"),
    [
        pytest.param(Fraction(25), 12_800, (150, 150, 77), id="25"),
        pytest.param(Fraction(24_000, 1001), 24_000, (144, 144, 95), id="23.976, the tail two seconds and a bit twice"),
        pytest.param(Fraction(30_000, 1001), 30_000, (180, 179), id="29.97"),
        pytest.param(Fraction(60), 15_360, (360, 360, 1), id="60"),
        pytest.param(Fraction(1), 10_000, (6, 6), id="1"),
    ],
)
def test_keyframes_fall_on_each_cut_and_at_most_two_seconds_apart(
    rate: Fraction, timescale: int, frames: tuple[int, ...]
) -> None:
    shown = [n / rate for n in range(sum(frames) + 1)]
    cuts = [sum(frames[:k]) for k in range(len(frames) + 1)]
    video = make_video(timescale=timescale, frame_rate=rate, cuts=tuple(round(shown[cut] * timescale) for cut in cuts))
    coded = [min(n for n, time in enumerate(shown) if time >= told) for told in keyframes(video)]
    assert set(cuts[:-1]) <= set(coded)
    assert max(shown[later] - shown[earlier] for earlier, later in pairwise([*coded, cuts[-1]])) <= 2


def test_a_keyframe_is_never_asked_for_after_its_frame() -> None:
    """Ticks finer than the microseconds that ffmpeg reads."""
    cuts = tuple(1_001_000_667 * 6 * k for k in range(4))
    video = make_video(timescale=10**9, frame_rate=Fraction(1000, 1001), cuts=cuts)
    told = value(arguments(video, WHOLE), "-force_key_frames")
    assert told is not None
    for cut in cuts[1:3]:
        assert any(0 <= cut - Fraction(time) * 10**9 < 2000 for time in told.split(","))


def test_the_last_frame_is_repeated_at_the_film_s_rate_under_longer_sound() -> None:
    video = make_video(cuts=frame_cuts(3), frames_end_ticks=100 * 1001)
    assert filters(arguments(video, WHOLE))[2:5] == [
        "tpad=stop=333:stop_mode=clone",
        "setpts=if(gt(PTS,99099)+lte(PTS,PREV_INPTS),99099+floor(st(0,ld(0)+1)*1001/1),PTS)",
        "trim=end_pts=432432",
    ]


def test_half_a_second_more_of_sound_repeats_nothing() -> None:
    video = make_video(frames_end_ticks=frame_cuts(3)[-1] - 12_000)
    assert not any(step.startswith("tpad") for step in filters(arguments(video, WHOLE)))


IRREGULAR = "select='lt(mod(n,10),6)',settb=1/90000,setpts=PTS+mod(N*1237\\,3001)"


@pytest.mark.parametrize(
    ("name", "pictures"),
    [
        pytest.param("still.mkv", ("-r", "25"), id="that claims a rate"),
        pytest.param("still.mp4", ("-vf", IRREGULAR, "-fps_mode", "passthrough"), id="whose rate is anybody's guess"),
    ],
)
async def test_repetitions_start_where_the_plan_cuts_in_a_film(
    tmp_path: Path, name: str, pictures: tuple[str, ...]
) -> None:
    original = clips_folder() / name
    make(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2", *SOUND, *pictures, *X264),
        *("-enc_time_base", "1/90000", "-video_track_timescale", "90000", "-c:a", "aac", str(original)),
    )
    frame = Fraction(10_000, 15)
    last = round(Fraction(decoded_times(original)[-1] * 10_000, 1000 if name.endswith("mkv") else 90_000))
    repeated = [last + int(frame * n) for n in range(1, 100)]
    video = make_video(
        timescale=10_000,
        frame_rate=Fraction(15),
        frames_end_ticks=last + int(frame),
        cuts=(0, repeated[5], 40_000),
        rungs=(RUNG,),
    )
    plan = Plan(**{**vars(make_plan(video=video)), "format_name": "matroska" if name.endswith("mkv") else "mov"})
    await cut_video(
        pipe(encoded(plan, "720p", LAST_OF_TWO, original)), target(tmp_path, plan.grid("720p"), LAST_OF_TWO)
    )
    made = samples_of(tmp_path / "00001.m4s")
    assert sorted(sample.time for sample in made) == [time for time in repeated[5:] if time < 40_000]
