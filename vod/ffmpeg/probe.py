"""An original's facts: the header is asked, the packets are counted, the first seconds are decoded.

Raises SourceError with a sentence a person understands for what cannot be shown; what can be left out or repaired
is, with a note.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

from vod.errors import SourceError
from vod.ffmpeg.first_look import look, shows_enough
from vod.ffmpeg.frame_times import list_frames, refuse_broken_clock, shown_times
from vod.ffmpeg.head import Head, decode_head, decode_times
from vod.ffmpeg.header import ChapterHeader, Header, StreamHeader
from vod.ffmpeg.labels import clean_title
from vod.ffmpeg.original import Original
from vod.ffmpeg.packets import PacketTimes, Streams, scan
from vod.ffmpeg.process import Launcher
from vod.ffmpeg.refusals import explain
from vod.ffmpeg.sampling import sample, worth_sampling
from vod.ffmpeg.sound import audio_stream
from vod.ffmpeg.source import AudioStream, Chapter, FrameTimes, Source, VideoStream
from vod.ffmpeg.streams import INTERLACED_ORDERS, Chosen, choose, subtitle_stream, time_base, video_stream

SIGNATURE_BYTES = 16
MAX_CHAPTERS = 500
# Two days: the longest films and a night of surveillance fit; header and timestamp bombs do not.
MAX_DURATION_SECONDS = 48 * 3600
# A stream that starts this close to the end of what was decoded had no chance to show anything.
HEAD_MARGIN_SECONDS = Fraction(1, 2)


async def probe(launcher: Launcher, path: Path, index: Callable[[], Awaitable[Streams]] | None = None) -> Source:
    """`index` tells the packets of a container that lists them all: then nothing is counted. It may tell none."""
    size, signature = await asyncio.to_thread(_look, path)
    original = Original(launcher=launcher, path=path, size_bytes=size, signature=signature)
    header, head = await look(original)
    original = original.pinned(header.format.format_name)
    chosen = choose(header)
    refuse_unusable(header, chosen)
    used = [stream.index for stream in chosen.used]
    if not shows_enough(head, header, used):
        head = await decode_head(original, len(header.streams), used[0])
    listed = await index() if index is not None else {}
    frame_times, streams = await _measure(original, header, chosen, head, listed)
    return _assemble(original, header, without_silent(chosen, head, streams), head, frame_times, streams)


def _look(path: Path) -> tuple[int, bytes]:
    """Size and first bytes."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SourceError("This is not a file.")
        with path.open("rb") as file:
            signature = file.read(SIGNATURE_BYTES)
    except OSError as error:
        raise SourceError(f"The file cannot be read from its disk ({os.strerror(error.errno or 0)}).") from None
    if not signature:
        raise SourceError("The file is empty.")
    return status.st_size, signature


def refuse_unusable(header: Header, chosen: Chosen) -> None:
    if chosen.video is None and chosen.unknown_video:
        raise SourceError(f"The picture is in a format that is not supported ({chosen.unknown_video[0]}).")
    if chosen.video is None and not chosen.audio:
        raise SourceError(explain(header.complaints) or "There is neither a picture nor sound in this file.")
    if chosen.video is not None and not (chosen.video.width and chosen.video.height):
        # ffprobe's way to refuse what is over -max_pixels is a picture of 0x0 and status 0
        raise SourceError(explain(header.complaints) or "The size of the picture cannot be told.")


async def _measure(
    original: Original, header: Header, chosen: Chosen, head: Head, listed: Streams
) -> tuple[FrameTimes | None, Streams]:
    is_listed = all(stream.index in listed for stream in chosen.used)
    if chosen.video is None:
        return None, listed if is_listed else await scan(original)
    decoded = head.times(chosen.video.index)
    if not is_listed and worth_sampling(original, header.format, chosen.video):
        sampled = await sample(original, header.format, chosen.video, min(decoded))
        if sampled is not None:
            return sampled.times, sampled.streams
    streams = listed if is_listed else await scan(original)
    packets = streams.get(chosen.video.index, PacketTimes())
    refuse_broken_clock(packets, time_base(chosen.video))
    ticks = shown_times(packets, decoded) or await decode_times(original, chosen.video, packets)
    return list_frames(chosen.video, packets, ticks), streams


def without_silent(chosen: Chosen, head: Head, streams: Streams) -> Chosen:
    """Leaves out, with a note, audio that has no packets, or gave no sample where other streams decoded."""
    bases = {stream.index: time_base(stream) for stream in chosen.used}
    reached = head.reached(bases)
    audible = []
    for stream in chosen.audio:
        first = next(streams.get(stream.index, PacketTimes()).best, None)
        late = first is not None and first * bases[stream.index] > reached - HEAD_MARGIN_SECONDS
        if first is not None and (late or head.times(stream.index)):
            audible.append(stream)
    silent = {stream.index for stream in chosen.audio} - {stream.index for stream in audible}
    notes = [f"Audio stream {index} cannot be decoded and was left out." for index in sorted(silent)]
    return replace(chosen, audio=tuple(audible), notes=(*chosen.notes, *notes))


def _assemble(
    original: Original, header: Header, chosen: Chosen, head: Head, frame_times: FrameTimes | None, streams: Streams
) -> Source:
    audio = tuple(audio_stream(stream, streams[stream.index]) for stream in chosen.audio)
    start, end = _extent(chosen, audio, head, frame_times)
    if not 0 < end - start <= MAX_DURATION_SECONDS:
        raise SourceError("The times in this file make no film: it would last for days, or no time at all.")
    chapters = film_chapters(header.chapters, start, end)
    left_out = header.chapters_dropped or len(header.chapters) > MAX_CHAPTERS
    return Source(
        format_name=original.format_name,
        indexed=original.indexed,
        size_bytes=original.size_bytes,
        start_seconds=start,
        duration_seconds=end - start,
        video=_video(chosen.video, head) if chosen.video else None,
        frame_times=frame_times,
        audio=audio,
        subtitles=tuple(subtitle_stream(stream) for stream in chosen.subtitles),
        chapters=chapters,
        notes=(*chosen.notes, "It holds more chapters than are kept.") if left_out else chosen.notes,
    )


def _video(stream: StreamHeader, head: Head) -> VideoStream:
    """The decoder is asked about fields only where the container does not know: it cannot see them in every codec."""
    unsure = stream.field_order in ("", "unknown")
    interlaced = stream.field_order in INTERLACED_ORDERS or (unsure and head.interlaced(stream.index))
    return video_stream(stream, interlaced=interlaced)


def _extent(
    chosen: Chosen, audio: Sequence[AudioStream], head: Head, frame_times: FrameTimes | None
) -> tuple[Fraction, Fraction]:
    """From the first presented sample of any used stream to the end of the last, on the demuxer's clock."""
    starts = [min(head.times(stream.index) or [stream.start_ticks]) * stream.time_base for stream in audio]
    ends = [stream.start_ticks * stream.time_base + stream.duration_seconds for stream in audio]
    if chosen.video is not None and frame_times is not None:
        base = time_base(chosen.video)
        starts.append(frame_times.first_ticks * base)
        ends.append(frame_times.end_ticks * base)
    return min(starts), max(ends)


def film_chapters(chapters: Sequence[ChapterHeader], start: Fraction, end: Fraction) -> tuple[Chapter, ...]:
    """The first 500 that lie inside the film, counted from its time 0."""
    inside = (
        Chapter(
            start_seconds=max(chapter.start_time - start, Fraction(0)),
            end_seconds=min(chapter.end_time, end) - start,
            title=clean_title(chapter.tags.get("title", "")),
        )
        for chapter in chapters
        if chapter.start_time is not None
        and chapter.end_time is not None
        and start < chapter.end_time
        and chapter.start_time < min(chapter.end_time, end)
    )
    return tuple(islice(inside, MAX_CHAPTERS))
