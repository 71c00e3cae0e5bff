"""The sample tables of one `stbl`, expanded into columns (ISO/IEC 14496-12 §8.6-8.7).

Counts are compared before anything is expanded: a table of eight bytes may claim four billion samples. Columns are
made by iterators in C, for half a million samples lie between an upload's last byte and its first segment.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, pairwise, repeat
from operator import add, mul, sub
from typing import NamedTuple

from vod.containers import boxes
from vod.containers.boxes import Box
from vod.containers.samples import MOST_SAMPLES, NotCopyable

# Runs of chunks are copied as columns where there are at least so many chunks a run, of at most so many samples.
MANY_CHUNKS = 16
FEW_SAMPLES = 8
MOST_TICKS = 1 << 48  # three days in nanoseconds; in finer ticks of a rendition still far from 64 bits


class Runs(NamedTuple):
    """Run-length coded: value `values[n]` for `counts[n]` samples."""

    counts: array[int]
    values: array[int]

    @property
    def total(self) -> int:
        return sum(self.counts)

    def expand(self) -> Iterator[int]:
        return chain.from_iterable(map(repeat, self.values, self.counts))


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
        return self._column(b"stsz", 12, count, "I")

    def decode_times(self, count: int, start: int) -> array[int]:
        """From `start` on, and behind the last one where it ends: one more than there are samples."""
        runs = self._runs(b"stts")
        if runs.total != count:
            raise NotCopyable("stts and stsz count different samples")
        if sum(map(mul, runs.counts, runs.values)) > MOST_TICKS:
            raise NotCopyable("the samples last for ever")
        if len(runs.values) == 1 and runs.values[0]:
            delta = runs.values[0]
            return array("q", range(start, start + delta * count + 1, delta))
        return array("q", accumulate(runs.expand(), initial=start))

    def composition_offsets(self, count: int) -> Runs | None:
        """Signed in both versions: QuickTime wrote negative ones before there was a version 1."""
        if b"ctts" not in self.boxes:
            return None
        runs = self._runs(b"ctts")
        if runs.total != count:
            raise NotCopyable("ctts and stsz count different samples")
        return Runs(runs.counts, array("i", runs.values.tobytes()))

    def keyframes(self, count: int) -> array[int]:
        """Positions from 0; without a table, every sample is one."""
        if b"stss" not in self.boxes:
            return array("I", range(count))
        (entries,) = self._fields(b"stss", "I", 4)
        numbers = self._column(b"stss", 8, entries, "I")
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            raise NotCopyable("keyframes do not rise")
        if numbers and not (numbers[0] and numbers[-1] <= count):
            raise NotCopyable("a keyframe lies outside the track")
        return array("I", map(sub, numbers, repeat(1)))

    def offsets(self, sizes: array[int], file_bytes: int) -> array[int]:
        """In bytes from the start of the file; every sample ends inside it."""
        chunks = self._chunk_offsets()
        per_chunk = self._samples_per_chunk(len(chunks))
        counts = array("q", per_chunk.expand())
        if sum(counts) != len(sizes):
            raise NotCopyable("stsc and stsz count different samples")
        _check_ends(chunks, file_bytes)
        if len(per_chunk.counts) <= len(chunks) // MANY_CHUNKS and max(per_chunk.values, default=0) <= FEW_SAMPLES:
            return _offsets_by_runs(chunks, per_chunk, sizes, file_bytes)
        return _offsets_by_chunks(chunks, counts, sizes, file_bytes)

    def _chunk_offsets(self) -> array[int]:
        kind, code = (b"co64", "Q") if b"co64" in self.boxes else (b"stco", "I")
        (count,) = self._fields(kind, "I", 4)
        return self._column(kind, 8, count, code)

    def _samples_per_chunk(self, chunks: int) -> Runs:
        """Runs of chunks that hold equally many samples."""
        (entries,) = self._fields(b"stsc", "I", 4)
        table = self._column(b"stsc", 8, 3 * entries, "I")
        firsts, counts, descriptions = table[0::3], table[1::3], table[2::3]
        if descriptions.count(1) != len(descriptions):
            raise NotCopyable("samples change their description")
        firsts.append(chunks + 1)
        runs = array("q", map(sub, firsts[1:], firsts))
        if firsts[0] != 1 or min(runs, default=1) < 1:
            raise NotCopyable("stsc does not describe the chunks")
        return Runs(runs, counts)

    def _runs(self, kind: bytes) -> Runs:
        (entries,) = self._fields(kind, "I", 4)
        table = self._column(kind, 8, 2 * entries, "I")
        return Runs(table[0::2], table[1::2])

    def _compact_sizes(self) -> array[int]:
        width, count = self._fields(b"stz2", "3xBI", 4)
        _check_count(count)
        if width == 4:
            halves = self._column(b"stz2", 12, (count + 1) // 2, "B")
            both = chain.from_iterable((pair >> 4, pair & 0xF) for pair in halves)
            return array("I", both)[:count]
        if width not in (8, 16):
            raise NotCopyable(f"stz2 has fields of {width} bits")
        return array("I", self._column(b"stz2", 12, count, "B" if width == 8 else "H"))

    def _fields(self, kind: bytes, layout: str, offset: int) -> tuple[int, ...]:
        return boxes.unpack(layout, self.moov, self._box(kind), offset)

    def _column(self, kind: bytes, offset: int, count: int, code: str) -> array[int]:
        found = self._box(kind)
        return big_endian(self.moov[found.body + offset : found.end], count, code)

    def _box(self, kind: bytes) -> Box:
        if kind not in self.boxes:
            raise NotCopyable(f"there is no {kind.decode('latin-1')} table")
        return self.boxes[kind]


def big_endian(data: bytes, count: int, code: str) -> array[int]:
    """The first `count` integers of `data`. A ValueError where it holds fewer."""
    column: array[int] = array(code)
    if count * column.itemsize > len(data):
        raise ValueError(f"{len(data)} bytes are no table of {count}")
    column.frombytes(data[: count * column.itemsize])
    if sys.byteorder == "little":
        column.byteswap()
    return column


def _offsets_by_runs(chunks: array[int], per_chunk: Runs, sizes: array[int], file_bytes: int) -> array[int]:
    """Of long runs of small chunks: first all first samples, then all second ones."""
    offsets = array("q", bytes(8 * len(sizes)))
    chunk = sample = 0
    for run, samples in zip(per_chunk.counts, per_chunk.values, strict=True):
        ends = array("q", chunks[chunk : chunk + run])
        chunk, following = chunk + run, sample + run * samples
        for column in range(sample, sample + samples):
            offsets[column:following:samples] = ends
            ends = array("q", map(add, ends, sizes[column:following:samples]))
        _check_ends(ends, file_bytes)
        sample = following
    return offsets


def _offsets_by_chunks(chunks: array[int], counts: array[int], sizes: array[int], file_bytes: int) -> array[int]:
    before = array("q", accumulate(sizes, initial=0))  # bytes of all samples before each
    firsts = accumulate(counts, initial=0)
    starts = array("q", map(before.__getitem__, firsts))
    shifts = array("q", map(sub, chunks, starts))
    _check_ends(map(add, shifts, starts[1:]), file_bytes)
    before.pop()
    return array("q", map(add, before, Runs(counts, shifts).expand()))


def _check_ends(ends: Iterable[int], file_bytes: int) -> None:
    if max(ends, default=0) > file_bytes:
        raise NotCopyable("its samples lie outside the file")


def _check_count(count: int) -> None:
    if count > MOST_SAMPLES:
        raise NotCopyable(f"{count} samples are too many")
