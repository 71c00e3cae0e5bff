"""Subtitle renditions: which tracks a plan has, and cues as WebVTT segments on the grid of the film's other renditions.

A cue stands in every segment that it overlaps, with the same times and the same identifier, so that players which
start anywhere show it and those which play through show it once (RFC 8216 3.5; hls-rules.md 28). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from vod.ffmpeg.source import SubtitleStream
from vod.hls.grid import Grid
from vod.hls.plan import Plan, SubtitleKind, SubtitlePlan
from vod.hls.playlist import Extinf, MediaPlaylist, extinf_microseconds, target_duration
from vod.hls.track_names import label, three_letters, unique
from vod.storage import subtitle_segment_name
from vod.subtitles.cues import Cue
from vod.subtitles.webvtt import render_segment

# By ffprobe's codec name. Closed captions inside a video stream are no tracks of their own: they stay in the pictures,
# copied or encoded, where players read them (`Plan.captions`). ffmpeg 5.1 would read them only through a filter that
# opens files by name (`lavfi movie=`), past every whitelist.
KINDS: dict[str, SubtitleKind] = {
    **dict.fromkeys(("subrip", "srt", "text", "mov_text", "webvtt", "eia_608", "dvb_teletext"), "text"),
    **dict.fromkeys(("ass", "ssa"), "ass"),
    **dict.fromkeys(("hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub"), "picture"),
}

# Of one segment. Six seconds of any honest film hold a few hundred bytes; without a bound one hostile cue that lasts
# the whole film is written a thousand times over.
MOST_CUES_A_SEGMENT = 300
LARGEST_SEGMENT_CHARACTERS = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitleTrack:
    """What a playlist says of a subtitle rendition, wherever it comes from: the original or a file beside it."""

    name: str
    language: str  # BCP-47
    label: str
    default: bool
    forced: bool
    hearing_impaired: bool

    @classmethod
    def of(cls, planned: SubtitlePlan) -> SubtitleTrack:
        return cls(
            name=planned.name,
            language=planned.language,
            label=planned.label,
            default=planned.default,
            forced=planned.forced,
            hearing_impaired=planned.hearing_impaired,
        )


def plan_subtitles(streams: Sequence[SubtitleStream]) -> tuple[SubtitlePlan, ...]:
    """Tracks that nothing here can read are left out; at most one is the default."""
    known = [stream for stream in streams if stream.codec in KINDS]
    names = unique([f"subs-{three_letters(stream.language)}" for stream in known], "-")
    labels = unique([_label(stream) for stream in known], " ")
    default = next((n for n, stream in enumerate(known) if stream.default), None)
    return tuple(
        SubtitlePlan(
            name=names[n],
            stream_index=stream.index,
            kind=KINDS[stream.codec],
            codec=stream.codec,
            language=stream.language,
            label=labels[n],
            default=n == default,
            forced=stream.forced,
            hearing_impaired=stream.hearing_impaired,
        )
        for n, stream in enumerate(known)
    )


def subtitle_grid(plan: Plan) -> Grid:
    """The cuts of the first rendition: the pictures', or the sound's where there are none."""
    return plan.grid(next(iter(plan.renditions)))


def cut_into_segments(cues: Sequence[Cue], grid: Grid) -> Iterator[str]:
    """One WebVTT text a segment, in order; an empty one where nobody speaks. `cues` are in order of their start."""
    waiting = iter(enumerate(cues))
    following = next(waiting, None)
    shown: list[tuple[int, Cue]] = []
    for start, end in _segment_times(grid):
        shown = [entry for entry in shown if entry[1].end_ms > start]
        while following is not None and following[1].start_ms < end:
            if len(shown) < MOST_CUES_A_SEGMENT and following[1].end_ms > start:
                shown.append(following)
            following = next(waiting, None)
        yield render_segment(_fitting(shown))


def render_subtitle_playlist(plan: Plan, name: str) -> str:
    """Of a rendition with this name: as long as the film, cut where the film is cut."""
    durations = extinf_microseconds(subtitle_grid(plan))
    return MediaPlaylist(
        target_duration_seconds=target_duration(plan),
        map=None,
        segments=tuple(
            Extinf(microseconds=duration, uri=f"{name}/{subtitle_segment_name(number)}")
            for number, duration in enumerate(durations)
        ),
    ).render()


def _segment_times(grid: Grid) -> Iterator[tuple[Fraction, Fraction]]:
    """In milliseconds; the last segment takes what the film's end is too early for."""
    times = [Fraction(cut * 1000, grid.timescale) for cut in grid.cuts]
    yield from zip(times[:-1], (*times[1:-1], times[-1] + 1000), strict=True)


def _fitting(shown: list[tuple[int, Cue]]) -> Iterator[tuple[int, Cue]]:
    room = LARGEST_SEGMENT_CHARACTERS
    for number, cue in shown:
        room -= len(cue.text)
        if room > 0:
            yield number, cue


def _label(stream: SubtitleStream) -> str:
    found = label(stream.title, stream.language, "Subtitles")
    if stream.title:
        return found
    return f"{found} (forced)" if stream.forced else f"{found} (SDH)" if stream.hearing_impaired else found
