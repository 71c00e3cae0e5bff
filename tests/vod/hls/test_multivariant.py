from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import m3u8
import pytest

from tests.vod.hls.builders import make_audio, make_plan, make_rung, make_video
from tests.vod.hls.media import mp4a_entry, sample_entries
from vod.hls.bandwidth import Measured, measure, peak_bps
from vod.hls.grid import Grid
from vod.hls.multivariant import quoted, render_multivariant

FOLDER = "0123456789abcdef/"
LADDER = (
    make_rung(name="1080p", width=1920, height=1080),
    make_rung(name="720p", width=1280, height=720),
    make_rung(name="480p", width=852, height=480),
    make_rung(name="240p", width=426, height=240),
)
COMPLETE = {
    "1080p": Measured(peak_bps=5_000_000, average_bps=4_000_000, codec="avc1.640028"),
    "720p": Measured(peak_bps=2_500_000, average_bps=2_000_000, codec="avc1.64001F"),
    "480p": Measured(peak_bps=1_400_000, average_bps=1_100_000, codec="avc1.64001E"),
    "240p": Measured(peak_bps=500_000, average_bps=400_000, codec="avc1.640015"),
    "audio-eng": Measured(peak_bps=131_000, average_bps=129_000, codec="mp4a.40.2"),
    "audio-fra": Measured(peak_bps=140_000, average_bps=128_000, codec="mp4a.40.2"),
}
ENGLISH = make_audio()
FRENCH = make_audio(name="audio-fra", lane="audio-1", language="fr", label="Français", default=False)


def film(*, rungs: int = 4, audio: int = 2) -> m3u8.M3U8:
    plan = make_plan(video=make_video(rungs=LADDER), audio=(ENGLISH, FRENCH))
    names = [rung.name for rung in LADDER][:rungs] + ["audio-eng", "audio-fra"][:audio]
    return m3u8.loads(render_multivariant(plan, {name: COMPLETE[name] for name in names}, FOLDER))


def test_the_whole_text_of_a_film_in_two_languages() -> None:
    plan = make_plan(video=make_video(rungs=LADDER[:2]), audio=(ENGLISH, FRENCH))
    assert render_multivariant(plan, COMPLETE, FOLDER) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,'
        f'CHANNELS="2",URI="{FOLDER}audio-eng.m3u8"\n'
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Français",LANGUAGE="fr",DEFAULT=NO,AUTOSELECT=YES,'
        f'CHANNELS="2",URI="{FOLDER}audio-fra.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=2640000,AVERAGE-BANDWIDTH=2129000,CODECS="avc1.64001F,mp4a.40.2",'
        'RESOLUTION=1280x720,FRAME-RATE=23.976,AUDIO="audio"\n'
        f"{FOLDER}720p.m3u8\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=5140000,AVERAGE-BANDWIDTH=4129000,CODECS="avc1.640028,mp4a.40.2",'
        'RESOLUTION=1920x1080,FRAME-RATE=23.976,AUDIO="audio"\n'
        f"{FOLDER}1080p.m3u8\n"
    )


def test_captions_in_the_pictures_are_a_group_that_every_variant_names() -> None:
    """Named as the language that is heard, for nothing in the pictures tells theirs."""
    plan = replace(make_plan(video=make_video(rungs=LADDER[:2]), audio=(FRENCH, ENGLISH)), captions=True)
    lines = render_multivariant(plan, COMPLETE, FOLDER).splitlines()
    assert lines[5] == (
        '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="English (CC)",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,'
        'INSTREAM-ID="CC1"'
    )
    variants = [line for line in lines if line.startswith("#EXT-X-STREAM-INF")]
    assert len(variants) == 2 and all(line.endswith(',CLOSED-CAPTIONS="cc"') for line in variants)


def test_captions_of_a_film_without_a_known_language_have_a_name_all_the_same() -> None:
    plan = replace(make_plan(video=make_video(rungs=LADDER)), captions=True)
    assert 'NAME="Captions (CC)",LANGUAGE="und"' in render_multivariant(plan, COMPLETE, FOLDER)


def test_where_no_picture_is_offered_there_are_no_captions() -> None:
    plan = replace(make_plan(video=make_video(rungs=LADDER), audio=(ENGLISH,)), captions=True)
    assert "CAPTIONS" not in render_multivariant(plan, {"audio-eng": COMPLETE["audio-eng"]}, FOLDER)


def test_the_two_megabit_class_is_listed_first_and_the_rest_highest_first() -> None:
    assert [variant.uri.split("/")[1] for variant in film().playlists] == [
        "720p.m3u8",
        "1080p.m3u8",
        "480p.m3u8",
        "240p.m3u8",
    ]


@pytest.mark.parametrize(
    ("names", "first"),
    [
        pytest.param(["1080p", "240p"], "1080p", id="nearest to two megabits where the class is missing"),
        pytest.param(["480p", "240p"], "480p", id="the higher of two small ones"),
        pytest.param(["240p"], "240p", id="the only one"),
    ],
)
def test_the_first_variant_without_the_two_megabit_class(names: list[str], first: str) -> None:
    plan = make_plan(video=make_video(rungs=LADDER))
    read = m3u8.loads(render_multivariant(plan, {name: COMPLETE[name] for name in names}, FOLDER))
    assert read.playlists[0].uri == f"{FOLDER}{first}.m3u8"


def test_only_complete_renditions_are_listed() -> None:
    read = film(rungs=1, audio=1)
    assert [variant.uri.split("/")[1] for variant in read.playlists] == ["1080p.m3u8"]
    assert [media.name for media in read.media] == ["English"]


def test_bandwidth_counts_the_largest_audio_of_the_group() -> None:
    first = film().playlists[0].stream_info
    assert (first.bandwidth, first.average_bandwidth) == (2_640_000, 2_129_000)


def test_a_silent_film_has_no_audio_group() -> None:
    plan = make_plan(video=make_video(rungs=LADDER[1:2]))
    text = render_multivariant(plan, COMPLETE, FOLDER)
    assert 'CODECS="avc1.64001F",' in text
    assert "AUDIO" not in text


def test_sound_without_pictures_is_a_variant_of_its_default_track() -> None:
    plan = make_plan(audio=(FRENCH, ENGLISH))
    assert render_multivariant(plan, COMPLETE, FOLDER) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,'
        'CHANNELS="2"\n'
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Français",LANGUAGE="fr",DEFAULT=NO,AUTOSELECT=YES,'
        f'CHANNELS="2",URI="{FOLDER}audio-fra.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=140000,AVERAGE-BANDWIDTH=129000,CODECS="mp4a.40.2",AUDIO="audio"\n'
        f"{FOLDER}audio-eng.m3u8\n"
    )


def test_nothing_complete_is_no_playlist() -> None:
    with pytest.raises(ValueError, match="at least one"):
        render_multivariant(make_plan(), {}, FOLDER)


def test_one_track_of_a_language_is_picked_automatically_and_a_commentary_never() -> None:
    tracks = (
        make_audio(name="audio-a", commentary=True, label="Commentary", default=False),
        make_audio(name="audio-b", label="English"),
        make_audio(name="audio-c", label="English 2", default=False),
        make_audio(name="audio-d", visually_impaired=True, label="Described", default=False),
    )
    plan = make_plan(audio=tracks)
    read = m3u8.loads(render_multivariant(plan, {track.name: COMPLETE["audio-eng"] for track in tracks}, FOLDER))
    assert [(media.name, media.default, media.autoselect, media.characteristics) for media in read.media] == [
        ("English", "YES", "YES", None),
        ("Commentary", "NO", "NO", None),
        ("English 2", "NO", "NO", None),
        ("Described", "NO", "YES", "public.accessibility.describes-video"),
    ]


def test_a_group_has_one_default_even_where_the_planned_one_is_not_complete() -> None:
    plan = make_plan(video=make_video(), audio=(ENGLISH, FRENCH))
    read = m3u8.loads(render_multivariant(plan, {name: COMPLETE[name] for name in ("720p", "audio-fra")}, FOLDER))
    assert [(media.name, media.default) for media in read.media] == [("Français", "YES")]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("English", '"English"', id="plain"),
        pytest.param('Director "Bob"', '"Director ”Bob”"', id="quotation marks"),
        pytest.param("one\ntwo\r\0", '"one two  "', id="control characters"),
        pytest.param("日本語, 5.1=a", '"日本語, 5.1=a"', id="separators are harmless inside"),
    ],
)
def test_a_quoted_string_stays_one(text: str, written: str) -> None:
    assert quoted(text) == written


def test_the_peak_is_over_runs_of_half_to_one_and_a_half_targets() -> None:
    grid = Grid(1, (0, 6, 12, 14))
    assert peak_bps([600, 900, 1000], grid) == round((900 + 1000) * 8 / 8)


def test_a_lone_last_frame_is_no_peak() -> None:
    assert peak_bps([6000, 6000, 5000], Grid(100, (0, 600, 1200, 1204))) == pytest.approx(11000 * 8 / 6.04, abs=1)


def test_a_film_of_one_frame_has_its_average_for_a_peak() -> None:
    assert peak_bps([500], Grid(25, (0, 1))) == 500 * 8 * 25


def test_measuring_reads_sizes_and_the_init_section(tmp_path: Path) -> None:
    (tmp_path / "init.mp4").write_bytes(sample_entries(mp4a_entry()))
    for number, size in enumerate((750_000, 1_500_000)):
        (tmp_path / f"0000{number}.m4s").write_bytes(bytes(size))
    assert measure(tmp_path, Grid(48_000, (0, 288_000, 576_000)), ENGLISH) == Measured(
        peak_bps=2_000_000, average_bps=1_500_000, codec="mp4a.40.2"
    )


def test_measuring_an_incomplete_rendition_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        measure(tmp_path, Grid(48_000, (0, 288_000)), ENGLISH)


def test_frame_rates_have_three_decimals() -> None:
    for rate, written in ((Fraction(25), "25.000"), (Fraction(30000, 1001), "29.970"), (Fraction(60), "60.000")):
        plan = make_plan(video=make_video(frame_rate=rate))
        assert f"FRAME-RATE={written}\n" in render_multivariant(plan, COMPLETE, FOLDER)
