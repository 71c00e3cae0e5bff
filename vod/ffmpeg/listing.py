"""ffprobe's lists of packets and frames, read line by line from the pipe: never a whole film's list as text."""

from __future__ import annotations

from collections.abc import Callable

from vod.errors import OutputRefused, ProcessError, SourceError
from vod.ffmpeg.original import Original
from vod.ffmpeg.process import GIB, Command, Limits
from vod.ffmpeg.refusals import reason

# Three days of 50 fps with sound, as lines of at most 64 bytes.
MAX_LINES = 5_000_000
LINE_BYTES = 64
CHUNK_BYTES = 256 << 10
STALL_SECONDS = 60


async def each_line(
    original: Original, arguments: tuple[str, ...], wall_seconds: float, take: Callable[[bytes], None]
) -> None:
    """Hands every line of `arguments`' list to `take`. Raises SourceError where ffprobe fails or does not end."""
    command = Command(
        program="ffprobe",
        arguments=(*original.input_arguments, *arguments, "-of", "csv=p=0", "-o", "pipe:3"),
        reads=(original.path,),
        outputs=1,
        limits=Limits(
            address_space_bytes=4 * GIB,
            wall_seconds=wall_seconds,
            stall_seconds=STALL_SECONDS,
            output_bytes=MAX_LINES * LINE_BYTES,
        ),
    )
    try:
        async with original.launcher.stream(command) as running:
            (pipe,) = running.outputs
            unfinished = b""
            while chunk := await pipe.read(CHUNK_BYTES):
                *lines, unfinished = (unfinished + chunk).split(b"\n")
                for line in lines:
                    take(line)
            await running.finish()
    except OutputRefused as error:
        raise SourceError("The file holds more pictures and sound packets than any film.") from error
    except ProcessError as error:
        raise SourceError(reason(error)) from error
