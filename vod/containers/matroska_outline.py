"""A Matroska film as planning sees it before any segment is read: tracks, and outlines of their samples.

An outline has the columns of `Samples` and tells where a track can be cut and where it ends, not where its media lie:
of video the cued keyframes alone, of sound every packet by its lattice. Offsets and sizes in it mean nothing.
"""

from __future__ import annotations

from array import array
from pathlib import Path

from vod.containers.matroska import MatroskaFile
from vod.containers.matroska_codecs import audio_track, video_track
from vod.containers.matroska_samples import read_video_samples
from vod.containers.matroska_tracks import TrackEntry
from vod.containers.samples import IndexedTrack, NotCopyable, Samples, Track


def outline_tracks(path: Path, film: MatroskaFile) -> list[IndexedTrack]:
    """Every track in ffprobe's order. Blocking: the last segment and the ends of all sound are read.

    Raises OSError; what cannot be handed on is told by the track's refusal.
    """
    return [_outline(path, film, entry) for entry in film.entries]


def _outline(path: Path, film: MatroskaFile, entry: TrackEntry) -> IndexedTrack:
    try:
        if entry.kind == "video":
            return _video(path, film, entry)
        if entry.kind == "audio":
            return _audio(path, film, entry)
        raise NotCopyable("it is neither video nor sound")
    except NotCopyable as refusal:
        return IndexedTrack(track=bare_track(film, entry), samples=None, refusal=str(refusal))


def _video(path: Path, film: MatroskaFile, entry: TrackEntry) -> IndexedTrack:
    track = video_track(film, entry.index)
    times = film.cues.times
    end = read_video_samples(path, film, track, times[-1], None).end
    return IndexedTrack(track=track, samples=_samples(times, end))


def _audio(path: Path, film: MatroskaFile, entry: TrackEntry) -> IndexedTrack:
    audio = audio_track(path, film, entry.index)
    lattice = audio.lattice
    end = lattice.sample(lattice.packets)
    times = array("q", range(lattice.sample(0), end, lattice.frame_samples))
    return IndexedTrack(track=audio.track, samples=_samples(times, end))


def _samples(times: array[int], end: int) -> Samples:
    count = len(times)
    return Samples(
        offsets=array("q", bytes(8 * count)),
        sizes=array("I", [1]) * count,
        decode_times=times,
        times=times,
        keyframes=array("I", range(count)),
        end=end,
    )


def bare_track(film: MatroskaFile, entry: TrackEntry) -> Track:
    """Stands for a track that is not handed on."""
    return Track(
        index=entry.index,
        track_id=entry.number,
        kind=entry.kind,
        codec="",
        sample_entry=b"",
        timescale=film.timescale,
    )
