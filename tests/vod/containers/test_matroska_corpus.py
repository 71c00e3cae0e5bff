"""The shared corpus' Matroska films, by several writers."""

from __future__ import annotations

import pytest

from tests.vod.containers.demuxed import packets
from tests.vod.containers.test_matroska_samples import audio_segments, read_all, video_segments
from tests.vod.ffmpeg.corpus import MEDIA
from vod.containers.matroska import read_matroska
from vod.containers.matroska_codecs import audio_track, video_track
from vod.containers.samples import NotCopyable

CORPUS = ("der_mkv_4lang_3sub_font_chap.mkv", "der_vfr.mkv", "mkv_sub_ass.mkv", "mkv_sub_srt.mkv", "mkv_sub_vobsub.mkv")


@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus_is_read_as_ffmpeg_reads_it(name: str) -> None:
    path = MEDIA / name
    film = read_matroska(path)
    assert read_all(path, video_segments(path, film)) == packets(path)[0]
    audio = audio_track(path, film, 1)
    found = read_all(path, audio_segments(path, film, audio))
    assert [packet.digest for packet in found] == [packet.digest for packet in packets(path)[1]]


@pytest.mark.parametrize("name", ["webm_bbb_30s.webm", "webm_vp9_odd.webm"])
def test_webm_is_opened_and_its_codecs_refused(name: str) -> None:
    film = read_matroska(MEDIA / name)
    with pytest.raises(NotCopyable, match=r"neither H\.264"):
        video_track(film, 0)
