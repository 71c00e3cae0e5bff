"""The copy lane's grid: where an original's own samples can be cut, and whether they should be handed on at all.

Pure: it sees the sample index alone (design.md section 2, rule 1; hls-rules.md 15-20). Whatever a player might not
start at, or not in time, is NotCopyable, and the film is encoded as any other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import numpy as np

from vod.containers.columns import rise, view
from vod.containers.samples import NotCopyable, Samples, Track
from vod.hls.copyable_codecs import refuse_codec
from vod.hls.packet_lattice import on_lattice
from vod.hls.plan import EARLIEST_END_SECONDS

# Decode times are packed into the first frame's time (fmp4.decode_times): a tick must be much finer than a frame.
MIN_TIMESCALE = 10_000
# A segment of up to so many nominal ones is waited for; what has keyframes further apart is encoded.
LONGEST = Fraction(7, 4)
# A shorter segment at the end joins the one before it.
SHORTEST_SECONDS = Fraction(45, 100)
# Samples in a packet; AAC's short frames, and twice as many with SBR where the entry tells the rate of its output.
PACKET_SAMPLES = {"mp4a": (1024, 2048, 960, 1920), "ac-3": (1536,), "ec-3": (256, 512, 768, 1536)}
ODD_LENGTH = Fraction(1, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """From a track's ticks, with the film's time 0 anywhere, to those of its rendition, which count from it."""

    timescale: int  # of the rendition
    ticks_per_source_tick: int
    origin_ticks: int  # the rendition's ticks at time 0; subtracted

    @classmethod
    def of_pictures(cls, timescale: int, start_seconds: Fraction) -> Clock:
        """The same that `planning` gives to the encoded rungs of a stream with the time base 1 / `timescale`."""
        finer = ceil(Fraction(MIN_TIMESCALE, timescale))
        return cls(
            timescale=timescale * finer,
            ticks_per_source_tick=finer,
            origin_ticks=round(start_seconds * timescale * finer),
        )

    @classmethod
    def of_sound(cls, timescale: int, start_seconds: Fraction) -> Clock:
        return cls(timescale=timescale, ticks_per_source_tick=1, origin_ticks=round(start_seconds * timescale))

    def from_source(self, ticks: int) -> int:
        return ticks * self.ticks_per_source_tick - self.origin_ticks


def refuse_uncopyable(track: Track, samples: Samples) -> None:
    """Raises NotCopyable with the reason why players should not get this track as it is."""
    try:
        refuse_codec(track)
    except NotCopyable:
        raise
    except ValueError as error:
        raise NotCopyable(str(error)) from None
    if not view(samples.sizes).min(initial=1) or not len(samples):
        raise NotCopyable("it has no samples, or empty ones")
    if track.kind == "video" and not rise(view(samples.decode_times)):
        raise NotCopyable("its decode times do not rise")
    times = view(samples.times)
    if not rise(np.sort(times, kind="stable") if track.kind == "video" else times):
        raise NotCopyable("two of its samples have one time")
    if track.kind == "audio":
        _refuse_odd_packets(track, samples)


def _refuse_odd_packets(track: Track, samples: Samples) -> None:
    """A packet's place in time must be as long as its sound; a rate that 16 bits cannot tell is not looked at."""
    if len(samples) < 2 or not track.sample_rate:
        return
    seconds = Fraction(samples.times[-1] - samples.times[0], (len(samples) - 1) * track.timescale)
    lengths = [Fraction(packet, track.sample_rate) for packet in PACKET_SAMPLES[track.codec]]
    if not any(abs(seconds - length) <= length * ODD_LENGTH for length in lengths):
        raise NotCopyable("its packets are not as long as their sound")


def start_positions(samples: Samples) -> list[int]:
    """Keyframes at which a player can start: what is decoded before is shown before, what comes after is not.

    That leaves out the I-frames of open groups, whose leading pictures need the group before.
    """
    if not samples.keyframes:
        return []
    times, keyframes = view(samples.times), view(samples.keyframes)
    latest = np.maximum.accumulate(np.maximum.reduceat(times, keyframes))
    earliest = np.minimum.accumulate(np.minimum.reduceat(times, keyframes)[::-1])[::-1]
    is_start = times[keyframes] == earliest
    is_start[1:] &= latest[:-1] < earliest[1:]
    found: list[int] = keyframes[is_start].tolist()
    return found


def cuts_from_keyframes(samples: Samples, clock: Clock, segment_seconds: Fraction, end_ticks: int) -> tuple[int, ...]:
    """In ticks of the rendition, from 0 to `end_ticks`, where the film ends. Every cut but these is a keyframe.

    Each is the keyframe nearest to a nominal segment behind the one before it. Raises NotCopyable where a segment
    would last longer than `LONGEST` of them.
    """
    starts = [clock.from_source(samples.times[position]) for position in start_positions(samples)]
    if not samples.keyframes or samples.keyframes[0] or not starts:
        raise NotCopyable("it does not begin with a keyframe")
    if starts[0] != clock.from_source(samples.times[0]) or starts[0] < 0:
        raise NotCopyable("its first picture is not the first that is shown")
    nominal = segment_seconds * clock.timescale
    starts = [start for start in starts[1:] if start < end_ticks]
    cuts = _nearest(starts, nominal, end_ticks)
    if len(cuts) > 1 and end_ticks - cuts[-1] < SHORTEST_SECONDS * clock.timescale:
        cuts.pop()
    cuts.append(end_ticks)
    if any(later - earlier < SHORTEST_SECONDS * clock.timescale for earlier, later in pairwise(cuts[:-1])):
        raise NotCopyable("two of its keyframes are too near to each other")  # no sound may lie between them
    if any(later - earlier > floor(nominal * LONGEST) for earlier, later in pairwise(cuts)):
        raise NotCopyable("its keyframes are too far apart")
    return tuple(cuts)


def _nearest(starts: Sequence[int], nominal: Fraction, end: int) -> list[int]:
    """From 0 on. Of two that are equally near the earlier one is taken."""
    # In parts of a tick of which the nominal length is a whole number: a film of two hours has 3,600 keyframes.
    step, parts = nominal.as_integer_ratio()
    longest = floor(nominal * LONGEST)
    cuts = [0]
    position = 0
    while (end - cuts[-1]) * parts > step:
        target = cuts[-1] * parts + step
        position = bisect_right(starts, cuts[-1], position)
        behind = bisect_left(starts, -(-target // parts), position)
        near = starts[max(position, behind - 1) : behind + 1]
        choice = [start for start in near if start - cuts[-1] <= longest]
        if not choice:
            break
        cuts.append(min(choice, key=lambda start: abs(start * parts - target)))
    return cuts


def cuts_from_packets(samples: Samples, clock: Clock, boundaries: Sequence[Fraction]) -> tuple[int, ...]:
    """In ticks of the sound's rendition: 0, the packet starts nearest to `boundaries`, and the film's end.

    Where sound ends a little earlier its last packet lasts until then: all playlists have one duration (Apple 8.3).

    `boundaries` are the film's cuts in seconds, from 0 to its end. Raises NotCopyable where packets leave gaps, and
    where sound begins late or ends early: an encoder can fill that with silence.
    """
    times = on_lattice(samples.times, clock.timescale)
    packet = times[1] - times[0]
    # What lies mostly before time 0 is dropped; the first packet that stays is moved onto it.
    begin = clock.from_source(times[nearest_packet(times, clock, 0)])
    if not -packet <= 2 * begin <= 2 * packet:
        raise NotCopyable("it begins later than the film")
    end = clock.from_source(times[-1] + min(max(samples.end - samples.times[-1], 1), packet))
    if end < (boundaries[-1] - EARLIEST_END_SECONDS) * clock.timescale:
        raise NotCopyable("it ends earlier than the film")
    cuts = [0]
    for boundary in boundaries[1:-1]:
        start = clock.from_source(times[nearest_packet(times, clock, round(boundary * clock.timescale))])
        if cuts[-1] < start < end:
            cuts.append(start)
    return (*cuts, max(end, round(boundaries[-1] * clock.timescale)))


def nearest_packet(times: Sequence[int], clock: Clock, ticks: int) -> int:
    """The position of the packet that begins nearest to these ticks of the rendition."""
    target = ticks + clock.origin_ticks
    behind = bisect_left(times, target)
    if behind == len(times) or (behind and target - times[behind - 1] < times[behind] - target):
        return behind - 1
    return behind
