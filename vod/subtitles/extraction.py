"""The argv of the one pass over an original that brings all of its subtitle tracks, each text track through a pipe of
its own, all tracks of pictures through the last.

Text is copied where its own format has a reader here, else ffmpeg's decoder makes SubRip of it. Pictures come as
packets in Matroska, which `vod.subtitles.packets` reads. All times are the original's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ffmpeg

from vod.ffmpeg.guards import input_guards

FIRST_PIPE = 3

TextFormat = Literal["srt", "webvtt", "ass"]

# By ffprobe's codec name: the format that comes through the pipe, and the encoder that writes it.
TEXT: dict[str, tuple[TextFormat, str]] = {
    "subrip": ("srt", "copy"),
    "srt": ("srt", "copy"),
    "webvtt": ("webvtt", "copy"),
    "ass": ("ass", "copy"),
    "ssa": ("ass", "copy"),
    **dict.fromkeys(("text", "mov_text", "eia_608", "dvb_teletext"), ("srt", "subrip")),
}
# What no code of the page draws becomes what some does: DVD pictures of four colours.
PICTURES: dict[str, str] = {
    "hdmv_pgs_subtitle": "copy",
    "dvd_subtitle": "copy",
    "dvb_subtitle": "dvdsub",
    "xsub": "dvdsub",
}

COMMON: dict[str, object] = {
    # the original's clock, whatever its first time is
    "avoid_negative_ts": "disabled",
    # tags and chapters are the catalog's business
    "map_metadata": -1,
    "map_chapters": -1,
    # no version strings: the same bytes from every build
    "fflags": "+bitexact",
}
# Broadcasts do not say how large the canvas of their pictures is; the standards know two.
SMALL_CANVAS, LARGE_CANVAS = "720x576", "1920x1080"

TELETEXT_OPTIONS: dict[str, object] = {
    # as text, not as a picture of the page
    "txt_format": "text",
    # of all pages those that are subtitles
    "txt_page": "subtitle",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    stream_index: int
    codec: str  # ffprobe's name; one of TEXT or PICTURES

    @property
    def is_picture(self) -> bool:
        return self.codec in PICTURES


def is_copied(codec: str) -> bool:
    """Whether no decoder touches such a track."""
    encoder = TEXT[codec][1] if codec in TEXT else PICTURES[codec]
    return encoder == "copy"


def output_count(tracks: Sequence[Wanted]) -> int:
    texts = sum(not track.is_picture for track in tracks)
    return texts + (texts < len(tracks))


def extraction_arguments(
    original: Path, tracks: Sequence[Wanted], *, format_name: str, max_pixels: int, lines: int
) -> tuple[str, ...]:
    """`lines` is how high the film's pictures are.

    Text tracks come in the order of `tracks`, each in TEXT's format; then the pictures, if there are any."""
    options = input_guards(max_pixels=max_pixels, format_name=format_name, threads=1)
    if teletext := [track for track in tracks if track.codec == "dvb_teletext"]:
        options |= TELETEXT_OPTIONS
        # a page says not how long it stays: it does until the next one, which may be empty
        options |= {f"fix_sub_duration:{track.stream_index}": None for track in teletext}
    source = ffmpeg.input(f"file:{original}", **options)
    texts = [track for track in tracks if not track.is_picture]
    outputs = [_text_output(source, track, FIRST_PIPE + n) for n, track in enumerate(texts)]
    if pictures := [track for track in tracks if track.is_picture]:
        canvas = SMALL_CANVAS if lines <= 576 else LARGE_CANVAS
        outputs.append(_picture_output(source, pictures, canvas, FIRST_PIPE + len(texts)))
    merged = ffmpeg.merge_outputs(*outputs) if len(outputs) > 1 else outputs[0]
    # timestamps of the original all the way: subtitles lie where the pictures do
    return tuple(merged.global_args("-copyts").compile()[1:])


def _text_output(source: Any, track: Wanted, pipe: int) -> Any:
    container, encoder = TEXT[track.codec]
    return ffmpeg.output(source[str(track.stream_index)], f"pipe:{pipe}", f=container, **{"c:s": encoder}, **COMMON)


def _picture_output(source: Any, tracks: Sequence[Wanted], canvas: str, pipe: int) -> Any:
    encoders = {f"c:s:{n}": PICTURES[track.codec] for n, track in enumerate(tracks)}
    # what the encoder's coordinates are on; it refuses pictures that reach beyond
    encoders |= {f"s:s:{n}": canvas for n, track in enumerate(tracks) if PICTURES[track.codec] != "copy"}
    streams = [source[str(track.stream_index)] for track in tracks]
    return ffmpeg.output(*streams, f"pipe:{pipe}", f="matroska", **encoders, **COMMON)
