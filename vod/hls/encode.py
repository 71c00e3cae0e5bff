"""What the argv of every span shares: opening the original safely, writing fragments into pipes.

Pure. A span is made by one ffmpeg process whose output n goes to `pipe:{FIRST_PIPE + n}` as fragmented MP4;
`vod.hls.cutter` makes segments of it. Frames keep the original's times (design.md section 2, rules 2-4).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from vod.ffmpeg.guards import input_guards
from vod.hls.plan import Plan

FIRST_PIPE = 3

# How far before the wanted time a demuxer without an index is sent: its seeks are guesses by bit rate
# (MPEG-TS lost 45-68 frames without it).
UNINDEXED_MARGIN_SECONDS = Fraction(5)

FRAGMENT_FLAGS = "+empty_moov+default_base_moof+frag_discont+negative_cts_offsets"
MUXER_OPTIONS: dict[str, object] = {
    "f": "mp4",
    # no edit list: times are in the fragments alone
    "use_editlist": 0,
    "avoid_negative_ts": "disabled",
    # the original's tags and chapters are the catalog's business
    "map_metadata": -1,
    "map_chapters": -1,
    # no version strings: the same bytes from every build
    "fflags": "+bitexact",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    path: Path
    max_pixels: int
    threads: int  # of the decoder and of each encoder
    device: str = ""  # of encoders in hardware: the render node


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Segments `first`..`last`, both included. `seek_back_seconds` is added where a first try came too late."""

    first: int
    last: int
    seek_back_seconds: Fraction = Fraction(0)


def compiled(outputs: list[Any], *global_arguments: str) -> list[str]:
    merged = ffmpeg.merge_outputs(*outputs) if len(outputs) > 1 else outputs[0]
    # timestamps of the original all the way: a span's frames lie where they lie in the film
    argv: list[str] = merged.global_args("-copyts", *global_arguments).compile()
    return argv[1:]


def open_original(plan: Plan, source: Input, seek_seconds: Fraction | None) -> Any:
    options = input_guards(max_pixels=source.max_pixels, format_name=plan.format_name, threads=source.threads)
    if seek_seconds is not None:
        options |= {
            "ss": f"{float(seek_seconds):.6f}",
            # the time is on the file's own clock, not counted from its start
            "seek_timestamp": 1,
            # keep what lies between the keyframe and the cut: the trim filter drops it to the tick
            "noaccurate_seek": None,
        }
    return ffmpeg.input(f"file:{source.path}", **options)


def seek_time(plan: Plan, span: Span, wanted: Fraction) -> Fraction | None:
    return None if span.first == 0 or wanted <= 0 else plan.start_seconds + wanted
