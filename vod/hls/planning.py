"""Source -> Plan: where the cuts are and which renditions there will be. Pure; all arithmetic is exact.

The grid (design.md section 2, rule 1): whole frames nearest to the nominal segment length. Where every frame's
time is known, cuts are those of real frames; where sampling proved a constant rate they are computed, and a
frame belongs to a segment if it is less than half a frame early.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from vod.containers.samples import NotCopyable
from vod.errors import SourceError
from vod.ffmpeg.source import FrameTimes, Source, VideoStream
from vod.hls.copies import Tracks, below, copy_picture
from vod.hls.encoders import ENCODERS
from vod.hls.ladder import choose_rungs
from vod.hls.plan import SOFTWARE, Plan, RemuxedRung, VideoPlan
from vod.hls.sound_planning import plan_audio
from vod.hls.subtitles import plan_subtitles

# Decode times are packed into the first frame's time (fmp4.decode_times): a tick must be much finer than a frame.
MIN_TIMESCALE = 10_000

# A shorter segment at the end, or behind a gap, joins the one before it, which stays within Apple 7.6's target + 0.5 s.
SHORTEST_SECONDS = Fraction(45, 100)

LONE_FRAME_RATE = Fraction(25)  # of a film of one frame, which is repeated for as long as its sound lasts


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    segment_seconds: Fraction
    preset: str
    crf: int
    max_lines: int
    encoder: str = SOFTWARE


def make_plan(
    source: Source, settings: PlanSettings, tracks: Tracks | None = None, *, copied_on_demand: bool = False
) -> Plan:
    """`tracks` is the original's index, where it has one: what can be is handed on as it is.

    Raises SourceError where nothing of the original can be shown or heard.
    """
    if source.video is None and not source.audio:
        raise SourceError("There is neither a picture nor sound in this file.")
    video = None
    if source.video is not None and source.frame_times is not None:
        video = _plan_video(source, source.video, source.frame_times, settings)
        video = _with_copy(video, source, source.video, settings, tracks or {})
    boundaries = _boundaries(video, source.duration_seconds, settings.segment_seconds)
    encoded, copied = plan_audio(source, boundaries, tracks or {})
    return Plan(
        format_name=source.format_name,
        indexed=source.indexed,
        start_seconds=source.start_seconds,
        duration_seconds=source.duration_seconds,
        segment_seconds=settings.segment_seconds,
        preset=settings.preset,
        video=video,
        audio=encoded,
        copied_audio=copied,
        copied_on_demand=copied_on_demand and (bool(copied) or (video is not None and video.copied is not None)),
        subtitles=plan_subtitles(source.subtitles),
        encoder=settings.encoder,
        captions=_has_captions(source, video, settings.encoder),
    )


def _has_captions(source: Source, video: VideoPlan | None, encoder: str) -> bool:
    """In every rendition: what a playlist tells of one variant it tells of all."""
    if source.video is None or video is None or not source.video.captions:
        return False
    return not video.rungs or ENCODERS[encoder].keeps_captions


def _plan_video(source: Source, stream: VideoStream, times: FrameTimes, settings: PlanSettings) -> VideoPlan:
    clock = _Clock.of(stream, source.start_seconds)
    end = clock.from_seconds(source.duration_seconds)
    rate = _frame_rate(times, stream)
    frames_end = _frames_end(times, clock, rate)
    starts = _segment_starts(times, clock, settings.segment_seconds)
    begun = max(starts[-1], clock.from_source(times.first_ticks))
    if end - begun > (settings.segment_seconds + SHORTEST_SECONDS) * clock.timescale:
        # The sound outlasts the picture by more than the last segment can hold.
        starts += _starts_after(begun, frames_end, end, settings.segment_seconds, rate, clock.timescale)
    return VideoPlan(
        stream_index=stream.index,
        timescale=clock.timescale,
        ticks_per_source_tick=clock.ticks_per_source_tick,
        origin_ticks=clock.origin_ticks,
        tolerance_ticks=int(clock.timescale / rate / 2) if times.frame_duration and not times.ticks else 0,
        cuts=(*_without_short_tail(starts, end, clock.timescale), end),
        frames_end_ticks=min(frames_end, end),
        frame_rate=rate,
        frame_count=len(times.ticks),
        longest_gop_seconds=times.longest_gop_seconds,
        rotation=stream.rotation,
        interlaced=stream.interlaced,
        transfer=stream.transfer,
        colour=(stream.colour.primaries, stream.colour.transfer, stream.colour.matrix, stream.colour.range),
        rungs=choose_rungs(
            stream.width,
            stream.height,
            stream.sample_aspect,
            stream.rotation,
            rate,
            max_lines=settings.max_lines,
            crf=settings.crf,
        ),
    )


def _with_copy(
    video: VideoPlan, source: Source, stream: VideoStream, settings: PlanSettings, tracks: Tracks
) -> VideoPlan:
    """The original's pictures are one more rung, and their keyframes are every rung's cuts."""
    try:
        copied = copy_picture(source, stream, tracks, settings.segment_seconds, video.cuts[-1])
    except NotCopyable as refusal:
        return replace(video, copy_refusal=str(refusal))
    rungs = below(copied.rung, video.rungs)
    video = replace(video, cuts=copied.cuts, tolerance_ticks=0, rungs=rungs)
    if isinstance(copied.rung, RemuxedRung):
        return replace(video, remuxed=copied.rung)
    return replace(video, copied=copied.rung)


@dataclass(frozen=True, slots=True)
class _Clock:
    """From the stream's ticks, with the film's time 0 anywhere, to ours, which count from it."""

    timescale: int
    ticks_per_source_tick: int
    origin_ticks: int

    @classmethod
    def of(cls, stream: VideoStream, start_seconds: Fraction) -> _Clock:
        base = stream.time_base
        finer = ceil(Fraction(MIN_TIMESCALE, base.denominator))
        timescale = base.denominator * finer
        return cls(timescale, base.numerator * finer, round(start_seconds * timescale))

    def from_source(self, ticks: int) -> int:
        return ticks * self.ticks_per_source_tick - self.origin_ticks

    def from_seconds(self, seconds: Fraction) -> int:
        return round(seconds * self.timescale)


def _frame_rate(times: FrameTimes, stream: VideoStream) -> Fraction:
    if times.frame_count < 2:
        return LONE_FRAME_RATE
    if times.frame_duration:
        return max(1 / times.frame_duration, Fraction(1))
    shown = (times.end_ticks - times.first_ticks) * stream.time_base
    measured = Fraction(times.frame_count) / shown if shown > 0 else LONE_FRAME_RATE
    return min(max(measured, Fraction(1)), Fraction(240)).limit_denominator(1001)


def _segment_starts(times: FrameTimes, clock: _Clock, segment_seconds: Fraction) -> list[int]:
    """The first is 0, whenever the first frame is; the others are where frames are (or are expected)."""
    if times.frame_duration is None:
        return _starts_by_time(times.ticks, clock, segment_seconds)
    frames = max(1, round(segment_seconds / times.frame_duration))
    if times.ticks:
        return [0, *(clock.from_source(tick) for tick in times.ticks[frames::frames])]
    first = clock.from_source(times.first_ticks)
    step = frames * times.frame_duration * clock.timescale
    # One source tick early, so that a container's rounding never puts a frame before the cut it starts.
    return [
        0,
        *(first + int(step * k) - clock.ticks_per_source_tick for k in range(1, -(-times.frame_count // frames))),
    ]


def _starts_by_time(ticks: tuple[int, ...], clock: _Clock, segment_seconds: Fraction) -> list[int]:
    """VFR: the first frame at or after each nominal cut; a gap without frames lengthens its segment."""
    frames = [clock.from_source(tick) for tick in ticks]
    step = segment_seconds * clock.timescale
    starts = [0]
    for k in range(1, int(frames[-1] / step) + 1):
        start = frames[bisect_left(frames, k * step)]
        # the very first frame belongs to segment 0, however late it comes
        if start > frames[0] and start - starts[-1] >= SHORTEST_SECONDS * clock.timescale:
            starts.append(start)
    return starts


def _frames_end(times: FrameTimes, clock: _Clock, rate: Fraction) -> int:
    """One frame behind the start of the last: a frame that stays for long is repeated like any still picture."""
    if times.ticks:
        return clock.from_source(times.ticks[-1]) + int(clock.timescale / rate)
    return clock.from_source(times.end_ticks)


def _starts_after(
    begun: int, frames_end: int, end: int, segment_seconds: Fraction, rate: Fraction, timescale: int
) -> list[int]:
    """The grid goes on behind the last frame, at the times that `picture` gives to its repetitions."""
    frame = timescale / rate
    step = max(1, round(segment_seconds * rate)) * frame
    last = frames_end - int(frame)
    repetitions = (round((begun + step * k - last) / frame) for k in range(1, ceil((end - begun) / step)))
    return [last + int(frame * n) for n in repetitions if n > 0]


def _without_short_tail(starts: list[int], end: int, timescale: int) -> list[int]:
    kept = [start for start in starts if start < end] or [0]
    if len(kept) > 1 and end - kept[-1] < SHORTEST_SECONDS * timescale:
        kept.pop()
    return kept


def _boundaries(video: VideoPlan | None, duration: Fraction, segment_seconds: Fraction) -> list[Fraction]:
    """Where the audio is cut, before it is moved to whole AAC frames; without the end."""
    if video is not None:
        starts = [Fraction(cut, video.timescale) for cut in video.cuts[:-1]]
    else:
        starts = [segment_seconds * k for k in range(max(1, ceil(duration / segment_seconds)))]
        if len(starts) > 1 and duration - starts[-1] < SHORTEST_SECONDS:
            starts.pop()
    # VLC 3 shows WebVTT only once another stream has outlasted its first read: beside one-segment streams it waits
    # for ever (adaptive's "Waiting sync reference", 3.0.24). Pictures may have no second keyframe; sound can be cut.
    if len(starts) == 1 and duration >= 2 * SHORTEST_SECONDS:
        starts.append(duration / 2)
    return starts
