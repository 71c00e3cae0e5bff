"""Virtual segments of Matroska originals, each made when it is asked for from the few clusters it lies in.

Cuts come from `copying`, fed with the outlines of `vod.containers.matroska_outline`. A segment depends on them and the
file alone, so whoever makes it, in any order, it fits its neighbours. All of this blocks: call it in a thread.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from vod.containers.matroska import MatroskaFile
from vod.containers.matroska_samples import AudioTrack, read_audio_samples, read_video_samples
from vod.containers.samples import NotCopyable, Samples, Track
from vod.hls.copying import Clock
from vod.hls.heads import audio_heads, video_heads
from vod.hls.idr import find_non_idr
from vod.hls.segment_index import VirtualSegment

CHECKED_GROUPS = 8


def check_pictures(path: Path, film: MatroskaFile, track: Track) -> None:
    """Looks at groups of pictures spread over the film, as a player would start at them.

    Raises NotCopyable where one begins with no IDR or has leading pictures, OSError.
    """
    times = film.cues.times
    step = max(1, (len(times) - 1) // CHECKED_GROUPS)
    for index in range(0, len(times) - 1, step):
        _group(path, film, track, times[index], times[index + 1])
    _group(path, film, track, times[-1], None)


def video_segment(
    path: Path, film: MatroskaFile, track: Track, clock: Clock, cuts: Sequence[int], number: int
) -> VirtualSegment:
    """`cuts` are a whole rendition's. Raises NotCopyable where players could not start here, OSError."""
    start = _tick(clock, cuts[number]) if number else film.cues.times[0]
    end = _tick(clock, cuts[number + 1]) if number + 2 < len(cuts) else None
    samples = _group(path, film, track, start, end)
    times = [clock.from_source(time) for time in samples.times]
    edges = (0, len(samples))
    try:
        (head,) = video_heads(number, cuts[number : number + 2], edges, times, samples.sizes, samples.keyframes)
    except ValueError as error:
        raise NotCopyable(str(error)) from None
    return _segment(head, samples)


def audio_segment(
    path: Path, film: MatroskaFile, audio: AudioTrack, clock: Clock, cuts: Sequence[int], number: int
) -> VirtualSegment:
    """As `video_segment`. The film's first packet is moved onto time 0, which is nearer than half of it."""
    first, stop = (_packet(audio, clock, cuts[edge]) for edge in (number, number + 1))
    if number + 2 == len(cuts):
        stop = audio.lattice.packets
    samples = read_audio_samples(path, film, audio, first, stop)
    starts = [clock.from_source(time) for time in samples.times]
    starts[0] = cuts[number]
    try:
        (head,) = audio_heads(number, cuts[number : number + 2], (0, len(samples)), starts, samples.sizes)
    except ValueError as error:
        raise NotCopyable(str(error)) from None
    return _segment(head, samples)


def _group(path: Path, film: MatroskaFile, track: Track, start: int, end: int | None) -> Samples:
    samples = read_video_samples(path, film, track, start, end)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if find_non_idr(descriptor, track, samples, (0,)) is not None:
            raise NotCopyable("a keyframe is no picture that players can start at")
    finally:
        os.close(descriptor)
    return samples


def _tick(clock: Clock, cut: int) -> int:
    ticks, rest = divmod(cut + clock.origin_ticks, clock.ticks_per_source_tick)
    if rest:
        raise NotCopyable("a cut is between the film's ticks")
    return ticks


def _packet(audio: AudioTrack, clock: Clock, cut: int) -> int:
    return audio.lattice.nearest(Fraction(cut + clock.origin_ticks, clock.timescale))


def _segment(head: bytes, samples: Samples) -> VirtualSegment:
    """Frames of one lace touch; between all others lies a block's header."""
    offsets, lengths = array("Q"), array("I")
    for offset, size in zip(samples.offsets, samples.sizes, strict=True):
        if offsets and offsets[-1] + lengths[-1] == offset:
            lengths[-1] += size
        else:
            offsets.append(offset)
            lengths.append(size)
    return VirtualSegment(head=head, offsets=offsets, lengths=lengths)
