"""The sample tables of one `stbl`, expanded into columns (ISO/IEC 14496-12 §8.6-8.7).

Counts are compared before anything is expanded: a table of eight bytes may claim four billion samples.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vod.containers import boxes
from vod.containers.boxes import Box
from vod.containers.columns import column, rise
from vod.containers.samples import MOST_SAMPLES, NotCopyable

MOST_TICKS = 1 << 48  # three days in nanoseconds; in finer ticks of a rendition still far from 64 bits


class Runs(NamedTuple):
    """Run-length coded: value `values[n]` for `counts[n]` samples."""

    counts: NDArray[np.int64]
    values: NDArray[np.int64]

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def expand(self) -> NDArray[np.int64]:
        """Compare `total` before."""
        return np.repeat(self.values, self.counts)


class SampleTables:
    """Of one `stbl` in `moov`. Every method raises ValueError where tables contradict each other."""

    def __init__(self, moov: bytes, stbl: Box) -> None:
        self.moov = moov
        self.boxes = {child.kind: child for child in boxes.children(moov, stbl)}

    def count(self) -> int:
        return self._fields(b"stz2" if b"stz2" in self.boxes else b"stsz", "I", 8)[0]

    def sizes(self) -> array[int]:
        if b"stz2" in self.boxes:
            return self._compact_sizes()
        constant, count = self._fields(b"stsz", "2I", 4)
        _check_count(count)
        if constant:
            return array("I", [constant]) * count
        return column("I", self._table(b"stsz", 12, count))

    def decode_times(self, count: int, start: int) -> NDArray[np.int64]:
        """From `start` on, and behind the last one where it ends: one more than there are samples."""
        runs = self._runs(b"stts")
        if runs.total != count:
            raise NotCopyable("stts and stsz count different samples")
        # in floating point, for hostile products leave 64 bits
        if np.multiply(runs.counts, runs.values, dtype=float).sum() > MOST_TICKS:
            raise NotCopyable("the samples last for ever")
        return np.concatenate(([start], start + runs.expand().cumsum()))

    def composition_offsets(self, count: int) -> NDArray[np.int64] | None:
        """Signed in both versions: QuickTime wrote negative ones before there was a version 1."""
        if b"ctts" not in self.boxes:
            return None
        runs = self._runs(b"ctts")
        if runs.total != count:
            raise NotCopyable("ctts and stsz count different samples")
        return Runs(runs.counts, runs.values.astype(np.uint32).view(np.int32).astype(np.int64)).expand()

    def keyframes(self, count: int) -> NDArray[np.int64]:
        """Positions from 0; without a table, every sample is one."""
        if b"stss" not in self.boxes:
            return np.arange(count)
        entries = self._entries(b"stss")
        numbers = self._table(b"stss", 8, entries)
        if not rise(numbers):
            raise NotCopyable("keyframes do not rise")
        if numbers.size and not (numbers[0] and numbers[-1] <= count):
            raise NotCopyable("a keyframe lies outside the track")
        return numbers - 1

    def offsets(self, sizes: NDArray[np.int64], file_bytes: int) -> NDArray[np.int64]:
        """In bytes from the start of the file; every sample ends inside it."""
        chunks = self._chunk_offsets(file_bytes)
        per_chunk = self._samples_per_chunk(len(chunks)).expand()
        if per_chunk.sum() != len(sizes):
            raise NotCopyable("stsc and stsz count different samples")
        before = np.concatenate(([0], sizes.cumsum()))  # bytes of all samples before each
        edges = np.concatenate(([0], per_chunk.cumsum()))  # the first sample of each chunk
        shifts = chunks - before[edges[:-1]]
        if (shifts + before[edges[1:]]).max(initial=0) > file_bytes:
            raise NotCopyable("its samples lie outside the file")
        return before[:-1] + np.repeat(shifts, per_chunk)

    def _chunk_offsets(self, file_bytes: int) -> NDArray[np.int64]:
        kind, layout = (b"co64", ">u8") if b"co64" in self.boxes else (b"stco", ">u4")
        count = self._entries(kind)
        chunks = self._raw(kind, 8, count, layout)
        if chunks.max(initial=0) > file_bytes:
            raise NotCopyable("its samples lie outside the file")
        return chunks.astype(np.int64)

    def _samples_per_chunk(self, chunks: int) -> Runs:
        """Runs of chunks that hold equally many samples."""
        entries = self._entries(b"stsc")
        firsts, counts, descriptions = self._table(b"stsc", 8, 3 * entries).reshape(-1, 3).T
        if (descriptions != 1).any():
            raise NotCopyable("samples change their description")
        runs = np.diff(firsts, append=chunks + 1)
        if not entries or firsts[0] != 1 or runs.min() < 1:
            raise NotCopyable("stsc does not describe the chunks")
        return Runs(runs, counts)

    def _runs(self, kind: bytes) -> Runs:
        entries = self._entries(kind)
        return Runs(*self._table(kind, 8, 2 * entries).reshape(-1, 2).T)

    def _compact_sizes(self) -> array[int]:
        width, count = self._fields(b"stz2", "3xBI", 4)
        _check_count(count)
        if width == 4:
            pairs = self._table(b"stz2", 12, (count + 1) // 2, "u1")
            return column("I", np.column_stack((pairs >> 4, pairs & 0xF)).ravel()[:count])
        if width not in (8, 16):
            raise NotCopyable(f"stz2 has fields of {width} bits")
        return column("I", self._table(b"stz2", 12, count, f">u{width // 8}"))

    def _entries(self, kind: bytes) -> int:
        (count,) = self._fields(kind, "I", 4)
        _check_count(count)
        return count

    def _fields(self, kind: bytes, layout: str, offset: int) -> tuple[int, ...]:
        return boxes.unpack(layout, self.moov, self._box(kind), offset)

    def _table(self, kind: bytes, offset: int, count: int, layout: str = ">u4") -> NDArray[np.int64]:
        return self._raw(kind, offset, count, layout).astype(np.int64)

    def _raw(self, kind: bytes, offset: int, count: int, layout: str) -> NDArray[np.uint64]:
        """Unsigned, `count` of them as `layout` says. A ValueError where the box holds fewer."""
        found = self._box(kind)
        start, dtype = found.body + offset, np.dtype(layout)
        if start + count * dtype.itemsize > found.end:
            raise ValueError(f"{kind.decode('latin-1')} is no table of {count}")
        return np.frombuffer(self.moov, dtype, count, start)

    def _box(self, kind: bytes) -> Box:
        if kind not in self.boxes:
            raise NotCopyable(f"there is no {kind.decode('latin-1')} table")
        return self.boxes[kind]


def _check_count(count: int) -> None:
    if count > MOST_SAMPLES:
        raise NotCopyable(f"{count} samples or chunks are too many")
