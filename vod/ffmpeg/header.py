"""What ffprobe says of an original before a packet is counted: a claim to be checked, never the truth."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vod.errors import OutputRefused, ProcessError, SourceError
from vod.ffmpeg.original import Original
from vod.ffmpeg.process import Command
from vod.ffmpeg.refusals import reason

FIELDS = ":".join(
    (
        "format=format_name,duration,start_time",
        "stream",
        "stream_tags=language,title,NUMBER_OF_FRAMES",
        "stream_disposition",
        "stream_side_data=rotation",
    )
)
CHAPTER_FIELDS = "chapter=start_time,end_time:chapter_tags=title"


def _fraction(value: Any) -> Fraction | None:
    """From "24000/1001", "16:9" or "1.04"; None for "0/0", "N/A" and other ways to say nothing."""
    try:
        return Fraction(str(value).replace(":", "/"))
    except (ValueError, ZeroDivisionError):
        return None


def _or_zero(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


Ratio = Annotated[Fraction | None, BeforeValidator(_fraction)]
Count = Annotated[int, BeforeValidator(_or_zero)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True, coerce_numbers_to_str=True)


class StreamHeader(_Record):
    index: int
    codec_name: str = ""
    codec_type: str = ""
    profile: str = ""
    pix_fmt: str = ""
    bits_per_raw_sample: Count = 0
    width: Count = 0
    height: Count = 0
    sample_aspect_ratio: Ratio = None
    field_order: str = ""
    color_primaries: str = ""
    color_transfer: str = ""
    color_space: str = ""
    color_range: str = ""
    r_frame_rate: Ratio = None
    avg_frame_rate: Ratio = None
    time_base: Ratio = None
    nb_frames: Count = 0
    closed_captions: Count = 0  # only of frames that the same ffprobe has decoded: see first_look
    sample_rate: Count = 0
    channels: Count = 0
    channel_layout: str = ""
    disposition: dict[str, int] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    side_data_list: tuple[dict[str, Any], ...] = ()


class ChapterHeader(_Record):
    start_time: Ratio = None
    end_time: Ratio = None
    tags: dict[str, str] = Field(default_factory=dict)


class FormatHeader(_Record):
    format_name: str
    start_time: Ratio = None
    duration: Ratio = None


class Header(_Record):
    format: FormatHeader
    streams: tuple[StreamHeader, ...] = ()
    chapters: tuple[ChapterHeader, ...] = ()
    complaints: str = ""  # what ffprobe wrote on stderr
    chapters_dropped: bool = False


async def read_header(original: Original) -> Header:
    """Raises SourceError with what is wrong with the file."""
    try:
        return await _read(original, f"{FIELDS}:{CHAPTER_FIELDS}")
    except OutputRefused:  # megabytes of chapters
        header = await _read(original, FIELDS)
        return header.model_copy(update={"chapters_dropped": True})


async def _read(original: Original, fields: str) -> Header:
    command = Command(
        program="ffprobe",
        arguments=(*original.input_arguments, "-show_entries", fields, "-of", "json=compact=1"),
        reads=(original.path,),
    )
    try:
        finished = await original.launcher.run(command)
        header = Header.model_validate_json(finished.stdout)
    except OutputRefused:
        raise
    except ProcessError as error:
        raise SourceError(reason(error, original.signature)) from error
    except ValidationError as error:
        raise SourceError("This file's description makes no sense.") from error
    return header.model_copy(update={"complaints": finished.stderr_tail})
