"""Samples of one segment of a Matroska file: only the clusters between two cues are read, and only their headers.

Presentation times are on the clock of `ffprobe -show_packets`: its very ticks for video; for sound, whose ticks are too
coarse, samples counted on its lattice from the same zero. Matroska has no decode times: file order is decode order, and
`decode_times` are the shown times in rising order, moved back as far as reordering needs.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vod.containers.ebml import Reader
from vod.containers.lattice import Lattice, check_strays
from vod.containers.matroska import NANOSECONDS, MatroskaFile, reopen
from vod.containers.matroska_blocks import INVISIBLE, LACING, MOST_ELEMENTS, Block, frames, walk
from vod.containers.matroska_cues import UNTOLD
from vod.containers.samples import NotCopyable, Samples, Track

LARGEST_SAMPLE_BYTES = 1 << 28
MOST_ENTRIES = 8  # that are tried, each as far again before the last one: 127 cues


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTrack:
    track: Track  # its timescale is the sample rate
    lattice: Lattice


class Packet(NamedTuple):
    number: int  # on the lattice
    offset: int
    size: int
    stray: bool  # the container puts it elsewhere


def read_video_samples(path: Path, matroska: MatroskaFile, track: Track, start: int, end: int | None) -> Samples:
    """The segment from the keyframe shown at `start` to the one at `end`, both cues; without `end` the last segment.

    Blocking. Raises OSError, or NotCopyable where a frame is shown outside its segment or the file is damaged.
    """
    with reopen(path, matroska) as reader:
        blocks = list(_segment_blocks(reader, matroska, track.track_id, start, end))
    times = array("q", [block.time for block in blocks])
    shown = array("q", sorted(times))
    samples = Samples(
        offsets=array("q", [block.payload for block in blocks]),
        sizes=array("I", [sample_bytes(block.payload, block.end) for block in blocks]),
        decode_times=decode_times_of(times, shown),
        times=times,
        keyframes=array("I", [index for index, block in enumerate(blocks) if block.keyframe]),
        end=shown_until(matroska, track, _last(blocks), shown) if end is None else end,
    )
    _check_video(samples, shown, start)
    return samples


def read_audio_samples(path: Path, matroska: MatroskaFile, audio: AudioTrack, first: int, end: int) -> Samples:
    """Packets `first` to `end`, the latter not included, as the lattice numbers them.

    Blocking. Raises OSError, or NotCopyable where one is missing, the sound leaves its lattice or the file is damaged.
    """
    if not 0 <= first < end <= audio.lattice.packets:
        raise ValueError(f"packets {first} to {end} of {audio.lattice.packets}")
    with reopen(path, matroska) as reader:
        for cluster in _entries_before(matroska, audio.lattice.ticks(first)):
            found = _collect(reader, matroska, audio, range(first, end), cluster)
            if found is not None:
                return _audio_samples(audio.lattice, first, found)
    raise NotCopyable("a packet of sound is missing")


def _entries_before(matroska: MatroskaFile, ticks: int) -> Iterator[int]:
    """Clusters to begin at, nearest first: sound may lie far before the picture it is heard with."""
    index = bisect_right(matroska.cues.times, ticks) - 1
    for power in range(MOST_ENTRIES):
        if index <= 0:
            yield matroska.first_cluster
            return
        yield matroska.cues.clusters[index]
        index -= 1 << power


def _collect(
    reader: Reader, matroska: MatroskaFile, audio: AudioTrack, wanted: range, cluster: int
) -> list[Packet] | None:
    """The wanted packets; None where the first one lies before `cluster`."""
    found: list[Packet] = []
    begun = cluster == matroska.first_cluster
    blocks = walk(reader, cluster, matroska.segment_end, {audio.track.track_id})
    for packet in number_packets(reader, audio.lattice, blocks, 0 if begun else UNTOLD):
        if packet.number < wanted.start:
            begun = True
        elif packet.number == wanted.start + len(found):
            found.append(packet)
        elif begun or found:
            raise NotCopyable("a packet of sound is missing or out of order")
        else:
            return None
        if len(found) == len(wanted):
            check_strays(sum(one.stray for one in found), len(found))
            return found
    return None


def number_packets(
    reader: Reader, lattice: Lattice, blocks: Iterable[Block], following: int = UNTOLD
) -> Iterator[Packet]:
    """From the first block on the lattice, or at once where it is known to be packet `following`.

    A lace follows the one before it, as does a block that strays a little. Raises NotCopyable for a block further
    away, and after very many packets: a block of 300 bytes may hold 256.
    """
    count = 0
    for block in blocks:
        number = lattice.number(block.time)
        if number is not None:
            following = number
        elif following == UNTOLD:
            continue
        elif not lattice.is_near(block.time, following):
            raise NotCopyable("the sound has a gap or an overlap")
        laces = frames(reader, block)
        count += len(laces)
        if count > MOST_ELEMENTS:
            raise NotCopyable("the sound is in too many packets")
        for offset, size in laces:
            yield Packet(following, offset, sample_bytes(offset, offset + size), number is None)
            following += 1


def _audio_samples(lattice: Lattice, first: int, found: list[Packet]) -> Samples:
    times = array("q", [lattice.sample(packet.number) for packet in found])
    return Samples(
        offsets=array("q", [packet.offset for packet in found]),
        sizes=array("I", [packet.size for packet in found]),
        decode_times=times,
        times=times,
        keyframes=array("I", range(len(found))),
        end=lattice.sample(first + len(found)),
    )


def _segment_blocks(
    reader: Reader, matroska: MatroskaFile, number: int, start: int, end: int | None
) -> Iterator[Block]:
    """From the first block of the cue at `start` until just before the block of the cue at `end`."""
    cues = matroska.cues
    first = _cue(matroska, number, start)
    last_cluster = matroska.segment_end if end is None else cues.clusters[_cue(matroska, number, end)]
    cluster, skip_to = cues.clusters[first], cues.relatives[first]
    if first == 0:  # nothing of the track may lie before its first cue
        cluster, skip_to = matroska.first_cluster, UNTOLD
    begun = False
    for block in walk(reader, cluster, matroska.segment_end, {number}, skip_to):
        if end is not None and block.time == end and block.start > last_cluster:
            return
        begun = begun or (block.time == start and block.start > cues.clusters[first])
        if begun:
            yield plain_frame(block)
        elif first == 0:
            raise NotCopyable("the film begins before its first keyframe")
    if end is not None:
        raise NotCopyable("a cue leads to no block")


def plain_frame(block: Block) -> Block:
    if block.flags & (INVISIBLE | LACING):
        raise NotCopyable("frames are hidden or laced")
    return block


def _cue(matroska: MatroskaFile, number: int, time: int) -> int:
    times = matroska.cues.times
    index = bisect_left(times, time)
    if number != matroska.cue_track or index == len(times) or times[index] != time:
        raise NotCopyable(f"no cue leads to {time} of this track")
    return index


def sample_bytes(start: int, end: int) -> int:
    if not 0 < end - start <= LARGEST_SAMPLE_BYTES:
        raise NotCopyable("a sample is empty or huge")
    return end - start


def decode_times_of(times: array[int], shown: array[int]) -> array[int]:
    """`shown` are the `times` in rising order."""
    delay = max((early - late for early, late in zip(shown, times, strict=True)), default=0)
    return array("q", [time - delay for time in shown])


def _last(blocks: list[Block]) -> Block:
    if not blocks:
        raise NotCopyable("a cue leads to no block")
    return max(blocks, key=lambda block: block.time)


def shown_until(matroska: MatroskaFile, track: Track, last: Block, shown: array[int]) -> int:
    """The frame shown last lasts as long as its block or its track says, else as long as the one before it."""
    default = round(matroska.entry(track.index).default_duration_ns * matroska.timescale / NANOSECONDS)
    before = shown[-1] - shown[-2] if len(shown) > 1 else 1
    told = last.duration if last.duration > 0 else default
    return last.time + (told or before)


def _check_video(samples: Samples, shown: array[int], start: int) -> None:
    if not samples.keyframes or samples.keyframes[0] != 0 or samples.times[0] != start:
        raise NotCopyable("a cue does not lead to a keyframe")
    if shown[0] < start or shown[-1] >= samples.end:
        raise NotCopyable("a frame is shown outside its segment")
    if len(set(shown)) != len(shown):
        raise NotCopyable("two frames are shown at one time")
