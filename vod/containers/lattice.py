"""The exact sample times of copied sound, freed of the container's rounding.

A Matroska tick is 44 samples wide, but packets of one codec start on a lattice: every 1024 samples for AAC. Packet n
starts at `sample(0) + n * frame_samples`, whichever segment it is read for, so segments made alone and in any order
continue each other exactly; what does not keep to the lattice within the rounding is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vod.containers.samples import NotCopyable

# Half a tick of rounding for the packets from which all are counted, half for the one that is looked at, and one by
# writers that share out the time of a laced block in whole ticks. Ticks may be finer than a millisecond, but times that
# came from another Matroska file are not.
TOLERANCE_TICKS = 2
TOLERANCE_MILLISECONDS = 2
TOLERANCE_SAMPLES = 1
PACKETS_A_STRAY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    first_sample: int  # when packet 0 starts by the container's times, before the delay
    timescale: int  # the container's ticks a second
    sample_rate: int
    frame_samples: int  # from one packet's start to the next one's
    packets: int  # of the whole track
    delay_samples: int = 0  # what decoding drops at the start, as Matroska's CodecDelay tells it: shown so much earlier

    def sample(self, number: int) -> int:
        """When packet `number` starts, in samples on ffprobe's clock: below zero where the delay says so."""
        return self.first_sample - self.delay_samples + number * self.frame_samples

    def nearest(self, seconds: Fraction) -> int:
        """The packet that starts nearest to a time on ffprobe's clock, or `packets` behind them all."""
        number = round((seconds * self.sample_rate - self.sample(0)) / self.frame_samples)
        return min(max(0, number), self.packets)

    def ticks(self, number: int) -> int:
        """The container's tick at or just before the packet's start, as its block tells it."""
        return (self.first_sample + number * self.frame_samples) * self.timescale // self.sample_rate

    def number(self, ticks: int) -> int | None:
        """Which packet the container puts at `ticks`; None off the lattice.

        The tolerance is less than half a packet, else numbers could not be told apart.
        """
        step = self.frame_samples * self.timescale
        number = (2 * self._distance(ticks, 0) + step) // (2 * step)
        return number if abs(self._distance(ticks, number)) <= self._tolerance else None

    def is_near(self, ticks: int, number: int) -> bool:
        """Whether a packet at `ticks` may still be this one, moved by less than its own duration."""
        return abs(self._distance(ticks, number)) < self.frame_samples * self.timescale

    def _distance(self, ticks: int, number: int) -> int:
        """In samples times the timescale, to stay a whole number."""
        return ticks * self.sample_rate - (self.first_sample + number * self.frame_samples) * self.timescale

    @property
    def _tolerance(self) -> int:
        """As `_distance`."""
        ticks = max(TOLERANCE_TICKS, TOLERANCE_MILLISECONDS * self.timescale // 1000)
        wanted = ticks * self.sample_rate + TOLERANCE_SAMPLES * self.timescale
        return min(wanted, (self.frame_samples * self.timescale - 1) // 2)


def first_sample(times: Sequence[tuple[int, int]], timescale: int, sample_rate: int, frame_samples: int) -> int:
    """When packet 0 starts: as it says itself, but where the first packets together put it a tick away, as they do.

    `times` has each packet's number, from 0 on, and the container's ticks.
    """
    scaled = [ticks * sample_rate - number * frame_samples * timescale for number, ticks in times]
    middle = sorted(scaled)[len(scaled) // 2]
    believed = scaled[0] if abs(scaled[0] - middle) <= sample_rate else middle
    return (2 * believed + timescale) // (2 * timescale)


def check_strays(strays: int, packets: int) -> None:
    """A few packets off the lattice among others on it are the writer's jitter; many are a gap, an overlap, a drift."""
    if packets == 0 or strays > max(1, packets // PACKETS_A_STRAY):
        raise NotCopyable("the sound has a gap or an overlap")
