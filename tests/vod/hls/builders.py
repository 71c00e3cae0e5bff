"""Plans with defaults for whatever a test does not mean."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

from vod.hls.plan import AudioPlan, Plan, Rung, VideoPlan

TIMESCALE = 24_000
FILM_RATE = Fraction(24_000, 1001)
SAMPLE_RATE = 48_000


def frame_cuts(segments: int, *, frames: int = 144, ticks: int = 1001) -> tuple[int, ...]:
    return tuple(frames * ticks * number for number in range(segments + 1))


def sample_cuts(end_seconds: Fraction, *, segments: int) -> tuple[int, ...]:
    """Whole AAC frames nearest to equal parts."""
    frames = round(end_seconds * SAMPLE_RATE / 1024)
    return tuple(round(Fraction(frames * number, segments)) * 1024 for number in range(segments + 1))


make_rung = partial(
    Rung,
    name="720p",
    width=1280,
    height=720,
    profile="high",
    level="3.1",
    crf=23,
    peak_bps=2_700_000,
    buffer_bits=5_400_000,
)

make_video = partial(
    VideoPlan,
    stream_index=0,
    timescale=TIMESCALE,
    ticks_per_source_tick=1,
    origin_ticks=0,
    tolerance_ticks=0,
    cuts=frame_cuts(3),
    frames_end_ticks=3 * 144 * 1001,
    frame_rate=FILM_RATE,
    frame_count=3 * 144,
    longest_gop_seconds=Fraction(2),
    rotation=0,
    interlaced=False,
    transfer="sdr",
    colour=("bt709", "bt709", "bt709", "tv"),
    rungs=(make_rung(),),
)

make_audio = partial(
    AudioPlan,
    name="audio-eng",
    lane="audio-0",
    stream_index=1,
    sample_rate=SAMPLE_RATE,
    channels=2,
    bitrate_bps=128_000,
    cuts=sample_cuts(Fraction(18018, 1000), segments=3),
    source_sample_rate=SAMPLE_RATE,
    source_first_sample=0,
    source_frame_samples=1024,
    source_tick_seconds=Fraction(1, SAMPLE_RATE),
    language="en",
    label="English",
    default=True,
    commentary=False,
    visually_impaired=False,
)


def make_plan(*, video: VideoPlan | None = None, audio: tuple[AudioPlan, ...] = ()) -> Plan:
    """A film of 18.018 s with one 720p rung where nothing is given."""
    return Plan(
        format_name="mov",
        indexed=True,
        start_seconds=Fraction(0),
        duration_seconds=Fraction(18018, 1000),
        segment_seconds=Fraction(6),
        preset="veryfast",
        video=video or (None if audio else make_video()),
        audio=audio,
    )
