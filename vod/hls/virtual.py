"""Virtual segments: a generated `moof` before the original's own bytes, so that no second copy is ever written.

Pure. Segments fit those of encoded rungs at the same cuts, for their times are packed by the same `heads` (design.md
section 2, rules 2-3). Samples stay in decode order, wherever they lie in the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vod.containers.columns import column, view, wide
from vod.containers.samples import Samples
from vod.hls.copying import Clock, nearest_packet
from vod.hls.heads import audio_heads, video_heads
from vod.hls.packet_lattice import on_lattice
from vod.hls.segment_index import VirtualSegment


def video_segments(samples: Samples, clock: Clock, cuts: Sequence[int]) -> list[VirtualSegment]:
    """All of a rendition whose `cuts` came from `copying.cuts_from_keyframes`.

    Raises ValueError where a cut is no keyframe, or ticks are too coarse for the frames between two.
    """
    edges = [0, *_keyframes_at(samples, clock, cuts[1:-1]), len(samples)]
    heads = video_heads(0, cuts, edges, _placed(samples.times, clock), view(samples.sizes), view(samples.keyframes))
    return _with_stretches(heads, samples, edges)


def audio_segments(samples: Samples, clock: Clock, cuts: Sequence[int]) -> list[VirtualSegment]:
    """All of a rendition whose `cuts` came from `copying.cuts_from_packets`. Raises ValueError."""
    times = on_lattice(samples.times, clock.timescale)
    edges = [*(nearest_packet(times, clock, cut) for cut in cuts[:-1]), len(samples)]
    starts = _placed(times, clock)
    starts[edges[:-1]] = cuts[:-1]  # no change but to the film's first packet
    heard = slice(edges[0], None)
    heads = audio_heads(0, cuts, [edge - edges[0] for edge in edges], starts[heard], view(samples.sizes)[heard])
    return _with_stretches(heads, samples, edges)


def _keyframes_at(samples: Samples, clock: Clock, cuts: Sequence[int]) -> list[int]:
    positions = {clock.from_source(samples.times[position]): position for position in samples.keyframes}
    try:
        return [positions[cut] for cut in cuts]
    except KeyError:
        raise ValueError("a cut is no keyframe") from None


def _placed(times: array[int], clock: Clock) -> NDArray[np.int64]:
    return wide(times) * clock.ticks_per_source_tick - clock.origin_ticks


def _with_stretches(heads: Sequence[bytes], samples: Samples, edges: Sequence[int]) -> list[VirtualSegment]:
    """Samples that lie side by side in the file are one stretch, but none goes across an edge."""
    offsets, sizes = wide(samples.offsets), wide(samples.sizes)
    ends = offsets + sizes
    begins = np.append(True, offsets[1:] != ends[:-1])
    begins[edges[:-1]] = True
    starts = np.flatnonzero(begins)
    lasts = np.append(starts[1:], len(samples)) - 1
    lengths = ends[lasts] - offsets[starts]
    if (lengths >= 1 << 32).any():
        raise ValueError("a stretch of the original is larger than its field")
    places, parts = column("Q", offsets[starts]), column("I", lengths)
    borders = np.searchsorted(starts, edges).tolist()
    return [
        VirtualSegment(head=head, offsets=places[first:stop], lengths=parts[first:stop])
        for head, (first, stop) in zip(heads, pairwise(borders), strict=True)
    ]
