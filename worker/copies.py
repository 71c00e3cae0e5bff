"""The copy lane: the original's own index is read, and virtual segments are written from it.

Hostile tables and clusters are parsed here and nowhere else; the server reads the index files that come of it. An MP4,
and a Matroska film of moderate size, is indexed as a whole by its probe. A large Matroska film is only outlined, by its
cues: its segments are read one by one when somebody asks for them, and in the background.
"""

from __future__ import annotations

import logging
import os
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from uuid import UUID

from vod import storage as files
from vod.containers import mp4
from vod.containers.columns import view
from vod.containers.matroska import MatroskaFile, read_matroska
from vod.containers.matroska_index import index_tracks
from vod.containers.matroska_outline import outline_tracks
from vod.containers.samples import IndexedTrack, NotCopyable, Samples
from vod.ffmpeg.packets import PacketTimes, Streams
from vod.hls.copies import Tracks
from vod.hls.copying import Clock
from vod.hls.idr import find_non_idr
from vod.hls.index_writing import encode
from vod.hls.init_section import copied_init_section, init_section
from vod.hls.matroska_copying import check_pictures
from vod.hls.plan import Copied, CopiedRung, Plan, VideoPlan
from vod.hls.segment_index import VirtualSegment, read_segment
from vod.hls.virtual import audio_segments, video_segments
from vod.storage import Storage
from worker.reels import Reel

# Kinds of box that begin an ISO base media or QuickTime file, and the id of an EBML header
MP4_BEGINNINGS = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot"})
MATROSKA_BEGINNING = b"\x1aE\xdf\xa3"
# Up to here a Matroska film is read through by its probe, as any other without an index is.
LARGE_BYTES = 256_000_000
# Cuts whose pictures are looked at before the film plays; the verification looks at all of them.
CUTS_SEEN = 24

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalIndex:
    """`tracks` by stream index, none where the container has no index that is read here."""

    path: Path
    tracks: Tracks = field(default_factory=dict)
    outlined: MatroskaFile | None = None  # then `tracks` tell where can be cut, not where the media lie
    remuxed_moov: bytes = b""  # of the track that is not in place
    ticks_a_second: int = 0  # of every stream, as ffprobe has it; 0: each track has its own

    @property
    def packets(self) -> Streams:
        """What ffprobe would list of these tracks; empty where they are no such list."""
        media = [indexed for indexed in self.tracks.values() if indexed.track.kind != "other"]
        if self.outlined or any(indexed.samples is None for indexed in media):
            return {}
        return {
            indexed.track.index: _packet_times(
                indexed.require(), Fraction(self.ticks_a_second or indexed.track.timescale, indexed.track.timescale)
            )
            for indexed in media
        }


def read_index(path: Path) -> OriginalIndex:
    """Blocks. What cannot be read is no error: the film is encoded."""
    try:
        return _read_index(path)
    except (NotCopyable, OSError) as refusal:
        log.info("%s is not indexed: %s", path.stem, refusal)
        return OriginalIndex(path=path)


def _read_index(path: Path) -> OriginalIndex:
    """By its first bytes, for what a file is called says nothing."""
    with path.open("rb") as file:
        beginning = file.read(8)
    if beginning[4:] in MP4_BEGINNINGS:
        return OriginalIndex(path=path, tracks=_by_stream(mp4.read_tracks(path)))
    if beginning[:4] != MATROSKA_BEGINNING:
        return OriginalIndex(path=path)
    film = read_matroska(path)
    if film.size <= LARGE_BYTES:
        tracks = _by_stream(index_tracks(path, film))
        return OriginalIndex(path=path, tracks=tracks, ticks_a_second=film.timescale)
    return OriginalIndex(path=path, tracks=_by_stream(outline_tracks(path, film)), outlined=film)


def _by_stream(tracks: Sequence[IndexedTrack]) -> Tracks:
    return {indexed.track.index: indexed for indexed in tracks}


def _packet_times(samples: Samples, scale: Fraction) -> PacketTimes:
    """`scale`: ticks of ffprobe to one of ours."""
    latest = int(view(samples.times).max()) if samples.times else 0
    end, last = round(samples.end * scale), round(latest * scale)
    return PacketTimes(
        pts=_scaled(samples.times, scale),
        dts=_scaled(samples.decode_times, scale),
        keyframes=samples.keyframes,
        end=end,
        last_duration=end - last,
    )


def _scaled(times: array[int], scale: Fraction) -> array[int]:
    if scale == 1:
        return times
    over, under = scale.as_integer_ratio()
    return array("q", ((2 * time * over + under) // (2 * under) for time in times))


def write_copies(storage: Storage, media_id: UUID, plan: Plan, index: OriginalIndex) -> None:
    """Init sections of every copied rendition, and its segments: all of them, or the first. Blocks.

    Raises NotCopyable where the pictures at the cuts are none to start at, or the samples do not fit the plan.
    """
    for copied in plan.copies:
        track = index.tracks[copied.stream_index].track
        folder = storage.rendition(media_id, plan.digest, copied.name)
        files.make_folder(folder)
        grid = plan.grid(copied.name)
        files.publish(folder / files.INIT_SECTION, copied_init_section(track, grid.timescale, grid.cuts[-1]))
        if index.outlined:
            if isinstance(copied, CopiedRung):
                check_pictures(index.path, index.outlined, track)
            write_segment(storage, media_id, plan, copied, Reel.of(index.path, plan, copied), 0)
        else:
            content = encode(_segments(plan, copied, index), index.path.stat().st_size)
            files.publish(storage.segment_index(media_id, plan.digest, copied.name), content)
        files.sync_folder(folder)
    if plan.video is not None and plan.video.remuxed is not None:
        _write_remuxed_init(storage.rendition(media_id, plan.digest, plan.video.remuxed.name), plan.video, index)


def _write_remuxed_init(folder: Path, video: VideoPlan, index: OriginalIndex) -> None:
    files.make_folder(folder)
    files.publish_once(folder / files.INIT_SECTION, init_section(index.remuxed_moov, video.timescale, video.cuts[-1]))
    files.sync_folder(folder)


def write_segment(storage: Storage, media_id: UUID, plan: Plan, copied: Copied, reel: Reel, number: int) -> bool:
    """One virtual segment of a film that is only outlined; False where it was there. Blocks; raises NotCopyable."""
    path = storage.virtual_segment(media_id, plan.digest, copied.name, number)
    return not path.exists() and files.publish_once(path, encode([reel.segment(number)], reel.film.size))


def _segments(plan: Plan, copied: Copied, index: OriginalIndex) -> Sequence[VirtualSegment]:
    indexed, grid = index.tracks[copied.stream_index], plan.grid(copied.name)
    samples = indexed.require()
    try:
        if not isinstance(copied, CopiedRung):
            return audio_segments(samples, Clock.of_sound(indexed.track.timescale, plan.start_seconds), grid.cuts)
        clock = Clock.of_pictures(indexed.track.timescale, plan.start_seconds)
        _refuse_open_groups(index.path, indexed, _cut_positions(samples, clock, grid.cuts)[:CUTS_SEEN])
        return video_segments(samples, clock, grid.cuts)
    except NotCopyable:
        raise
    except ValueError as error:
        raise NotCopyable(str(error)) from None


def _cut_positions(samples: Samples, clock: Clock, cuts: Sequence[int]) -> array[int]:
    wanted = set(cuts)
    return array("I", (at for at in samples.keyframes if not at or clock.from_source(samples.times[at]) in wanted))


def refuse_open_groups(plan: Plan, copied: CopiedRung, original: Path) -> None:
    """Looks at the picture at every cut. Blocks; raises NotCopyable."""
    index = read_index(original)
    if index.outlined:
        return  # each segment was looked at when it was read
    if copied.stream_index not in index.tracks:
        raise NotCopyable("its index cannot be read any more")
    indexed = index.tracks[copied.stream_index]
    clock = Clock.of_pictures(indexed.track.timescale, plan.start_seconds)
    _refuse_open_groups(original, indexed, _cut_positions(indexed.require(), clock, plan.grid(copied.name).cuts))


def _refuse_open_groups(original: Path, indexed: IndexedTrack, positions: Sequence[int]) -> None:
    descriptor = os.open(original, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if find_non_idr(descriptor, indexed.track, indexed.require(), positions) is not None:
            raise NotCopyable("a player could not start at all of its keyframes")
    finally:
        os.close(descriptor)


def write_out(folder: Path, number: int, original: Path) -> Path:
    """One virtual segment of the rendition in `folder` as a file, for a decoder to look at; the caller removes it.

    Blocks. Raises OSError, or NotCopyable where no index holds it.
    """
    whole = folder / files.SEGMENT_INDEX
    place = (whole, number) if whole.exists() else (folder / files.index_name(number), 0)
    try:
        segment = read_segment(*place)
    except (ValueError, IndexError) as fault:
        raise NotCopyable(str(fault)) from None
    aside = folder / f".{os.getpid()}.{os.urandom(4).hex()}.part"
    with original.open("rb") as source, aside.open("wb") as target:
        target.write(segment.head)
        for offset, length in segment.ranges:
            source.seek(offset)
            target.write(source.read(length))
    return aside
