"""What a probe says becomes a grid on which every frame and every sample has exactly one place."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from functools import partial
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clips import clip
from vod.containers.mp4 import read_tracks
from vod.errors import SourceError
from vod.ffmpeg.source import AudioStream, Colour, FrameTimes, Source, VideoStream
from vod.hls.plan import Plan, VideoPlan
from vod.hls.planning import PlanSettings, make_plan

SETTINGS = PlanSettings(segment_seconds=Fraction(6), preset="veryfast", crf=23, max_lines=1080)
AAC = 1024

make_stream = partial(
    VideoStream,
    index=0,
    codec="h264",
    profile="High",
    pixel_format="yuv420p",
    bit_depth=8,
    width=640,
    height=360,
    sample_aspect=Fraction(1),
    rotation=0,
    interlaced=False,
    colour=Colour(),
    transfer="sdr",
    time_base=Fraction(1, 12_800),
    frame_rate=Fraction(25),
)

make_track = partial(
    AudioStream,
    index=1,
    codec="aac",
    profile="LC",
    sample_rate=48_000,
    channels=2,
    layout="stereo",
    time_base=Fraction(1, 48_000),
    start_ticks=0,
    frame_samples=AAC,
    language="en",
    title="",
    default=True,
    commentary=False,
    visually_impaired=False,
    duration_seconds=Fraction(20),
)

make_source = partial(
    Source, format_name="mov", indexed=True, size_bytes=1, start_seconds=Fraction(0), video=None, frame_times=None
)


def counted(
    frames: int, rate: Fraction, time_base: Fraction, *, first_ticks: int = 0, listed: bool = True
) -> FrameTimes:
    """A constant rate, as a scan lists it or as samples prove it."""
    step = 1 / rate / time_base
    ticks = [first_ticks + round(step * n) for n in range(frames + 1)]
    return FrameTimes(
        first_ticks=first_ticks,
        end_ticks=ticks[-1],
        frame_count=frames,
        frame_duration=1 / rate,
        ticks=tuple(ticks[:-1]) if listed else (),
        longest_gop_seconds=Fraction(2),
    )


def irregular(ticks: list[int], end_ticks: int) -> FrameTimes:
    return FrameTimes(
        first_ticks=ticks[0], end_ticks=end_ticks, frame_count=len(ticks), frame_duration=None, ticks=tuple(ticks)
    )


def plan_of(
    times: FrameTimes,
    *,
    time_base: Fraction = Fraction(1, 1000),
    duration: Fraction | None = None,
    start: Fraction = Fraction(0),
    audio: tuple[AudioStream, ...] = (),
) -> Plan:
    """Of a film that ends with its last frame where no duration is given."""
    source = make_source(
        start_seconds=start,
        duration_seconds=times.end_ticks * time_base - start if duration is None else duration,
        video=make_stream(time_base=time_base),
        frame_times=times,
        audio=audio,
    )
    return make_plan(source, SETTINGS)


def video_of(plan: Plan) -> VideoPlan:
    assert plan.video is not None
    return plan.video


def cut_seconds(plan: Plan) -> list[Fraction]:
    video = video_of(plan)
    return [Fraction(cut, video.timescale) for cut in video.cuts]


def sound_of(duration: Fraction, rate: int = 48_000) -> Plan:
    return make_plan(make_source(duration_seconds=duration, audio=(make_track(sample_rate=rate),)), SETTINGS)


def test_a_counted_rate_is_cut_at_its_own_frames() -> None:
    base = Fraction(1, 24_000)
    video = video_of(plan_of(counted(340, Fraction(24_000, 1001), base), time_base=base))
    assert (video.timescale, video.ticks_per_source_tick, video.tolerance_ticks) == (24_000, 1, 0)
    assert video.cuts == (0, 144 * 1001, 288 * 1001, 340 * 1001)
    assert (video.frame_count, video.frames_end_ticks) == (340, 340 * 1001)


def test_frames_that_a_container_rounds_are_cut_where_they_are() -> None:
    """Matroska's milliseconds: frame 180 of 29.97 frames a second is at 6.006 s, written as 6006."""
    times = counted(400, Fraction(30_000, 1001), Fraction(1, 1000))
    assert video_of(plan_of(times)).cuts == tuple(10 * tick for tick in (*times.ticks[::180], times.end_ticks))


def test_a_sampled_rate_is_cut_one_tick_early_and_forgives_half_a_frame() -> None:
    base = Fraction(1, 12_800)
    video = video_of(plan_of(counted(400, Fraction(25), base, listed=False), time_base=base))
    assert video.cuts == (0, 150 * 512 - 1, 300 * 512 - 1, 400 * 512)
    assert (video.tolerance_ticks, video.frame_count) == (256, 0)


def test_a_sampled_rate_begins_where_its_first_frame_does() -> None:
    base = Fraction(1, 12_800)
    times = counted(400, Fraction(25), base, first_ticks=2560, listed=False)
    assert video_of(plan_of(times, time_base=base)).cuts == (
        0,
        2560 + 150 * 512 - 1,
        2560 + 300 * 512 - 1,
        2560 + 400 * 512,
    )


def test_a_variable_rate_is_cut_at_the_first_frame_after_each_six_seconds() -> None:
    plan = plan_of(irregular([0, 2500, 5900, 6200, 7000, 11_990, 12_000, 15_000], 16_000))
    assert cut_seconds(plan) == [0, Fraction("6.2"), 12, 16]
    assert video_of(plan).tolerance_ticks == 0


def test_a_gap_longer_than_a_segment_lengthens_its_segment() -> None:
    plan = plan_of(irregular([0, 1000, 20_000, 21_000, 25_000], 26_000))
    assert cut_seconds(plan) == [0, 20, 25, 26]


def test_a_cut_right_behind_a_gap_s_end_is_left_out() -> None:
    """The first frames at or after 6 s and 12 s lie ten milliseconds apart."""
    plan = plan_of(irregular([0, 11_990, 12_000, 15_000, 18_000], 20_000), audio=(make_track(),))
    assert cut_seconds(plan) == [0, Fraction("11.99"), 18, 20]
    assert len(plan.audio[0].cuts) == 4


@pytest.mark.parametrize("constant", [True, False], ids=["constant rate", "variable rate"])
def test_a_picture_that_begins_after_the_sound_begins_in_the_first_segment(constant: bool) -> None:
    ticks = list(range(10_000, 30_000, 40))
    times = counted(500, Fraction(25), Fraction(1, 1000), first_ticks=10_000) if constant else irregular(ticks, 30_000)
    video = video_of(plan_of(times))
    assert video.cuts[0] == 0
    assert video.cuts[1] > 10_000 * 10


def test_sound_that_ends_soon_after_the_picture_stretches_the_last_segment() -> None:
    plan = plan_of(counted(300, Fraction(25), Fraction(1, 1000)), duration=Fraction("12.3"))
    assert cut_seconds(plan) == [0, 6, Fraction("12.3")]
    assert video_of(plan).frames_end_ticks == 120_000


def test_sound_that_ends_long_after_the_picture_goes_on_in_the_grid() -> None:
    plan = plan_of(counted(325, Fraction(25), Fraction(1, 1000)), duration=Fraction(33))
    assert cut_seconds(plan) == [0, 6, 12, 18, 24, 30, 33]
    assert video_of(plan).frames_end_ticks == 130_000


@pytest.mark.parametrize(
    ("frames", "cuts"),
    [
        pytest.param(311, [0, 6, Fraction("12.44")], id="0.44 s joins the segment before"),
        pytest.param(312, [0, 6, 12, Fraction("12.48")], id="0.48 s stands alone"),
        pytest.param(301, [0, 6, Fraction("12.04")], id="a single frame joins"),
        pytest.param(300, [0, 6, 12], id="no tail at all"),
        pytest.param(5, [0, Fraction("0.2")], id="the only segment stays, however short"),
    ],
)
def test_a_short_tail_joins_the_segment_before(frames: int, cuts: list[Fraction]) -> None:
    assert cut_seconds(plan_of(counted(frames, Fraction(25), Fraction(1, 1000)))) == cuts


@pytest.mark.parametrize(
    ("times", "duration", "cuts"),
    [
        pytest.param(irregular([0], 40), None, [0, Fraction("0.04")], id="with its duration"),
        pytest.param(irregular([0], 0), Fraction("0.02"), [0, Fraction("0.02")], id="without"),
        pytest.param(irregular([0], 40), Fraction(20), [0, 6, 12, 18, 20], id="under twenty seconds of sound"),
        pytest.param(irregular([0], 19_000), Fraction(20), [0, 6, 12, 18, 20], id="shown for nearly all of the sound"),
    ],
)
def test_a_film_of_one_frame_has_a_grid(times: FrameTimes, duration: Fraction | None, cuts: list[Fraction]) -> None:
    assert cut_seconds(plan_of(times, duration=duration)) == cuts


@pytest.mark.parametrize(
    ("time_base", "timescale", "ticks_per_source_tick"),
    [
        pytest.param(Fraction(1, 24), 10_008, 417, id="one frame a tick"),
        pytest.param(Fraction(100, 2997), 11_988, 400, id="AVI's 29.97"),
        pytest.param(Fraction(1001, 30_000), 30_000, 1001, id="NTSC"),
        pytest.param(Fraction(1, 1000), 10_000, 10, id="Matroska"),
        pytest.param(Fraction(1, 90_000), 90_000, 1, id="MPEG-TS"),
    ],
)
def test_ticks_are_much_finer_than_frames(time_base: Fraction, timescale: int, ticks_per_source_tick: int) -> None:
    rate = min(1 / time_base, Fraction(25))
    video = video_of(plan_of(counted(400, rate, time_base), time_base=time_base))
    assert (video.timescale, video.ticks_per_source_tick) == (timescale, ticks_per_source_tick)
    frames = round(6 * rate)
    assert video.cuts[:3] == tuple(round(n * frames / rate / time_base) * ticks_per_source_tick for n in range(3))


def test_time_zero_is_where_the_original_begins() -> None:
    """The demuxer's clock stands at ten hours there, and the sound begins 21 ms before the picture."""
    base, start = Fraction(1, 90_000), Fraction(36_000) - Fraction(1024, 48_000)
    plan = plan_of(counted(300, Fraction(25), base, first_ticks=36_000 * 90_000), time_base=base, start=start)
    video = video_of(plan)
    assert video.origin_ticks == 36_000 * 90_000 - 1920
    assert video.cuts == (0, 150 * 3600 + 1920, 300 * 3600 + 1920)


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        pytest.param(counted(100, Fraction(24_000, 1001), Fraction(1, 1000)), Fraction(24_000, 1001), id="constant"),
        pytest.param(irregular([0, 100, 1000, 1100], 2000), Fraction(2), id="the average of a variable one"),
        pytest.param(irregular([0, 10_000], 60_000), Fraction(1), id="never under one"),
        pytest.param(counted(3, Fraction(1, 6), Fraction(1, 1000)), Fraction(1), id="nor where it is constant"),
        pytest.param(irregular([0, 1, 2], 3), Fraction(240), id="never over 240"),
        pytest.param(irregular([0], 40_000), Fraction(25), id="any for one frame"),
        pytest.param(counted(1, Fraction(90_000), Fraction(1, 90_000)), Fraction(25), id="which may last one tick"),
    ],
)
def test_the_frame_rate_is_one_that_encoders_take(times: FrameTimes, rate: Fraction) -> None:
    assert video_of(plan_of(times, duration=Fraction(60))).frame_rate == rate


@pytest.mark.parametrize(
    ("duration", "cuts"),
    [
        pytest.param(Fraction(20), [0, 281, 562, 844, 938], id="the last frame is padded"),
        pytest.param(Fraction("12.3"), [0, 281, 577], id="a short tail joins"),
        pytest.param(Fraction("0.001"), [0, 1], id="a click"),
    ],
)
def test_sound_alone_is_cut_at_whole_aac_frames_near_six_seconds(duration: Fraction, cuts: list[int]) -> None:
    plan = sound_of(duration)
    assert plan.video is None
    assert plan.audio[0].cuts == tuple(AAC * cut for cut in cuts)


def test_sound_is_cut_as_near_to_the_picture_s_cuts_as_whole_frames_allow() -> None:
    plan = plan_of(counted(340, Fraction(24_000, 1001), Fraction(1, 1000)), audio=(make_track(),))
    assert plan.audio[0].cuts == (0, 282 * AAC, 563 * AAC, 665 * AAC)


@pytest.mark.parametrize(
    ("rate", "made"),
    [(48_000, 48_000), (44_100, 44_100), (96_000, 48_000), (22_050, 44_100), (8_000, 48_000), (11_025, 44_100)],
)
def test_sound_keeps_its_rate_or_takes_the_nearest_of_its_family(rate: int, made: int) -> None:
    assert sound_of(Fraction(20), rate).audio[0].sample_rate == made


@pytest.mark.parametrize(
    ("codec", "frame_samples", "lattice"),
    [
        pytest.param("aac", 2048, 2048, id="measured"),
        pytest.param("ac3", 0, 1536, id="by codec"),
        pytest.param("opus", 0, 0, id="unknown"),
    ],
)
def test_the_lattice_of_packets_is_measured_or_the_codec_s(codec: str, frame_samples: int, lattice: int) -> None:
    track = make_track(codec=codec, frame_samples=frame_samples)
    plan = make_plan(make_source(duration_seconds=Fraction(20), audio=(track,)), SETTINGS)
    assert plan.audio[0].source_frame_samples == lattice


@pytest.mark.parametrize("picture", [True, False])
def test_sound_of_a_single_segment_is_cut_in_two_for_vlc_to_show_subtitles(picture: bool) -> None:
    frames = counted(50, Fraction(25), Fraction(1, 1000))
    plan = plan_of(frames, audio=(make_track(),)) if picture else sound_of(Fraction(2))
    (audio,) = plan.audio
    assert audio.cuts == (0, 47 * AAC, 94 * AAC)


@pytest.mark.parametrize(
    ("channels", "names"),
    [
        pytest.param(6, ["audio-eng", "audio-eng-surround"], id="surround is kept beside stereo"),
        pytest.param(2, ["audio-eng"], id="what is no surround is there as AAC alone"),
    ],
)
def test_dolby_digital_is_handed_on_for_its_surround(channels: int, names: list[str]) -> None:
    (indexed,) = read_tracks(clip(f"dolby-{channels}.mp4"))
    track = make_track(index=0, codec="ac3", channels=channels, duration_seconds=Fraction(4))
    source = make_source(duration_seconds=Fraction(4), video=None, frame_times=None, audio=(track,))
    plan = make_plan(source, SETTINGS, {0: indexed})
    assert [sound.name for sound in plan.sounds] == names


def test_every_track_has_its_own_name_label_and_lane() -> None:
    tracks = [
        ("en", "", False),
        ("en-GB", "", True),
        ("en", "Commentary", True),
        ("und", "", False),
        ("und", "", False),
    ]
    audio = tuple(
        make_track(index=n + 1, language=language, title=title, default=default)
        for n, (language, title, default) in enumerate(tracks)
    )
    plan = make_plan(make_source(duration_seconds=Fraction(20), audio=audio), SETTINGS)
    assert [(track.name, track.label, track.lane, track.default) for track in plan.audio] == [
        ("audio-eng", "English", "audio-0", False),
        ("audio-eng-2", "English (United Kingdom)", "audio-1", True),
        ("audio-eng-3", "Commentary", "audio-2", False),
        ("audio-und", "Audio", "audio-3", False),
        ("audio-und-2", "Audio 2", "audio-4", False),
    ]


def test_the_first_track_is_the_default_where_none_says_so() -> None:
    audio = tuple(make_track(index=n, default=False) for n in (1, 2))
    plan = make_plan(make_source(duration_seconds=Fraction(20), audio=audio), SETTINGS)
    assert [track.default for track in plan.audio] == [True, False]


@pytest.mark.parametrize("captions", [True, False])
def test_captions_are_where_the_pictures_have_them(captions: bool) -> None:
    times = counted(100, Fraction(25), Fraction(1, 1000))
    source = make_source(duration_seconds=Fraction(4), video=make_stream(captions=captions), frame_times=times)
    assert make_plan(source, SETTINGS).captions is captions


def test_a_file_without_picture_and_sound_is_refused() -> None:
    with pytest.raises(SourceError, match="neither a picture nor sound"):
        make_plan(make_source(duration_seconds=Fraction(20)), SETTINGS)


gaps = st.lists(st.integers(4, 20_000), min_size=1, max_size=60)
delays = st.integers(0, 15_000)  # of the first frame behind time 0, in milliseconds
overhangs = st.integers(0, 20_000)  # of the sound behind the last frame
rates = st.sampled_from([Fraction(24_000, 1001), Fraction(25), Fraction(30_000, 1001), Fraction(60), Fraction(7, 2)])


@settings(deadline=None)  # a busy machine is no failure
@given(gaps=gaps, delay=delays, overhang=overhangs)
def test_every_frame_of_a_variable_rate_has_one_segment_and_every_segment_a_frame(
    gaps: list[int], delay: int, overhang: int
) -> None:
    *ticks, end = accumulate([delay, *gaps])
    plan = plan_of(irregular(ticks, end), duration=Fraction(end + overhang, 1000), audio=(make_track(),))
    assert_grid_is_sound(plan)
    assert_segments_hold(plan, [10 * tick for tick in ticks])


@settings(deadline=None)  # a busy machine is no failure
@given(frames=st.integers(2, 2000), rate=rates, delay=delays, overhang=overhangs, listed=st.booleans())
def test_every_frame_of_a_constant_rate_has_one_segment_and_every_segment_a_frame(
    frames: int, rate: Fraction, delay: int, overhang: int, listed: bool
) -> None:
    base = Fraction(1, 1000)
    times = counted(frames, rate, base, first_ticks=delay, listed=listed)
    duration = Fraction(times.end_ticks + overhang, 1000)
    plan = plan_of(times, time_base=base, duration=duration, audio=(make_track(),))
    assert_grid_is_sound(plan)
    assert_segments_hold(plan, [10 * tick for tick in counted(frames, rate, base, first_ticks=delay).ticks])


@settings(deadline=None)  # a busy machine is no failure
@given(duration=st.fractions(Fraction(1, 1000), 100), rate=st.sampled_from([8_000, 44_100, 48_000, 96_000]))
def test_sound_alone_is_covered(duration: Fraction, rate: int) -> None:
    (audio,) = sound_of(duration, rate).audio
    assert_rises(audio.cuts)
    assert all(cut % AAC == 0 for cut in audio.cuts)
    assert 0 <= audio.cuts[-1] - duration * audio.sample_rate < AAC


def assert_grid_is_sound(plan: Plan) -> None:
    video, (audio,) = video_of(plan), plan.audio
    assert_rises(video.cuts)
    assert_rises(audio.cuts)
    assert video.cuts[0] == audio.cuts[0] == 0
    assert video.cuts[-1] == round(plan.duration_seconds * video.timescale)
    assert all(cut % AAC == 0 for cut in audio.cuts)
    assert 0 <= audio.cuts[-1] - plan.duration_seconds * audio.sample_rate < AAC
    in_two = len(video.cuts) == 2 and plan.duration_seconds >= Fraction(9, 10)
    assert len(audio.cuts) == len(video.cuts) + in_two


def assert_segments_hold(plan: Plan, frames: list[int]) -> None:
    """All that end before the last frame hold one; those behind it repeat it."""
    video = video_of(plan)
    holders = {bisect_right(video.cuts, tick + video.tolerance_ticks) - 1 for tick in frames}
    assert holders == set(range(max(holders) + 1))
    assert max(holders) < len(video.cuts) - 1


def assert_rises(cuts: tuple[int, ...]) -> None:
    assert all(earlier < later for earlier, later in pairwise(cuts))
