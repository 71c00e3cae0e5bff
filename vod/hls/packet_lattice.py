"""Packets of copied sound, moved onto an even lattice: each codec's packets are of one length.

A film that was once Matroska keeps its milliseconds in MP4, so its packets are 1014 or 1036 samples apart where the
sound has 1024 in each. Players would hear the difference as gaps.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from vod.containers.columns import column, wide
from vod.containers.samples import NotCopyable

TOLERANCE_MILLISECONDS = 2  # half of one for the first packet's rounding, half for another's, and twice that
TOLERANCE_TICKS = 2  # of clocks whose ticks are coarser
PACKETS_A_STRAY = 8  # as vod.containers.lattice allows


def on_lattice(times: array[int], timescale: int) -> array[int]:
    """Packet times, as near to these as an even lattice comes.

    Of whole ticks where that fits, else straight from the first packet to the last. Raises NotCopyable where packets
    leave a gap or overlap.
    """
    count = len(times) - 1
    if count < 1 or times[-1] - times[0] < count:
        raise NotCopyable("its packets are too few or too close")
    first, span = times[0], times[-1] - times[0]
    step = round(span / count)
    even = first + step * np.arange(count + 1)
    if _is_near(even, wide(times), step, timescale):
        return column("q", even)
    line = array("q", (first + span * number // count for number in range(count + 1)))
    if _is_near(wide(line), wide(times), step, timescale):
        return line
    raise NotCopyable("its packets leave a gap or overlap")


def _is_near(lattice: NDArray[np.int64], times: NDArray[np.int64], step: int, timescale: int) -> bool:
    """All but a few strays within the tolerance, and those within half a packet."""
    tolerance = timescale * TOLERANCE_MILLISECONDS // 1000 + TOLERANCE_TICKS
    distances = np.abs(lattice - times)
    strays = np.count_nonzero(distances > tolerance)
    return bool(2 * distances.max() <= step and strays * PACKETS_A_STRAY <= len(times))
