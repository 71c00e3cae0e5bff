"""Audio streams: where their packets lie on the sample clock, measured."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice

from vod.ffmpeg.cadence import explains
from vod.ffmpeg.header import StreamHeader
from vod.ffmpeg.packets import PacketTimes
from vod.ffmpeg.source import AudioStream
from vod.ffmpeg.streams import language, time_base, title

# Enough to tell a frame size from rounding; from the file's start, before any window's jump.
JUDGED_PACKETS = 100
FEWEST_PACKETS = 3


def audio_stream(stream: StreamHeader, packets: PacketTimes) -> AudioStream:
    base = time_base(stream)
    head = list(islice(packets.best, JUDGED_PACKETS))
    return AudioStream(
        index=stream.index,
        codec=stream.codec_name,
        profile=stream.profile,
        sample_rate=stream.sample_rate,
        channels=stream.channels,
        layout=stream.channel_layout,
        time_base=base,
        start_ticks=head[0],
        frame_samples=frame_samples(head, base, stream.sample_rate),
        language=language(stream),
        title=title(stream),
        default=bool(stream.disposition.get("default")),
        commentary=bool(stream.disposition.get("comment")),
        visually_impaired=bool(stream.disposition.get("visual_impaired")),
        duration_seconds=(packets.end - head[0]) * base,
    )


def frame_samples(ticks: Sequence[int], base: Fraction, sample_rate: int) -> int:
    """The constant distance between packets, 0 where it varies: 1024 for AAC, 1536 for AC-3, 1152 for MP3."""
    if len(ticks) < FEWEST_PACKETS or ticks[-1] <= ticks[0]:
        return 0
    samples = round((ticks[-1] - ticks[0]) * base * sample_rate / (len(ticks) - 1))
    # Milliseconds blur the size by half a per cent over so few packets; codecs use multiples of 32.
    coarse = [samples, round(samples / 32) * 32]
    return next((size for size in coarse if size and explains(ticks, Fraction(size, sample_rate) / base)), 0)
