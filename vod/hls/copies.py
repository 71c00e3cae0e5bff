"""Which tracks of an original are handed on as they are, and where they are cut. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from vod.containers.samples import IndexedTrack, NotCopyable, Track
from vod.ffmpeg.source import AudioStream, Source, VideoStream
from vod.hls.codecs import codec_string
from vod.hls.copying import Clock, cuts_from_keyframes, cuts_from_packets, refuse_uncopyable
from vod.hls.init_section import copied_init_section
from vod.hls.plan import CopiedRung, OriginalRung, RemuxedRung, Rung

COPIED_RUNG = "original"
# Of the copy's lines; an encoded rung above that would look the same.
WORTH_ENCODING = Fraction(4, 5)
HIGHEST_COMMON_LEVEL = 41  # of H.264 that every player takes (Apple 1.3a)
# One codec a group (hls-rules.md rule 2): HE-AAC beside our AAC-LC would be two
COMMON_SOUND = frozenset({"mp4a.40.2", "ac-3", "ec-3"})
STEREO = 2  # channels

Tracks = Mapping[int, IndexedTrack]  # by stream index


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedPicture:
    rung: CopiedRung | RemuxedRung
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedSound:
    timescale: int
    cuts: tuple[int, ...]
    codec: str


def copy_picture(
    source: Source, stream: VideoStream, tracks: Tracks, segment_seconds: Fraction, end_ticks: int
) -> CopiedPicture:
    """As ranges of the original, or remuxed. Raises NotCopyable with the reason why the pictures have to be encoded."""
    indexed = _indexed(tracks, stream.index)
    track, samples = indexed.track, indexed.require()
    if stream.rotation or stream.interlaced:
        raise NotCopyable("it would not be shown upright" if stream.rotation else "it is interlaced")
    refuse_uncopyable(track, samples)
    clock = Clock.of_pictures(track.timescale, source.start_seconds)
    kind = CopiedRung if indexed.in_place else RemuxedRung
    rung = kind(
        name=COPIED_RUNG,
        stream_index=stream.index,
        width=stream.width,
        height=stream.height,
        codec=_codec(track),
        expected_bps=int(source.size_bytes * 8 / source.duration_seconds),
    )
    return CopiedPicture(rung=rung, cuts=cuts_from_keyframes(samples, clock, segment_seconds, end_ticks))


def copy_sound(
    stream: AudioStream, tracks: Tracks, start_seconds: Fraction, boundaries: Sequence[Fraction]
) -> CopiedSound:
    """`boundaries` are the film's cuts in seconds, from 0 to its end. Raises NotCopyable."""
    if stream.channels <= STEREO and not is_stereo_aac(stream):
        raise NotCopyable("it is no surround, and every track is there as stereo AAC")
    indexed = _indexed(tracks, stream.index)
    track, samples = indexed.track, indexed.require()
    refuse_uncopyable(track, samples)
    codec = _codec(track)
    if codec not in COMMON_SOUND:
        raise NotCopyable(f"{codec} would not be one codec with the encoded tracks")
    clock = Clock.of_sound(track.timescale, start_seconds)
    cuts = cuts_from_packets(samples, clock, boundaries)
    return CopiedSound(timescale=clock.timescale, cuts=cuts, codec=codec)


def is_stereo_aac(stream: AudioStream) -> bool:
    """What every player takes (Apple 2.3): no other rendition of the track is needed."""
    return stream.codec == "aac" and stream.channels <= STEREO


def below(copied: OriginalRung, rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The encoded rungs that a film with this copy still needs."""
    if not _is_common(copied.codec):
        return tuple(rungs)
    return tuple(rung for rung in rungs if rung.height <= WORTH_ENCODING * copied.height)


def _is_common(codec: str) -> bool:
    return codec.startswith("avc1.") and int(codec[-2:], 16) <= HIGHEST_COMMON_LEVEL


def _codec(track: Track) -> str:
    return codec_string(copied_init_section(track, track.timescale, 0))


def _indexed(tracks: Tracks, stream_index: int) -> IndexedTrack:
    if stream_index not in tracks:
        raise NotCopyable("its container has no index that is read here")
    return tracks[stream_index]
