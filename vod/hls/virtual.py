"""Virtual segments: a generated `moof` before the original's own bytes, so that no second copy is ever written.

Pure. Segments fit those of encoded rungs at the same cuts, for their times are packed by the same `fmp4` (design.md
section 2, rules 2-3). Samples stay in decode order, wherever they lie in the file.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, compress, islice, pairwise, repeat
from operator import add, mul, ne, sub

from vod.containers.samples import Samples
from vod.hls import fmp4
from vod.hls.copying import Clock, nearest_packet
from vod.hls.packet_lattice import on_lattice


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualSegment:
    """`head` is followed by stretches of the original, in this order: columns of one length."""

    head: bytes
    offsets: array[int]  # "Q": bytes from the start of the original
    lengths: array[int]  # "I": bytes, none is 0

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(offset, length) of each stretch."""
        return tuple(zip(self.offsets, self.lengths, strict=True))

    @property
    def size_bytes(self) -> int:
        return len(self.head) + sum(self.lengths)


def video_segments(samples: Samples, clock: Clock, cuts: Sequence[int]) -> list[VirtualSegment]:
    """All of a rendition whose `cuts` came from `copying.cuts_from_keyframes`.

    Raises ValueError where a cut is no keyframe, or ticks are too coarse for the frames between two.
    """
    edges = [0, *_keyframes_at(samples, clock, cuts[1:-1]), len(samples)]
    stretches = _Stretches(samples, edges)
    keyframes = samples.keyframes
    segments = []
    for number, (first, stop) in enumerate(pairwise(edges)):
        times = _placed(samples.times[first:stop], clock)
        own = keyframes[bisect_left(keyframes, first) : bisect_left(keyframes, stop)]
        head = fmp4.video_head(
            number, cuts[number], cuts[number + 1], times, samples.sizes[first:stop], map(sub, own, repeat(first))
        )
        segments.append(stretches.take(head, first, stop))
    return segments


def audio_segments(samples: Samples, clock: Clock, cuts: Sequence[int]) -> list[VirtualSegment]:
    """All of a rendition whose `cuts` came from `copying.cuts_from_packets`. Raises ValueError."""
    times = on_lattice(samples.times, clock.timescale)
    edges = [*(nearest_packet(times, clock, cut) for cut in cuts[:-1]), len(samples)]
    stretches = _Stretches(samples, edges)
    segments = []
    for number, (first, stop) in enumerate(pairwise(edges)):
        starts = _placed(times[first:stop], clock)
        starts[0] = cuts[number]  # no change but to the film's first packet
        starts.append(cuts[number + 1])
        head = fmp4.audio_head(number, starts, samples.sizes[first:stop])
        segments.append(stretches.take(head, first, stop))
    return segments


def _keyframes_at(samples: Samples, clock: Clock, cuts: Sequence[int]) -> list[int]:
    positions = {clock.from_source(samples.times[position]): position for position in samples.keyframes}
    try:
        return [positions[cut] for cut in cuts]
    except KeyError:
        raise ValueError("a cut is no keyframe") from None


def _placed(times: array[int], clock: Clock) -> array[int]:
    if clock.ticks_per_source_tick != 1:
        times = array("q", map(mul, times, repeat(clock.ticks_per_source_tick)))
    return array("q", map(sub, times, repeat(clock.origin_ticks))) if clock.origin_ticks else times


def _lengths(lengths: Iterable[int]) -> array[int]:
    try:
        return array("I", lengths)
    except OverflowError:
        raise ValueError("a stretch of the original is larger than its field") from None


class _Stretches:
    """Runs of samples that lie side by side in the file, none across an edge."""

    def __init__(self, samples: Samples, edges: Sequence[int]) -> None:
        ends = array("q", map(add, samples.offsets, samples.sizes))
        begins = bytearray(map(ne, ends, chain(islice(samples.offsets, 1, None), (-1,))))
        begins.insert(0, 1)  # whether each sample begins a stretch, and at the end one that is not there
        for edge in edges:
            begins[edge] = 1
        self.offsets = array("Q", compress(samples.offsets, begins))
        self.lengths = _lengths(map(sub, compress(ends, islice(begins, 1, None)), self.offsets))
        self.begins = begins
        self.taken = begins.count(1, 0, edges[0])

    def take(self, head: tuple[bytes, ...], first: int, stop: int) -> VirtualSegment:
        """Of samples `first:stop`, which follow those taken before."""
        part = slice(self.taken, self.taken + self.begins.count(1, first, stop))
        self.taken = part.stop
        return VirtualSegment(head=b"".join(head), offsets=self.offsets[part], lengths=self.lengths[part])
