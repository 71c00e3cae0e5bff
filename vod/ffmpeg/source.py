"""What an original is: facts read by ffprobe, before anything is decided from them.

Times in `*_ticks` are in the stream's own `time_base`, as the demuxer gives them (edit lists applied).
Languages are BCP-47 ("en", "pt-BR"), "und" where unknown. All text is already free of control characters.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Rotation = Literal[0, 90, 180, 270]
Transfer = Literal["sdr", "pq", "hlg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """ffmpeg's own names ("bt709", "smpte2084"); "" where the original does not say."""

    primaries: str = ""
    transfer: str = ""
    matrix: str = ""
    range: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoStream:
    index: int
    codec: str
    profile: str
    pixel_format: str
    bit_depth: int
    width: int
    height: int
    sample_aspect: Fraction
    rotation: Rotation  # clockwise turn that makes the picture upright
    interlaced: bool
    colour: Colour
    transfer: Transfer
    time_base: Fraction
    frame_rate: Fraction | None  # avg_frame_rate, None where the container does not know
    captions: bool = False  # closed captions (CEA-608) came with the first frames; later ones are not looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStream:
    index: int
    codec: str
    profile: str
    sample_rate: int
    channels: int
    layout: str
    time_base: Fraction
    start_ticks: int  # of the first packet that is not discarded
    frame_samples: int  # samples between packet starts; 0 where it varies or is unknown
    language: str
    title: str
    default: bool
    commentary: bool
    visually_impaired: bool
    duration_seconds: Fraction  # measured where the header lies


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitleStream:
    index: int
    codec: str
    language: str
    title: str
    default: bool
    forced: bool
    hearing_impaired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    start_seconds: Fraction  # from time 0 of the film
    end_seconds: Fraction
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """The pictures as they are stored, which is how they are decoded: columns of ticks, and positions in them."""

    pts: array[int]
    dts: array[int]
    keyframes: array[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTimes:
    """When the first video stream shows its frames, in its ticks, in presentation order.

    `ticks` holds every frame where the file was scanned (small or irregular originals). Where sampling
    proved a constant rate it is empty, and frame n starts at `first_ticks + n * frame_duration / time_base`.
    `end_ticks` is where the last frame stops being shown.
    """

    first_ticks: int
    end_ticks: int
    frame_count: int
    frame_duration: Fraction | None  # seconds; None = variable frame rate
    ticks: tuple[int, ...] = ()
    longest_gop_seconds: Fraction = Fraction(0)
    stored: StoredOrder | None = None  # where every packet was listed, and the container tells all times


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    format_name: str  # the demuxer ffprobe chose; pinned with -f at every later start ("mov")
    indexed: bool  # a seek lands on the right keyframe (not MPEG-TS, MPEG-PS)
    size_bytes: int
    start_seconds: Fraction  # earliest presented sample of any used stream: time 0 of the film
    duration_seconds: Fraction  # from time 0 to the end of the last stream, measured
    video: VideoStream | None
    frame_times: FrameTimes | None
    audio: tuple[AudioStream, ...] = ()
    subtitles: tuple[SubtitleStream, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    notes: tuple[str, ...] = ()  # what was repaired or ignored, for people
