"""Sample indexes written by hand, where a test means every number."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from vod.containers.samples import Samples

SIZE = 10


def columns(
    times: Sequence[int],
    *,
    keyframes: Sequence[int] = (0,),
    duration: int = 1000,
    decode_times: Sequence[int] | None = None,
    sizes: Sequence[int] | None = None,
    offsets: Sequence[int] | None = None,
) -> Samples:
    """Samples shown at `times`, in decode order, side by side in the file."""
    count = len(times)
    return Samples(
        offsets=array("q", range(0, SIZE * count, SIZE) if offsets is None else offsets),
        sizes=array("I", [SIZE] * count if sizes is None else sizes),
        decode_times=array("q", range(0, duration * count, duration) if decode_times is None else decode_times),
        times=array("q", times),
        keyframes=array("I", keyframes),
        end=max(times) + duration,
    )


def every(count: int, step: int, *, start: int = 0) -> range:
    return range(start, start + count * step, step)
