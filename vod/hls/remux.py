"""The argv that repacks the original's own pictures, undecoded, where their container cannot be read in place.

MPEG-TS and FLV keep no index, and their samples lie in pieces or without their lengths. Pure; `vod.hls.cutter` finds
the span in what comes, which begins and ends a little beyond it, on the original's own clock.
"""

from __future__ import annotations

from fractions import Fraction

import ffmpeg

from vod.ffmpeg.guards import input_guards
from vod.ffmpeg.source import Source
from vod.hls.encode import FIRST_PIPE, FRAGMENT_FLAGS, MUXER_OPTIONS, Input, Span, compiled, open_original
from vod.hls.picture import video_seek
from vod.hls.plan import Plan, VideoPlan

# ffmpeg ends the output by decoding times, which lie before the times that the plan has.
END_MARGIN_SECONDS = Fraction(1)
HEADER_FRAMES = 1
_OPTIONS: dict[str, object] = {
    "c:v": "copy",
    **MUXER_OPTIONS,
    # a fragment from keyframe to keyframe: the cutter sees every place to cut at
    "movflags": f"{FRAGMENT_FLAGS}+frag_keyframe",
}


def remux_arguments(plan: Plan, video: VideoPlan, span: Span, source: Input) -> list[str]:
    options = _OPTIONS | {"video_track_timescale": video.timescale}
    if span.last + 1 < len(video.cuts) - 1:
        end = Fraction(video.cuts[span.last + 1], video.timescale) + plan.start_seconds + END_MARGIN_SECONDS
        options["to"] = f"{float(end):.6f}"
    original = open_original(plan, source, video_seek(plan, video, span))[str(video.stream_index)]
    return compiled([ffmpeg.output(original, f"pipe:{FIRST_PIPE}", **options)])


def remux_header_arguments(film: Source, stream_index: int, source: Input) -> list[str]:
    """For the `moov` alone, before there is a plan."""
    guards = input_guards(max_pixels=source.max_pixels, format_name=film.format_name, threads=source.threads)
    original = ffmpeg.input(f"file:{source.path}", **guards)[str(stream_index)]
    return compiled([ffmpeg.output(original, f"pipe:{FIRST_PIPE}", **_OPTIONS, **{"frames:v": HEADER_FRAMES})])
