"""The argv of a ladder span: every video rung from one decode of the original.

Nothing here makes, drops or moves a frame, but for a still picture where the sound outlasts the film.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Any

import ffmpeg

from vod.hls.encode import (
    FIRST_PIPE,
    FRAGMENT_FLAGS,
    MUXER_OPTIONS,
    UNINDEXED_MARGIN_SECONDS,
    Input,
    Span,
    compiled,
    open_original,
    seek_time,
)
from vod.hls.encoders import ENCODERS
from vod.hls.plan import Plan, Rung, VideoPlan

KEYFRAME_SECONDS = Fraction(2)  # IDR distance (Apple 1.13)

# HDR to SDR: linear light, BT.709 primaries, a film-like curve, back to BT.709 (plain, same for every worker).
TONE_MAP = (
    ("zscale", {"t": "linear", "npl": 100}),
    ("format", {"pix_fmts": "gbrpf32le"}),
    ("zscale", {"p": "bt709"}),
    ("tonemap", {"tonemap": "hable", "desat": 0}),
    ("zscale", {"t": "bt709", "m": "bt709", "r": "tv"}),
)
HIGH_DEFINITION_LINES = 720
HDR_DEFAULTS = {"pq": "smpte2084", "hlg": "arib-std-b67"}


def ladder_arguments(plan: Plan, video: VideoPlan, rungs: Sequence[Rung], span: Span, source: Input) -> list[str]:
    """All `rungs` (highest first) from one decode; output n is rung n."""
    return _compiled(plan, source, _outputs(plan, video, rungs, span, source, {}))


def header_arguments(plan: Plan, video: VideoPlan, rungs: Sequence[Rung], source: Input) -> list[str]:
    """The film's first frame alone through the same encoders: their headers are those of every span."""
    return _compiled(plan, source, _outputs(plan, video, rungs, Span(first=0, last=0), source, {"frames:v": 1}))


def _compiled(plan: Plan, source: Input, outputs: list[Any]) -> list[str]:
    return compiled(outputs, *ENCODERS[plan.encoder].global_arguments(source.device))


def _outputs(
    plan: Plan, video: VideoPlan, rungs: Sequence[Rung], span: Span, source: Input, limits: dict[str, object]
) -> list[Any]:
    start, end = (video.cuts[k] - video.tolerance_ticks for k in (span.first, span.last + 1))
    picture = open_original(plan, source, video_seek(plan, video, span))[str(video.stream_index)]
    picture = _timed(picture, video, start, end if span.last + 1 < len(video.cuts) - 1 else None, span)
    outputs = []
    for n, rung in enumerate(rungs):
        picture = _scaled(picture, rung, video, first=n == 0)
        if n + 1 < len(rungs):
            split = picture.split()
            this, picture = split[0], split[1]
        else:
            this = picture
        options = _video_options(plan, video, rung, span, source) | limits
        this = ENCODERS[plan.encoder].takes(this)
        outputs.append(ffmpeg.output(this, f"pipe:{FIRST_PIPE + n}", **options))
    return outputs


def video_seek(plan: Plan, video: VideoPlan, span: Span) -> Fraction | None:
    """None = from the file's beginning, which needs no seek to be exact."""
    wanted = Fraction(video.cuts[span.first] - video.tolerance_ticks, video.timescale)
    # A still picture behind the last frame needs that frame.
    wanted = min(wanted, Fraction(video.frames_end_ticks, video.timescale) - 2 / video.frame_rate)
    margin = span.seek_back_seconds + (0 if plan.indexed else video.longest_gop_seconds + UNINDEXED_MARGIN_SECONDS)
    if video.interlaced:
        margin += 2 / video.frame_rate  # a deinterlacer looks one frame back
    return seek_time(plan, span, wanted - margin)


def _timed(picture: Any, video: VideoPlan, start: int, end: int | None, span: Span) -> Any:
    """The span's frames alone, on the plan's clock, deinterlaced."""
    base = f"1/{video.timescale}"
    picture = picture.filter("settb", base).filter("setpts", f"PTS-({video.origin_ticks})")
    if video.interlaced:
        # one picture a frame, not a field: times stay the original's; frames flagged progressive are left alone
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced").filter("settb", base)
    if video.ends_in_still:
        picture = _still(picture, video)
        end = video.cuts[-1] if end is None else end
    bounds = {} if span.first == 0 else {"start_pts": start}
    # the last span is open: a frame that the container hides from the probe is still shown
    bounds |= {} if end is None else {"end_pts": end}
    return picture.filter("trim", **bounds) if bounds else picture


def _still(picture: Any, video: VideoPlan) -> Any:
    """The last frame again and again, at the film's rate: `tpad` would take the rate the container claims, if any."""
    frame = video.timescale / video.frame_rate
    last = video.frames_end_ticks - int(frame)
    # register 0 counts the repetitions; repeated times are those of a container that claims no rate
    repeated = f"gt(PTS,{last + video.tolerance_ticks})+lte(PTS,PREV_INPTS)"
    next_time = f"{last}+floor(st(0,ld(0)+1)*{frame.numerator}/{frame.denominator})"
    count = ceil((video.cuts[-1] - last) / frame)
    return picture.filter("tpad", stop_mode="clone", stop=count).filter("setpts", f"if({repeated},{next_time},PTS)")


def _scaled(picture: Any, rung: Rung, video: VideoPlan, *, first: bool) -> Any:
    """Each rung from the one above it: a third less scaling than from the original every time."""
    options: dict[str, object] = {"flags": "bicubic"}
    if first:
        options["out_range"] = "limited"  # full-range originals (phones, MJPEG) become what players expect
    picture = picture.filter("scale", rung.width, rung.height, **options)
    if first:
        picture = tone_mapped(picture, video).filter("format", "yuv420p")
    # 854x480 would be 1280:1281, and other headers than those of the same rung made alone
    return picture.filter("setsar", "1")


def tone_mapped(picture: Any, video: VideoPlan) -> Any:
    if video.transfer not in HDR_DEFAULTS:
        return picture
    # zscale refuses untagged pictures ("no path between colorspaces")
    picture = picture.filter(
        "setparams",
        color_primaries=video.colour[0] or "bt2020",
        color_trc=video.colour[1] or HDR_DEFAULTS[video.transfer],
        colorspace=video.colour[2] or "bt2020nc",
    )
    for name, options in TONE_MAP:
        picture = picture.filter(name, **options)
    return picture


def for_jpeg(picture: Any, video: VideoPlan | None) -> Any:
    """JFIF knows one meaning of YCbCr, BT.601 in full range: whatever the film's was is converted."""
    options: dict[str, object] = {"out_range": "full", "out_color_matrix": "bt601"}
    if video is not None and video.transfer == "sdr" and not video.colour[2] and _is_high_definition(video):
        # what players take an untagged one for
        options["in_color_matrix"] = "bt709"
    # first to limited range by name: zscale would write such values into the full-range format
    limited = picture.filter("format", "yuv420p")
    return limited.filter("scale", **options).filter("format", "yuvj420p")


def _is_high_definition(video: VideoPlan) -> bool:
    pictures = (*video.rungs, *((video.copied,) if video.copied else ()))
    return any(min(picture.width, picture.height) >= HIGH_DEFINITION_LINES for picture in pictures)


def _video_options(plan: Plan, video: VideoPlan, rung: Rung, span: Span, source: Input) -> dict[str, object]:
    encoder = ENCODERS[plan.encoder]
    return {
        "c:v": encoder.codec,
        "profile:v": rung.profile,
        "maxrate": rung.peak_bps,
        "bufsize": rung.buffer_bits,
        **encoder.options(plan, rung),
        "force_key_frames": _keyframe_times(video, span),
        # every frame that comes out of the filters, with its own time
        "fps_mode": "passthrough",
        "enc_time_base": f"1/{video.timescale}",
        "threads": source.threads,
        **_colour_options(video),
        **MUXER_OPTIONS,
        # a fragment from keyframe to keyframe: the cutter sees every IDR
        "movflags": f"{FRAGMENT_FLAGS}+frag_keyframe",
        "video_track_timescale": video.timescale,
    }


def _colour_options(video: VideoPlan) -> dict[str, object]:
    """What the pictures are after the filters; unset where the original does not say."""
    if video.transfer in HDR_DEFAULTS:
        primaries = transfer = matrix = "bt709"
    else:
        primaries, transfer, matrix, _ = video.colour
    named = {"color_primaries": primaries, "color_trc": transfer, "colorspace": matrix}
    return {"color_range": "tv", **{key: value for key, value in named.items() if value}}


def _keyframe_times(video: VideoPlan, span: Span) -> str:
    """Seconds; the first frame at or after each becomes an IDR."""
    ticks = [tick for k in range(span.first, span.last + 1) for tick in _keyframe_ticks(video, k)]
    return ",".join(f"{max(0.0, float(tick / video.timescale)):.6f}" for tick in ticks)


def _keyframe_ticks(video: VideoPlan, segment: int) -> list[Fraction]:
    """A little before a segment's start, and as many equal parts of it as keep keyframes within two seconds."""
    start, end = video.cuts[segment], video.cuts[segment + 1]
    frame = video.timescale / video.frame_rate
    frames = round((end - start) / frame)
    parts = max(1, ceil(Fraction(frames, int(KEYFRAME_SECONDS * video.frame_rate))))
    # a microsecond is as exact as ffmpeg reads it
    early = max(Fraction(video.tolerance_ticks), Fraction(1, 2), Fraction(video.timescale, 1_000_000))
    # half a frame early: a container's rounding moves frames
    inner = [start + (round(Fraction(frames * part, parts)) - Fraction(1, 2)) * frame for part in range(1, parts)]
    return [start - early, *inner]
