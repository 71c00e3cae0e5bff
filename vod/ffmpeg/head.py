"""The first seconds, decoded: the only proof that an original can be shown, and when its decoder shows what."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from vod.errors import ProcessError, SourceError
from vod.ffmpeg.header import StreamHeader
from vod.ffmpeg.listing import each_line
from vod.ffmpeg.original import Original
from vod.ffmpeg.packets import UNKNOWN, PacketTimes
from vod.ffmpeg.process import GIB, Command, Limits
from vod.ffmpeg.refusals import reason
from vod.ffmpeg.streams import time_base

# For each stream about a second, which is more than any encoder's reordering or lead-in.
PACKETS_PER_STREAM = 48
# Second try, for recordings that start in the middle of a long picture group or with damage.
PATIENCE = 10
FRAME_FIELDS = "frame=media_type,stream_index,best_effort_timestamp,interlaced_frame"
NOTHING_DECODED = "Nothing in this file can be decoded; it is damaged or incomplete."
LIMITS = Limits(address_space_bytes=4 * GIB, wall_seconds=120, stall_seconds=60)


def _ticks(value: object) -> int:
    return value if isinstance(value, int) else UNKNOWN


class Frame(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    media_type: str = ""
    stream_index: int = -1
    best_effort_timestamp: Annotated[int, BeforeValidator(_ticks)] = UNKNOWN
    interlaced_frame: int = 0


class Head(BaseModel):
    """What ffprobe writes of the frames it decoded, whatever else it was asked for."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    frames: tuple[Frame, ...] = ()

    def times(self, stream_index: int) -> list[int]:
        """When the decoder shows the stream's first frames, in its ticks."""
        frames = (frame for frame in self.frames if frame.stream_index == stream_index)
        return [frame.best_effort_timestamp for frame in frames if frame.best_effort_timestamp != UNKNOWN]

    def interlaced(self, stream_index: int) -> bool:
        marks = [frame.interlaced_frame for frame in self.frames if frame.stream_index == stream_index]
        return sum(marks) * 2 > len(marks)

    def reached(self, time_bases: Mapping[int, Fraction]) -> Fraction:
        """Seconds on the demuxer's clock up to which any of these streams was decoded."""
        return max(time * base for index, base in time_bases.items() for time in self.times(index)[-1:])


async def decode_head(original: Original, streams: int, wanted: int) -> Head:
    """Decodes until the stream `wanted` has shown a frame, in two tries; raises SourceError where that fails."""
    for packets in (PACKETS_PER_STREAM * streams, PATIENCE * PACKETS_PER_STREAM * streams):
        head = await _decode(original, packets)
        if head.times(wanted):
            return head
    raise SourceError(NOTHING_DECODED)


async def _decode(original: Original, packets: int) -> Head:
    interval = ("-read_intervals", f"%+#{packets}")
    command = Command(
        program="ffprobe",
        arguments=(*original.input_arguments, *interval, "-show_entries", FRAME_FIELDS, "-of", "json=compact=1"),
        reads=(original.path,),
        limits=LIMITS,
    )
    try:
        finished = await original.launcher.run(command)
    except ProcessError as error:
        raise SourceError(reason(error)) from error
    return Head.model_validate_json(finished.stdout)


async def decode_times(original: Original, stream: StreamHeader, packets: PacketTimes) -> list[int]:
    """When a decoder shows each frame of the whole stream: for containers whose packet times do not tell."""
    shown: set[int] = set()
    arguments = ("-select_streams", str(stream.index), "-show_entries", "frame=best_effort_timestamp")
    # Half the speed of watching: the old formats that need this decode at fifty times that.
    seconds = (packets.end - next(packets.best, packets.end)) * time_base(stream)
    await each_line(original, arguments, LIMITS.wall_seconds + 2 * float(seconds), lambda line: _take(shown, line))
    if not shown:
        raise SourceError(NOTHING_DECODED)
    return sorted(shown)


def _take(shown: set[int], line: bytes) -> None:
    text = line.split(b",", 1)[0]
    if text.lstrip(b"-").isdigit():  # side data end their frame with a line of their own; N/A says nothing
        shown.add(int(text))
