"""What a probe found, where a test knows that there is a picture."""

from __future__ import annotations

from vod.ffmpeg.source import Source, VideoStream


def video_of(source: Source) -> VideoStream:
    assert source.video is not None
    return source.video


def ticks_of(source: Source) -> list[int]:
    assert source.frame_times is not None
    return list(source.frame_times.ticks)
