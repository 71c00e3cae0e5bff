"""Which streams of an original are used, and what the header says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import get_args

from vod.ffmpeg.guards import AUDIO_CODECS, VIDEO_CODECS
from vod.ffmpeg.header import Header, StreamHeader
from vod.ffmpeg.labels import clean_title, language_tag
from vod.ffmpeg.source import Colour, Rotation, SubtitleStream, Transfer, VideoStream

INTERLACED_ORDERS = {"tt", "bb", "tb", "bt"}
TRANSFERS: dict[str, Transfer] = {"smpte2084": "pq", "arib-std-b67": "hlg"}
# Wider or narrower pixels than any format ever had (anamorphic scope is 2:1) are a broken header.
MOST_ASPECT = Fraction(4)
# Encoders round the display size and leave 1280:1281 behind; nobody sees one per cent.
SQUARE_ENOUGH = Fraction(1, 100)
NOT_A_FILM = ("attached_pic", "timed_thumbnails", "still_image")
# "yuv420p10le", "p010le", "gray12be", "x2rgb10le"
DEPTH = re.compile(r"(?:p|gray|p0|rgb|bgr|y2)(9|10|12|14|16)(?:le|be)?$")


@dataclass(frozen=True, slots=True)
class Chosen:
    video: StreamHeader | None
    unknown_video: tuple[str, ...]  # codecs of pictures that nobody here decodes
    audio: tuple[StreamHeader, ...]
    subtitles: tuple[StreamHeader, ...]
    notes: tuple[str, ...]

    @property
    def used(self) -> tuple[StreamHeader, ...]:
        return (*([self.video] if self.video else []), *self.audio)


def choose(header: Header) -> Chosen:
    """Cover pictures, data and what no decoder knows are left out, the latter with a note."""
    pictures = [stream for stream in header.streams if stream.codec_type == "video" and not _is_cover(stream)]
    films = [stream for stream in pictures if stream.codec_name in VIDEO_CODECS]
    sounds = [stream for stream in header.streams if stream.codec_type == "audio"]
    notes = [
        f"Audio stream {stream.index} is in an unknown format and was left out."
        for stream in sounds
        if not _is_audible(stream)
    ]
    if len(films) > 1:
        notes.append(f"Of {len(films)} pictures the main one was taken.")
    return Chosen(
        video=max(films, key=_prominence, default=None),
        unknown_video=tuple(stream.codec_name or "unknown" for stream in pictures if stream not in films),
        audio=tuple(stream for stream in sounds if _is_audible(stream)),
        subtitles=tuple(stream for stream in header.streams if stream.codec_type == "subtitle" and stream.codec_name),
        notes=tuple(notes),
    )


def _is_cover(stream: StreamHeader) -> bool:
    return any(stream.disposition.get(mark) for mark in NOT_A_FILM)


def _prominence(stream: StreamHeader) -> tuple[int, int, int]:
    return stream.disposition.get("default", 0), stream.width * stream.height, -stream.index


def _is_audible(stream: StreamHeader) -> bool:
    return stream.codec_name in AUDIO_CODECS and stream.sample_rate > 0 and stream.channels > 0


def video_stream(stream: StreamHeader, *, interlaced: bool) -> VideoStream:
    return VideoStream(
        index=stream.index,
        codec=stream.codec_name,
        profile=clean_title(stream.profile),
        pixel_format=stream.pix_fmt,
        bit_depth=bit_depth(stream),
        width=stream.width,
        height=stream.height,
        sample_aspect=sample_aspect(stream.sample_aspect_ratio),
        rotation=rotation(stream),
        interlaced=interlaced,
        colour=Colour(
            primaries=_told(stream.color_primaries),
            transfer=_told(stream.color_transfer),
            matrix=_told(stream.color_space),
            range=_told(stream.color_range),
        ),
        transfer=TRANSFERS.get(stream.color_transfer, "sdr"),
        time_base=time_base(stream),
        frame_rate=stream.avg_frame_rate or None,
        captions=stream.closed_captions > 0,
    )


def time_base(stream: StreamHeader) -> Fraction:
    return stream.time_base or Fraction(1, 1000)


def bit_depth(stream: StreamHeader) -> int:
    found = DEPTH.search(stream.pix_fmt)
    return stream.bits_per_raw_sample or (int(found[1]) if found else 8)


def sample_aspect(ratio: Fraction | None) -> Fraction:
    """1 where the header says nothing, nonsense or nearly 1."""
    if not ratio or not 1 / MOST_ASPECT <= ratio <= MOST_ASPECT or abs(ratio - 1) < SQUARE_ENOUGH:
        return Fraction(1)
    return ratio


def rotation(stream: StreamHeader) -> Rotation:
    """ffprobe tells by how much the picture is turned anticlockwise; the nearest quarter turn undoes it."""
    angles = [data["rotation"] for data in stream.side_data_list if isinstance(data.get("rotation"), int | float)]
    clockwise = round(-angles[0] / 90) * 90 % 360 if angles else 0
    return next(turn for turn in get_args(Rotation) if turn == clockwise)


def subtitle_stream(stream: StreamHeader) -> SubtitleStream:
    return SubtitleStream(
        index=stream.index,
        codec=stream.codec_name,
        language=language(stream),
        title=title(stream),
        default=bool(stream.disposition.get("default")),
        forced=bool(stream.disposition.get("forced")),
        hearing_impaired=bool(stream.disposition.get("hearing_impaired")),
    )


def language(stream: StreamHeader) -> str:
    return language_tag(stream.tags.get("language", ""))


def title(stream: StreamHeader) -> str:
    return clean_title(stream.tags.get("title", ""))


def _told(name: str) -> str:
    return "" if name in ("unknown", "unspecified", "reserved") else name
