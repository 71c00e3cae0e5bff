"""A whole Matroska film's samples, for films small enough and for checking: every block's header is read.

The result is what `vod.containers.mp4.read_tracks` gives for MP4, with times as `matroska_samples` describes them. It
costs seconds of CPU time for two hours, and the disk reads the film once; a film that has to play at once is cut by
`matroska_outline` and read segment by segment instead.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

from vod.containers.ebml import Reader
from vod.containers.lattice import check_strays
from vod.containers.matroska import MatroskaFile, reopen
from vod.containers.matroska_blocks import Block, walk
from vod.containers.matroska_codecs import audio_track, video_track
from vod.containers.matroska_outline import bare_track
from vod.containers.matroska_samples import (
    AudioTrack,
    decode_times_of,
    number_packets,
    plain_frame,
    sample_bytes,
    shown_until,
)
from vod.containers.matroska_tracks import TrackEntry
from vod.containers.samples import MOST_SAMPLES, IndexedTrack, NotCopyable, Samples, Track

BLOCKS_AT_ONCE = 8192
MOST_FILM_ELEMENTS = 2 * MOST_SAMPLES


def index_tracks(path: Path, film: MatroskaFile) -> list[IndexedTrack]:
    """Every track in ffprobe's order. Blocking.

    Raises OSError, or NotCopyable for a damaged film; what cannot be handed on is told by the track's refusal.
    """
    tracks = [_Indexing(path, film, entry) for entry in film.entries]
    wanted = {one.number: one for one in tracks if one.columns}
    with reopen(path, film) as reader:
        blocks = walk(reader, film.first_cluster, film.segment_end, wanted, most_elements=MOST_FILM_ELEMENTS)
        while batch := list(islice(blocks, BLOCKS_AT_ONCE)):
            for number, one in wanted.items():
                one.add(reader, [block for block in batch if block.track == number])
    return [one.indexed(film) for one in tracks]


class _Indexing:
    """One track, until something of it cannot be handed on."""

    def __init__(self, path: Path, film: MatroskaFile, entry: TrackEntry) -> None:
        self.number = entry.number
        self.columns: _Columns | None = None
        try:
            self.columns = _columns(path, film, entry)
            self.track, self.refusal = self.columns.track, ""
        except NotCopyable as refusal:
            self.track, self.refusal = bare_track(film, entry), str(refusal)

    def add(self, reader: Reader, blocks: Sequence[Block]) -> None:
        try:
            if self.columns:
                self.columns.add(reader, blocks)
        except NotCopyable as refusal:
            self.columns, self.refusal = None, str(refusal)

    def indexed(self, film: MatroskaFile) -> IndexedTrack:
        try:
            samples = self.columns.samples(film) if self.columns else None
        except NotCopyable as refusal:
            samples, self.refusal = None, str(refusal)
        return IndexedTrack(track=self.track, samples=samples, refusal=self.refusal)


class _Columns(Protocol):
    track: Track

    def add(self, reader: Reader, blocks: Sequence[Block]) -> None: ...

    def samples(self, film: MatroskaFile) -> Samples: ...


def _columns(path: Path, film: MatroskaFile, entry: TrackEntry) -> _Columns:
    if entry.kind == "video":
        return _Pictures(video_track(film, entry.index))
    if entry.kind == "audio":
        return _Sound(audio_track(path, film, entry.index))
    raise NotCopyable("it is neither video nor sound")


class _Pictures:
    def __init__(self, track: Track) -> None:
        self.track = track
        self._offsets, self._sizes, self._times = array("q"), array("I"), array("q")
        self._keyframes = array("I")
        self._last: Block | None = None

    def add(self, _reader: Reader, blocks: Sequence[Block]) -> None:
        _check_count(len(self._times) + len(blocks))
        for block in map(plain_frame, blocks):
            if block.keyframe:
                self._keyframes.append(len(self._times))
            self._offsets.append(block.payload)
            self._sizes.append(sample_bytes(block.payload, block.end))
            self._times.append(block.time)
        self._last = max((*blocks, *filter(None, (self._last,))), key=lambda block: block.time, default=None)

    def samples(self, film: MatroskaFile) -> Samples:
        if self._last is None:
            raise NotCopyable("the track is empty")
        shown = array("q", sorted(self._times))
        return Samples(
            offsets=self._offsets,
            sizes=self._sizes,
            decode_times=decode_times_of(self._times, shown),
            times=self._times,
            keyframes=self._keyframes,
            end=shown_until(film, self.track, self._last, shown),
        )


class _Sound:
    def __init__(self, audio: AudioTrack) -> None:
        self.track = audio.track
        self._lattice = audio.lattice
        self._offsets, self._sizes = array("q"), array("I")
        self._strays = 0

    def add(self, reader: Reader, blocks: Sequence[Block]) -> None:
        for packet in number_packets(reader, self._lattice, blocks, len(self._sizes)):
            if packet.number != len(self._sizes):
                raise NotCopyable("a packet of sound is missing or out of order")
            self._offsets.append(packet.offset)
            self._sizes.append(packet.size)
            self._strays += packet.stray
        _check_count(len(self._sizes))

    def samples(self, _film: MatroskaFile) -> Samples:
        count = len(self._sizes)
        check_strays(self._strays, count)
        end = self._lattice.sample(count)
        times = array("q", range(self._lattice.sample(0), end, self._lattice.frame_samples))
        return Samples(
            offsets=self._offsets,
            sizes=self._sizes,
            decode_times=times,
            times=times,
            keyframes=array("I", range(count)),
            end=end,
        )


def _check_count(samples: int) -> None:
    if samples > MOST_SAMPLES:
        raise NotCopyable("the track has too many samples")
