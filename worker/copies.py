"""The copy lane's part of a probe: the original's own index is read, and virtual segments are written from it.

The hostile tables are parsed here and nowhere else; the server reads the index file that comes of it.
"""

from __future__ import annotations

import logging
import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import UUID

from vod import storage as files
from vod.containers import mp4
from vod.containers.samples import IndexedTrack, NotCopyable, Samples
from vod.ffmpeg.packets import PacketTimes, Streams
from vod.hls.copies import Tracks
from vod.hls.copying import Clock
from vod.hls.idr import find_non_idr
from vod.hls.init_section import copied_init_section
from vod.hls.plan import Copied, CopiedRung, Plan
from vod.hls.segment_index import encode, read_segment
from vod.hls.virtual import VirtualSegment, audio_segments, video_segments
from vod.storage import Storage

# Kinds of box that begin an ISO base media or QuickTime file
MP4_BEGINNINGS = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot"})
# Cuts whose pictures are looked at before the film plays; the verification looks at all of them.
CUTS_SEEN = 24

log = logging.getLogger(__name__)


def read_index(path: Path) -> Tracks:
    """By stream index; empty where the container has none that is read here. Blocks."""
    try:
        if _begins_like_mp4(path):
            return {indexed.track.index: indexed for indexed in mp4.read_tracks(path)}
    except (NotCopyable, OSError) as refusal:
        log.info("%s is not indexed: %s", path.stem, refusal)
    return {}


def _begins_like_mp4(path: Path) -> bool:
    """What it is called says nothing."""
    with path.open("rb") as file:
        return file.read(8)[4:] in MP4_BEGINNINGS


def packets_of(tracks: Tracks) -> Streams:
    """What ffprobe would list of these tracks, packet by packet; empty where one of them has no index."""
    if not tracks or any(indexed.samples is None for indexed in tracks.values() if indexed.track.kind != "other"):
        return {}
    return {number: _packet_times(indexed.samples) for number, indexed in tracks.items() if indexed.samples}


def _packet_times(samples: Samples) -> PacketTimes:
    last = max(samples.times, default=0)
    return PacketTimes(
        pts=samples.times,
        dts=samples.decode_times,
        keyframes=list(samples.keyframes),
        end=samples.end,
        last_duration=samples.end - last,
    )


def write_copies(storage: Storage, media_id: UUID, plan: Plan, tracks: Tracks, original: Path) -> None:
    """Init sections and segment indexes of every copied rendition. Blocks.

    Raises NotCopyable where the pictures at the cuts are none to start at, or the samples do not fit the plan.
    """
    for copied in plan.copies:
        indexed = tracks[copied.stream_index]
        folder = storage.rendition(media_id, plan.digest, copied.name)
        files.make_folder(folder)
        grid = plan.grid(copied.name)
        files.publish(folder / files.INIT_SECTION, copied_init_section(indexed.track, grid.timescale, grid.cuts[-1]))
        content = encode(_segments(plan, copied, indexed, original), original.stat().st_size)
        files.publish(storage.segment_index(media_id, plan.digest, copied.name), content)
        files.sync_folder(folder)


def _segments(plan: Plan, copied: Copied, indexed: IndexedTrack, original: Path) -> Sequence[VirtualSegment]:
    samples, grid = indexed.require(), plan.grid(copied.name)
    try:
        if not isinstance(copied, CopiedRung):
            clock = Clock.of_sound(indexed.track.timescale, plan.start_seconds)
            return audio_segments(samples, clock, grid.cuts)
        clock = Clock.of_pictures(indexed.track.timescale, plan.start_seconds)
        _refuse_open_groups(original, indexed, _cut_positions(samples, clock, grid.cuts)[:CUTS_SEEN])
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
    tracks = read_index(original)
    if copied.stream_index not in tracks:
        raise NotCopyable("its index cannot be read any more")
    indexed = tracks[copied.stream_index]
    clock = Clock.of_pictures(indexed.track.timescale, plan.start_seconds)
    _refuse_open_groups(original, indexed, _cut_positions(indexed.require(), clock, plan.grid(copied.name).cuts))


def _refuse_open_groups(original: Path, indexed: IndexedTrack, positions: Sequence[int]) -> None:
    descriptor = os.open(original, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if find_non_idr(descriptor, indexed.track, indexed.require(), positions) is not None:
            raise NotCopyable("a player could not start at all of its keyframes")
    finally:
        os.close(descriptor)


@contextmanager
def _written_out(folder: Path, segment: VirtualSegment, original: Path) -> Iterator[Path]:
    aside = folder / f".{os.getpid()}.{os.urandom(4).hex()}.part"
    try:
        with original.open("rb") as source, aside.open("wb") as target:
            target.write(segment.head)
            for offset, length in segment.ranges:
                source.seek(offset)
                target.write(source.read(length))
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def written_out(folder: Path, number: int, original: Path) -> AbstractContextManager[Path]:
    """One virtual segment of the rendition in `folder` as a file, gone afterwards, for a decoder to look at. Blocks.

    Raises OSError, or NotCopyable where the index does not hold it.
    """
    try:
        return _written_out(folder, read_segment(folder / files.SEGMENT_INDEX, number), original)
    except (ValueError, IndexError) as fault:
        raise NotCopyable(str(fault)) from None
