"""Stills for the seek bar: sheets of small pictures and the WebVTT that says which tile belongs to which stretch.

Pure. Pictures are keyframes alone, chosen by the time at which they are shown, which no constant rate foretells: of
each stretch of `Layout.interval_seconds` the first. They come from a reel of the smallest finished rung, or from the
original where no rung is a file; both give the same two outputs: sheets as JPEG, and the ticks of each tile in order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import ffmpeg

from vod.errors import OutputRefused
from vod.ffmpeg.guards import input_guards
from vod.hls.encode import FIRST_PIPE
from vod.hls.keyframes import Keyframe
from vod.hls.picture import for_jpeg, tone_mapped
from vod.hls.plan import Plan, VideoPlan

BOX_PIXELS = (160, 90)  # turned for a picture held upright
SHEET_COLUMNS = SHEET_ROWS = 10
STILL_SECONDS = Fraction(10)
# A short film has as many as one sheet holds, a long one no more than ten do.
SHORT_STILLS, MOST_STILLS = 100, 1000
SHORTEST_SECONDS = Fraction(1)
# A sheet of noise at quality 5 weighs 700 kB.
LARGEST_SHEET_BYTES = 2 << 20

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    interval_seconds: Fraction
    width: int  # of a tile, in pixels
    height: int
    columns: int
    rows: int
    stills: int  # at most

    @property
    def tiles(self) -> int:
        return self.columns * self.rows

    @property
    def most_sheets(self) -> int:
        return math.ceil(self.stills / self.tiles)

    def place(self, still: int) -> tuple[int, int, int]:
        """Sheet, and the left and upper edge on it."""
        sheet, tile = divmod(still, self.tiles)
        row, column = divmod(tile, self.columns)
        return sheet, column * self.width, row * self.height


def layout(plan: Plan) -> Layout:
    """Raises ValueError for a film without pictures."""
    if not plan.pictures:
        raise ValueError("there is nothing to be seen")
    interval = still_interval(plan.duration_seconds)
    width, height = still_size(plan.pictures[-1].width, plan.pictures[-1].height)
    expected = min(MOST_STILLS, math.ceil(plan.duration_seconds / interval) + 1)
    return Layout(
        interval_seconds=interval,
        width=width,
        height=height,
        columns=min(SHEET_COLUMNS, expected),
        rows=min(SHEET_ROWS, math.ceil(expected / SHEET_COLUMNS)),
        stills=expected,
    )


def still_interval(duration_seconds: Fraction) -> Fraction:
    shorter = max(SHORTEST_SECONDS, min(STILL_SECONDS, duration_seconds / SHORT_STILLS))
    # one stretch more than there are: a keyframe before time 0 counts as one
    return max(shorter, duration_seconds / (MOST_STILLS - 1))


def still_size(width: int, height: int) -> tuple[int, int]:
    """Even sides, as 4:2:0 wants them."""
    wide, high = BOX_PIXELS if width >= height else BOX_PIXELS[::-1]
    scale = min(Fraction(wide, width), Fraction(high, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def choose(keyframes: Sequence[Keyframe], layout: Layout, timescale: int) -> list[Keyframe]:
    """The first of each stretch; `keyframes` as they are shown."""
    chosen: list[Keyframe] = []
    last = None
    for keyframe in keyframes:
        stretch = Fraction(keyframe.time, timescale) // layout.interval_seconds
        if last is None or stretch > last:
            chosen.append(keyframe)
            last = stretch
    return chosen[: layout.stills]


def reel_arguments(reel: Path, video: VideoPlan, layout: Layout, max_pixels: int) -> tuple[str, ...]:
    """Every picture of the reel, which holds none that is not wanted."""
    options = input_guards(max_pixels=max_pixels, format_name="mov", threads=1)
    return _outputs(_small(_opened(reel, options)["v:0"], layout), video, layout)


def original_arguments(
    plan: Plan, video: VideoPlan, original: Path, layout: Layout, max_pixels: int
) -> tuple[str, ...]:
    """The first keyframe of each stretch, as `choose` would."""
    options = input_guards(max_pixels=max_pixels, format_name=plan.format_name, threads=1)
    # the demuxer skips what is no keyframe where its index says so, and the decoder whatever it hands on all the same
    options |= {"discard": "nokey", "skip_frame": "nokey"}
    picture = _opened(original, options)[str(video.stream_index)]
    picture = picture.filter("settb", f"1/{video.timescale}").filter("setpts", f"PTS-({video.origin_ticks})")
    picture = picture.filter("select", _first_of_each_stretch(layout))
    if video.interlaced:
        # one field is more than a tile needs, and a deinterlacer would mix keyframes that lie seconds apart
        picture = picture.filter("field", type="top")
    return _outputs(tone_mapped(_small(picture, layout), video), video, layout)


def _opened(path: Path, options: dict[str, object]) -> Any:
    # a third of the decoding, for edges that no tile is large enough to show
    return ffmpeg.input(f"file:{path}", skip_loop_filter="all", **options)


def _first_of_each_stretch(layout: Layout) -> str:
    """By the time at which a picture is shown, for the rate may vary."""
    seconds = f"{float(layout.interval_seconds):.9f}"
    return f"isnan(prev_selected_t)+gt(floor(t/{seconds}),floor(prev_selected_t/{seconds}))"


def _small(picture: Any, layout: Layout) -> Any:
    # area: every pixel of the frame counts, so that a small picture does not glitter
    return picture.filter("scale", layout.width, layout.height, flags="area")


def _outputs(picture: Any, video: VideoPlan, layout: Layout) -> tuple[str, ...]:
    parts = for_jpeg(picture.filter("setsar", "1"), video).split()
    # every picture at its own time: none is made up or dropped to please a constant rate
    timing = {"fps_mode": "passthrough", "enc_time_base": f"1/{video.timescale}"}
    sheet = parts[0].filter("tile", f"{layout.columns}x{layout.rows}")
    # 5 of 2..31: at this size no artefact is seen
    jpeg = {"f": "image2pipe", "c:v": "mjpeg", "q:v": 5, "frames:v": layout.most_sheets, "map_metadata": -1}
    # a line of text for each still, without its pixels being copied
    lines = {"f": "framecrc", "c:v": "wrapped_avframe", "frames:v": layout.stills}
    sheets = ffmpeg.output(sheet, f"pipe:{FIRST_PIPE}", **jpeg, **timing)
    times = ffmpeg.output(parts[1], "pipe:1", **lines, **timing)
    # the original's clock all the way
    return tuple(ffmpeg.merge_outputs(sheets, times).global_args("-copyts").compile()[1:])


def still_ticks(framecrc: bytes) -> list[int]:
    """When each still is shown, in the order of the tiles. Raises OutputRefused for anything but such lines."""
    try:
        ticks = [int(line.split(b",")[2]) for line in framecrc.splitlines() if not line.startswith(b"#")]
    except (IndexError, ValueError):
        raise OutputRefused("The times of the stills cannot be read.") from None
    if any(later <= earlier for earlier, later in pairwise(ticks)):
        raise OutputRefused("The stills are not in their order.")
    return ticks


def split_sheets(stream: bytes, stills: int, layout: Layout) -> list[bytes]:
    """The JPEG files of the stream, as many as `stills` fill. Raises OutputRefused for more or fewer."""
    # inside a picture every FF is followed by 00 or a restart marker, and ffmpeg embeds no preview
    sheets = [part + JPEG_END for part in stream.split(JPEG_END)[:-1]]
    wanted = math.ceil(stills / layout.tiles)
    if len(sheets) != wanted or not all(sheet.startswith(JPEG_START) for sheet in sheets):
        raise OutputRefused(f"{len(sheets)} sheets came for {stills} stills.")
    return sheets


def sheet_name(number: int) -> str:
    return f"sheet-{number:02d}.jpg"


def render_stills_vtt(ticks: Sequence[int], timescale: int, layout: Layout, duration_seconds: Fraction) -> str:
    """A cue for each still, from its own time to the next one's; the first from 0, the last to the end.

    Milliseconds, as WebVTT counts; a still before time 0 gives way to a later one there.
    """
    starts = [round(Fraction(max(0, tick) * 1000, timescale)) for tick in ticks]
    starts = [0, *starts[1:], max(round(duration_seconds * 1000), starts[-1] + 1)]
    cues = [
        f"{_clock(start)} --> {_clock(end)}\n{_tile(still, layout)}"
        for still, (start, end) in enumerate(pairwise(starts))
        if start < end
    ]
    return "\n\n".join(("WEBVTT", *cues)) + "\n"


def _tile(still: int, layout: Layout) -> str:
    sheet, left, top = layout.place(still)
    return f"{sheet_name(sheet)}#xywh={left},{top},{layout.width},{layout.height}"


def _clock(milliseconds: int) -> str:
    seconds, part = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}.{part:03d}"
