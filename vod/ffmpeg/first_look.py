"""Header and first seconds by one ffprobe: most of what either costs is its start, and reading a long film's tables."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from vod.errors import ProcessError
from vod.ffmpeg.frame_times import REORDER_FRAMES
from vod.ffmpeg.head import FRAME_FIELDS, LIMITS, PACKETS_PER_STREAM, Head
from vod.ffmpeg.header import CHAPTER_FIELDS, FIELDS, Header, read_header
from vod.ffmpeg.original import Original
from vod.ffmpeg.process import Command

# Picture and sound: of most films that is all, and of the others it often shows enough.
STREAMS = 2


async def look(original: Original) -> tuple[Header, Head]:
    """The head may be empty: what fails here is asked for one by one. Raises SourceError as `read_header` does."""
    command = Command(
        program="ffprobe",
        arguments=(
            *original.input_arguments,
            *("-read_intervals", f"%+#{STREAMS * PACKETS_PER_STREAM}"),
            *("-show_entries", ":".join((FIELDS, CHAPTER_FIELDS, FRAME_FIELDS)), "-of", "json=compact=1"),
        ),
        reads=(original.path,),
        limits=LIMITS,
    )
    try:
        finished = await original.launcher.run(command)
        header = Header.model_validate_json(finished.stdout)
        head = Head.model_validate_json(finished.stdout)
    except (ProcessError, ValidationError):
        return await read_header(original), Head()
    return header.model_copy(update={"complaints": finished.stderr_tail}), head


def shows_enough(head: Head, header: Header, used: Sequence[int]) -> bool:
    """Whether more would tell nothing new: times of the first stream `used` that can be judged, of the others any."""
    shown = [len(head.times(index)) for index in used]
    return shown[0] > 0 if len(header.streams) <= STREAMS else shown[0] > REORDER_FRAMES and all(shown)
