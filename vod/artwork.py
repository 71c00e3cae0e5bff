"""A poster for a film: which moments to look at, how to look, and which picture to keep.

Pure. A look is one ffmpeg process with two outputs: the picture as JPEG, and the same in a few grey pixels by
which pictures are compared. Originals often begin in black, end in credits and fade between; so several moments
of the first two thirds are looked at, and a black or empty picture is never kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import ffmpeg

from vod.ffmpeg.guards import input_guards
from vod.hls.picture import for_jpeg, tone_mapped
from vod.hls.plan import Plan, VideoPlan

POSTER = "poster.jpg"
PICTURE_PIPE, LUMA_PIPE = "pipe:3", "pipe:4"
OUTPUTS = 2

WIDEST_PIXELS = 640
LUMA_WIDTH, LUMA_HEIGHT = 64, 36

# Shares of the film, by keyframes alone: cheap, and no look gives the ending away.
MOMENTS = tuple(Fraction(percent, 100) for percent in (10, 17, 25, 33, 41, 49, 57, 65))
# Where every keyframe is black (one long GOP that fades in), the frames between are decoded at fewer moments.
DECODED_MOMENTS = tuple(Fraction(percent, 100) for percent in (20, 40, 60))

# Luma 0..255: what is darker is black to the eye, what is brighter a white flash, what is flatter shows nothing.
DARKEST_MEAN, BRIGHTEST_MEAN, FLATTEST_SPREAD = 18, 240, 8
# A score that needs no better: most films are done after a look or two.
GOOD_ENOUGH = 45.0
# Above this mean a picture is bright enough for a small card; below it loses in proportion.
WELL_LIT_MEAN = 70


class Look(NamedTuple):
    picture: bytes  # JPEG
    luma: bytes  # grey pixels, a byte each

    @property
    def score(self) -> float:
        """0 for a picture that nobody should see."""
        if not (self.picture and self.luma):
            return 0.0
        mean, spread = statistics.fmean(self.luma), statistics.pstdev(self.luma)
        if not DARKEST_MEAN <= mean <= BRIGHTEST_MEAN or spread < FLATTEST_SPREAD:
            return 0.0
        return spread * min(1.0, mean / WELL_LIT_MEAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`seconds` is on the demuxer's clock, as seeks are; None is the beginning, without a seek."""

    seconds: Fraction | None
    keyframes_only: bool


def rounds(plan: Plan) -> tuple[tuple[Moment, ...], ...]:
    """The moments to look at; a later round only where an earlier one showed nothing worth keeping."""

    def moments(shares: Iterable[Fraction], *, keyframes_only: bool) -> tuple[Moment, ...]:
        times = (plan.start_seconds + plan.duration_seconds * share for share in shares)
        return tuple(Moment(seconds=time, keyframes_only=keyframes_only) for time in times)

    return (
        moments(MOMENTS, keyframes_only=True),
        moments(DECODED_MOMENTS, keyframes_only=False),
        # in some files no seek finds anything
        (Moment(seconds=None, keyframes_only=True),),
    )


def still_arguments(plan: Plan, video: VideoPlan, original: Path, moment: Moment, max_pixels: int) -> tuple[str, ...]:
    options = input_guards(max_pixels=max_pixels, format_name=plan.format_name, threads=1)
    if moment.seconds is not None:
        # the time is on the file's own clock, not counted from its start
        options |= {"ss": f"{float(moment.seconds):.6f}", "seek_timestamp": 1}
    if moment.keyframes_only:
        # the keyframe that the seek finds is as good as the frame asked for, and nothing else is decoded
        options |= {"noaccurate_seek": None, "skip_frame": "nokey"}
    picture = ffmpeg.input(f"file:{original}", **options)[str(video.stream_index)]
    if video.interlaced:
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced")
    return _two_outputs(tone_mapped(_scaled(picture), video), video)


def cover_arguments(plan: Plan, original: Path, max_pixels: int) -> tuple[str, ...]:
    """The picture that a music or audio book file carries; ffmpeg fails where there is none."""
    guards = input_guards(max_pixels=max_pixels, format_name=plan.format_name, threads=1)
    # covers are stored as JPEG or PNG; no film is PNG, so the common list leaves it out
    guards["codec_whitelist"] = f"{guards['codec_whitelist']},png"
    return _two_outputs(_scaled(ffmpeg.input(f"file:{original}", **guards)["v:0"]), None)


def best(looks: Iterable[Look]) -> Look | None:
    """The liveliest picture that is neither black, white nor empty; the earliest of equals."""
    return max((look for look in looks if look.score > 0), key=lambda look: look.score, default=None)


def _scaled(picture: Any) -> Any:
    """Square pixels, even sides, never wider than the original. ffmpeg has turned it upright before."""
    width = f"max(2,trunc(min({WIDEST_PIXELS},iw*sar)/2)*2)"
    return picture.filter("scale", width, "max(2,trunc(ow/dar/2)*2)", flags="area").filter("setsar", "1")


def _two_outputs(picture: Any, video: VideoPlan | None) -> tuple[str, ...]:
    pictures = for_jpeg(picture, video).split()
    luma = pictures[1].filter("scale", LUMA_WIDTH, LUMA_HEIGHT, flags="area").filter("format", "gray")
    frame = {"frames:v": 1}
    # 3 of 2..31: no artefact is seen at this size, 30-60 kB
    jpeg = ffmpeg.output(pictures[0], PICTURE_PIPE, f="mjpeg", **{"q:v": 3}, map_metadata=-1, **frame)
    grey = ffmpeg.output(luma, LUMA_PIPE, f="rawvideo", **frame)
    return tuple(ffmpeg.merge_outputs(jpeg, grey).compile()[1:])
