"""The shared corpus: real files of many makers, each measured as ffmpeg shows it or refused with a reason."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.clips import decoded_times
from tests.vod.ffmpeg.answers import ticks_of, video_of
from tests.vod.ffmpeg.corpus import MEDIA, good, manifest
from vod.errors import SourceError
from vod.ffmpeg.probe import probe
from vod.ffmpeg.process import Launcher

CORPUS = manifest()
GOOD = [name for name, row in CORPUS.items() if good(row)]
REFUSED = {
    "der_zero_bytes.mp4": "The file is empty.",
    "mp4_malformed_free.mp4": "Its index is missing or damaged; the upload may have been cut short.",
    "mp4_wrongfile.mp4": "Its index is missing or damaged; the upload may have been cut short.",
}
# What is left when the track without a description is left out decodes well.
BETTER_THAN_EXPECTED = ["mp4_missing_stsd.mp4"]


def test_every_corpus_file_has_its_expectation() -> None:
    assert sorted(CORPUS) == sorted([*GOOD, *REFUSED, *BETTER_THAN_EXPECTED])


@pytest.mark.parametrize("name", [*GOOD, *BETTER_THAN_EXPECTED])
async def test_every_frame_of_the_corpus_is_where_ffmpeg_shows_it(name: str, launcher: Launcher) -> None:
    source = await probe(launcher, MEDIA / name)
    if source.video is None:
        assert source.audio
        return
    assert ticks_of(source) == decoded_times(MEDIA / name, source.video.index)


@pytest.mark.parametrize("name", REFUSED)
async def test_an_unusable_file_is_refused_with_a_reason(name: str, launcher: Launcher) -> None:
    with pytest.raises(SourceError) as refusal:
        await probe(launcher, MEDIA / name)
    assert refusal.value.detail == REFUSED[name]


async def test_a_lying_header_is_measured(launcher: Launcher) -> None:
    """It claims 143,165 seconds."""
    source = await probe(launcher, MEDIA / "fmp4_h264_aac.mp4")
    assert Fraction(1) < source.duration_seconds < Fraction(11, 10)


async def test_time_zero_is_the_first_sample_of_any_stream(launcher: Launcher) -> None:
    picture_first = await probe(launcher, MEDIA / "mp4_start_10s.mp4")
    sound_first = await probe(launcher, MEDIA / "mp4_editlist_shift.mp4")
    assert picture_first.start_seconds == 10
    assert sound_first.start_seconds == 0
    assert ticks_of(sound_first)[0] * video_of(sound_first).time_base == 1


async def test_sound_keeps_its_place_and_packet_size(launcher: Launcher) -> None:
    streams = (await probe(launcher, MEDIA / "der_mkv_4lang_3sub_font_chap.mkv")).audio
    assert [(stream.language, stream.codec, stream.frame_samples) for stream in streams] == [
        ("en", "aac", 1024),
        ("fr", "ac3", 1536),
        ("de", "opus", 960),
        ("es", "flac", 2304),
    ]
    assert [stream.default for stream in streams] == [False, True, False, False]


async def test_subtitles_and_chapters_are_told(launcher: Launcher) -> None:
    source = await probe(launcher, MEDIA / "der_mkv_4lang_3sub_font_chap.mkv")
    assert [(stream.language, stream.forced) for stream in source.subtitles] == [
        ("en", False),
        ("fr", False),
        ("fr", True),
    ]
    assert len(source.chapters) == 3


@pytest.mark.parametrize(
    ("name", "fact", "value"),
    [
        pytest.param("mov_rot90.mov", "rotation", 90, id="filmed upright"),
        pytest.param("der_1080i50_ac3.m2ts", "interlaced", True, id="interlaced broadcast"),
        pytest.param("der_1080p_23976_60s.mp4", "interlaced", False, id="progressive film"),
        pytest.param("mp4_av1_hdr10.mp4", "transfer", "pq", id="HDR10"),
        pytest.param("mp4_hevc_hlg10.mp4", "transfer", "hlg", id="HLG"),
        pytest.param("mp4_hevc_hlg10.mp4", "bit_depth", 10, id="ten bits"),
        pytest.param("mp4_start_10s.mp4", "sample_aspect", Fraction(1137, 800), id="wide pixels"),
        pytest.param("der_vfr.mkv", "sample_aspect", Fraction(1), id="rounded pixels"),
        pytest.param("webm_vp9_odd.webm", "width", 161, id="odd width"),
        pytest.param("mp4_nasa_speech_subs.mp4", "width", 480, id="the larger of two pictures"),
    ],
)
async def test_a_fact_of_the_picture_is_told(name: str, fact: str, value: object, launcher: Launcher) -> None:
    assert getattr(video_of(await probe(launcher, MEDIA / name)), fact) == value


async def test_a_track_without_a_codec_is_left_out_with_a_note(launcher: Launcher) -> None:
    source = await probe(launcher, MEDIA / "mp4_missing_stsd.mp4")
    assert (source.audio, source.notes) == ((), ("Audio stream 1 is in an unknown format and was left out.",))
