"""MP4 and QuickTime files: their tracks, and where every sample of them lies.

Only headers are read, whatever the size of the film: the top boxes and `moov`, and each `moof` of a fragmented file.
The file is hostile; what cannot be handed on is NotCopyable, for one track or for all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vod.containers import boxes
from vod.containers.boxes import Box
from vod.containers.columns import column, wide
from vod.containers.edit_list import Edit, read_edit
from vod.containers.file_boxes import FileBox, read_box, top_boxes
from vod.containers.fragmented import TrackFragments, read_fragments
from vod.containers.media_samples import MediaSamples
from vod.containers.sample_tables import SampleTables
from vod.containers.samples import MOST_SAMPLES, MOST_TRACKS, IndexedTrack, NotCopyable, Track
from vod.containers.track_header import find, movie_timescale, read_kind, read_track, unreadable_track

MOST_MOOV_BYTES = 256 << 20  # twenty times that of a long film


def read_tracks(path: Path) -> list[IndexedTrack]:
    """Every track in ffprobe's order. It blocks: call it in a thread.

    Raises NotCopyable where nothing of the file can be indexed, OSError where it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return list(_read_tracks(descriptor, os.fstat(descriptor).st_size))
    except NotCopyable:
        raise
    except ValueError as error:
        raise NotCopyable(f"the file is damaged: {error}") from None
    finally:
        os.close(descriptor)


def _read_tracks(descriptor: int, file_bytes: int) -> Iterator[IndexedTrack]:
    tops = top_boxes(descriptor, file_bytes)
    moov = read_box(descriptor, _movie(tops), MOST_MOOV_BYTES)
    headers = _headers(moov)
    fragments = {}
    if boxes.find(moov, b"moov", b"mvex") is not None:
        fragments = read_fragments(descriptor, file_bytes, tops, moov)
    room = MOST_SAMPLES
    for header in headers:
        indexed = header.indexed(moov, fragments, file_bytes, room)
        room -= len(indexed.samples) if indexed.samples else 0
        yield indexed


def _movie(tops: Iterator[FileBox]) -> FileBox:
    for found in tops:
        if found.kind == b"moov":
            return found
    raise NotCopyable("there is no moov box")


def _headers(moov: bytes) -> list[_Header]:
    traks = list(boxes.find_all(moov, b"moov", b"trak"))
    if not 1 <= len(traks) <= MOST_TRACKS:
        raise NotCopyable(f"the file has {len(traks)} tracks")
    clock = movie_timescale(moov)
    return [_Header.read(moov, trak, index, clock) for index, trak in enumerate(traks)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """A track before its samples are read."""

    track: Track
    trak: Box
    edit: Edit | None = None
    refusal: str = ""

    @classmethod
    def read(cls, moov: bytes, trak: Box, index: int, clock: int) -> _Header:
        unreadable = cls(track=unreadable_track(index, "other"), trak=trak, refusal="it is neither picture nor sound")
        try:
            kind = read_kind(moov, trak)
            if kind == "other":
                return unreadable
            unreadable = replace(unreadable, track=unreadable_track(index, kind))
            track = read_track(moov, trak, index, kind)
            return cls(track=track, trak=trak, edit=read_edit(moov, trak, clock, track.timescale))
        except ValueError as error:
            return replace(unreadable, refusal=str(error))

    @property
    def _shift(self) -> int:
        return self.edit.shift if self.edit else 0

    def indexed(self, moov: bytes, fragments: dict[int, TrackFragments], file_bytes: int, room: int) -> IndexedTrack:
        """Of at most `room` samples."""
        if self.refusal:
            return IndexedTrack(track=self.track, samples=None, refusal=self.refusal)
        try:
            media = self._media(moov, fragments, file_bytes, room)
            return IndexedTrack(track=self.track, samples=media.edited(self.track, self.edit))
        except ValueError as error:
            return IndexedTrack(track=self.track, samples=None, refusal=str(error))

    def _media(self, moov: bytes, fragments: dict[int, TrackFragments], file_bytes: int, room: int) -> MediaSamples:
        tables = SampleTables(moov, find(moov, self.trak, b"mdia", b"minf", b"stbl"))
        samples = tables.count()
        if fragments:
            return self._of_fragments(samples, fragments)
        if not samples:
            raise NotCopyable("it has no samples")
        if samples > room:
            raise NotCopyable("the file has too many samples")
        return _of_tables(tables, file_bytes, self._shift)

    def _of_fragments(self, samples_before: int, fragments: dict[int, TrackFragments]) -> MediaSamples:
        if samples_before:
            raise NotCopyable("it lies in the movie and in fragments")
        if self.track.track_id not in fragments:
            raise NotCopyable("it has no samples")
        return fragments[self.track.track_id].media(self.track.kind, self._shift)


def _of_tables(tables: SampleTables, file_bytes: int, shift: int) -> MediaSamples:
    sizes = tables.sizes()
    decode_times = tables.decode_times(len(sizes), shift)
    compositions = tables.composition_offsets(len(sizes))
    shown = decode_times[:-1] if compositions is None else decode_times[:-1] + compositions
    return MediaSamples(
        offsets=column("q", tables.offsets(wide(sizes), file_bytes)),
        sizes=sizes,
        decode_times=column("q", decode_times),
        times=column("q", shown),
        keyframes=column("I", tables.keyframes(len(sizes))),
        decode_shift=0 if compositions is None else max(0, -int(compositions.min(initial=0))),
    )
