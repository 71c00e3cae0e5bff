"""Sound of a plan: for each track of the original what is encoded and what is handed on as it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Any

from vod.containers.samples import NotCopyable
from vod.ffmpeg.source import AudioStream, Source
from vod.hls.copies import Tracks, copy_sound, is_stereo_aac
from vod.hls.plan import AAC_FRAME_SAMPLES, AUDIO_LANE_PREFIX, AudioPlan, CopiedAudio
from vod.hls.track_names import label, three_letters, unique

# Packets start on a multiple of so many samples where the container's ticks are too coarse to show it. Vorbis
# overlaps blocks of 2^n ≥ 256, E-AC-3 has one to six blocks of 256.
PACKET_LATTICE = {"aac": 1024, "ac3": 1536, "eac3": 256, "mp3": 576, "mp2": 1152, "dts": 512, "vorbis": 64}

STEREO_BPS = 150_000  # Apple 2.9 allows 160 kb/s; ffmpeg spends up to 5 % more than told, boxes are 2 %
AAC_RATES = (44_100, 48_000)
SURROUND = "surround"
COPIED_BPS = 640_000  # the most that AC-3 has


def plan_audio(
    source: Source, boundaries: list[Fraction], tracks: Tracks
) -> tuple[tuple[AudioPlan, ...], tuple[CopiedAudio, ...]]:
    """Stereo AAC of every track, handed on where it is that already; surround as it is, beside it.

    `boundaries` are the film's cuts in seconds, without its end.
    """
    names = unique([f"audio-{three_letters(stream.language)}" for stream in source.audio], "-")
    labels = unique([label(stream.title, stream.language, "Audio") for stream in source.audio], " ")
    default = next((n for n, stream in enumerate(source.audio) if stream.default), 0)
    encoded, copied = [], []
    for n, stream in enumerate(source.audio):
        told = {
            "language": stream.language,
            "label": labels[n],
            "default": n == default,
            "commentary": stream.commentary,
            "visually_impaired": stream.visually_impaired,
        }
        handed_on = _copied_audio(source, stream, boundaries, tracks, names[n], told)
        copied += [handed_on] if handed_on else []
        if not handed_on or not is_stereo_aac(stream):
            lane = f"{AUDIO_LANE_PREFIX}{n}"
            encoded.append(_encoded_audio(source, stream, boundaries, names[n], lane, told))
    return tuple(encoded), tuple(copied)


def _copied_audio(
    source: Source,
    stream: AudioStream,
    boundaries: list[Fraction],
    tracks: Tracks,
    name: str,
    told: Mapping[str, Any],
) -> CopiedAudio | None:
    try:
        sound = copy_sound(stream, tracks, source.start_seconds, [*boundaries, source.duration_seconds])
    except NotCopyable:
        return None
    return CopiedAudio(
        name=name if is_stereo_aac(stream) else f"{name}-{SURROUND}",
        stream_index=stream.index,
        timescale=sound.timescale,
        cuts=sound.cuts,
        codec=sound.codec,
        expected_bps=COPIED_BPS,
        channels=stream.channels,
        **told,
    )


def _encoded_audio(
    source: Source, stream: AudioStream, boundaries: list[Fraction], name: str, lane: str, told: Mapping[str, Any]
) -> AudioPlan:
    rate = _aac_rate(stream.sample_rate)
    return AudioPlan(
        name=name,
        lane=lane,
        stream_index=stream.index,
        sample_rate=rate,
        channels=2,
        bitrate_bps=STEREO_BPS,
        cuts=_audio_cuts(boundaries, source.duration_seconds, rate),
        source_sample_rate=stream.sample_rate,
        source_first_sample=round(stream.start_ticks * stream.time_base * stream.sample_rate),
        source_frame_samples=stream.frame_samples or PACKET_LATTICE.get(stream.codec, 0),
        source_tick_seconds=stream.time_base,
        **told,
    )


def _audio_cuts(boundaries: list[Fraction], duration: Fraction, rate: int) -> tuple[int, ...]:
    frames_a_second = Fraction(rate, AAC_FRAME_SAMPLES)
    end = max(1, ceil(duration * frames_a_second))
    starts = [frame for boundary in boundaries if (frame := round(boundary * frames_a_second)) < end]
    return tuple(frame * AAC_FRAME_SAMPLES for frame in (*starts, end))


def _aac_rate(rate: int) -> int:
    """Kept where AAC players take it; else the one of its family that resamples by a small ratio."""
    if rate in AAC_RATES:
        return rate
    return 44_100 if rate % 11_025 == 0 else 48_000
