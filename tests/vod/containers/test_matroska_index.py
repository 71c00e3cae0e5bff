from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.vod.containers.demuxed import packets, read_packets
from tests.vod.containers.matroska_clips import matroska_clip
from tests.vod.containers.matroska_files import EBML
from tests.vod.containers.test_matroska_samples import audio_segments, sound_film, video_segments
from vod.containers.matroska import read_matroska
from vod.containers.matroska_codecs import audio_track
from vod.containers.matroska_index import index_tracks
from vod.containers.matroska_outline import outline_tracks


@pytest.mark.parametrize("name", ["b-frames", "vfr", "late", "open-gop", "many-clusters"])
def test_a_whole_film_is_what_ffmpeg_demuxes(name: str) -> None:
    path = matroska_clip(name)
    demuxed = packets(path)
    for one in index_tracks(path, read_matroska(path)):
        expected, found = demuxed[one.track.index], read_packets(path, one.require())
        assert [packet.digest for packet in found] == [packet.digest for packet in expected]
        for ours, theirs in zip(found, expected, strict=True):
            assert abs(Fraction(ours.pts, one.track.timescale) - Fraction(theirs.pts, 1000)) <= Fraction(1, 1000)


def test_a_whole_film_is_its_segments_one_behind_the_other() -> None:
    path = matroska_clip("b-frames")
    film = read_matroska(path)
    pictures, sound, *_ = index_tracks(path, film)
    shown = [time for segment in video_segments(path, film) for time in segment.times]
    heard = [time for segment in audio_segments(path, film, audio_track(path, film, 1)) for time in segment.times]
    assert (list(pictures.require().times), list(sound.require().times)) == (shown, heard)


@pytest.mark.parametrize("name", ["b-frames", "vfr", "late"])
def test_an_outline_has_the_whole_film_s_cuts_and_ends(name: str) -> None:
    path = matroska_clip(name)
    film = read_matroska(path)
    for whole, outline in zip(index_tracks(path, film), outline_tracks(path, film), strict=True):
        full, sparse = whole.require(), outline.require()
        assert whole.track == outline.track
        assert [full.times[at] for at in full.keyframes] == [sparse.times[at] for at in sparse.keyframes]
        assert full.end == sparse.end


def test_a_track_that_cannot_be_handed_on_does_not_spoil_the_others(tmp_path: Path) -> None:
    film = sound_film()
    holed = replace(film, frames=[*film.frames[:20], *film.frames[21:]], times=[*film.times[:20], *film.times[21:]])
    path = holed.write(tmp_path / "film.mkv")
    (one,) = index_tracks(path, read_matroska(path))
    assert (one.samples, one.refusal) == (None, "a packet of sound is missing or out of order")
    path = replace(film, lacing=EBML, frames_a_block=5).write(tmp_path / "film.mkv")
    (one,) = index_tracks(path, read_matroska(path))
    assert len(one.require()) == 100
