"""All files of the corpus, uploaded as a person does it: what becomes of them, and what is told about them."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from tests.e2e.corpus_run import MAX_LINES, Evening
from tests.e2e.corpus_table import broken_rules
from tests.vod.ffmpeg.corpus import good, manifest

pytestmark = pytest.mark.timeout(900)

CORPUS = manifest()

NO_INDEX = "Its index is missing or damaged; the upload may have been cut short."
# The reasons are corpus_table.NOTES.
ENDS_OTHERWISE = {
    "der_zero_bytes.mp4": ("REFUSED", "upload-empty"),
    "mp4_malformed_free.mp4": ("FAILED", NO_INDEX),
    "mp4_wrongfile.mp4": ("FAILED", NO_INDEX),
    # The manifest calls it undecodable: its sound track has no sample description. Its picture decodes.
    "mp4_missing_stsd.mp4": ("READY", None),
}
PLAYABLE = [name for name, row in CORPUS.items() if ENDS_OTHERWISE.get(name, ("READY", None))[0] == "READY"]

# BCP-47, in the originals' order; what says nothing is "und".
SPOKEN = {
    "der_mkv_4lang_3sub_font_chap.mkv": ["en", "fr", "de", "es"],
    "iscc_demo.wmv": ["en"],
    "mp4_av1_hdr10.mp4": ["en"],
    "mp4_hevc_hlg10.mp4": ["en"],
    "mp4_missing_stsd.mp4": [],
    "mp4_nasa_speech_subs.mp4": ["en", "en"],
    "webm_no_duration.webm": ["en"],
}
# Language and flags of each track, in the originals' order. At most one is the default.
SUBTITLED: dict[str, list[tuple[str, set[str]]]] = {
    "der_mkv_4lang_3sub_font_chap.mkv": [("en", set()), ("fr", set()), ("fr", {"forced"})],
    "mkv_sub_ass.mkv": [("und", {"default"})],
    "mkv_sub_srt.mkv": [("en", {"default"})],
    "mkv_sub_vobsub.mkv": [("en", {"default"})],
    "mp4_nasa_speech_subs.mp4": [("en", {"default"}), ("en", set())],
}
CHAPTERS = {"der_mkv_4lang_3sub_font_chap.mkv": 3, "mp4_chapters.mp4": 3}
SDR_8_BIT = re.compile(r"avc1\.(42|4D|64)")  # Baseline, Main and High have no more
# The larger of its two pictures.
LARGER_PICTURE = {"mp4_nasa_speech_subs.mp4": (480, 270)}


def test_the_corpus_is_whole() -> None:
    assert len(CORPUS) == 38
    assert {name for name, row in CORPUS.items() if not good(row)} == set(ENDS_OTHERWISE)


@pytest.mark.parametrize("name", CORPUS)
def test_each_file_ends_as_it_should(evening: Evening, name: str) -> None:
    film = evening.films[name]
    assert (film.status, film.reason) == ENDS_OTHERWISE.get(name, ("READY", None))


@pytest.mark.parametrize("name", PLAYABLE)
def test_a_film_lasts_as_long_as_what_decodes(evening: Evening, name: str) -> None:
    film = evening.films[name]
    assert film.facts["duration"] == pytest.approx(film.decoded_seconds, abs=0.1)


@pytest.mark.parametrize("name", PLAYABLE)
def test_the_picture_is_upright_in_its_shape_and_never_larger(evening: Evening, name: str) -> None:
    rungs = [one for one in evening.films[name].facts["renditions"] if one["type"] == "video"]
    wanted = _picture(name)
    assert bool(rungs) == (wanted is not None)
    if wanted is None:
        return
    width, height = wanted
    assert all(rung["complete"] for rung in rungs)
    # the original's own pictures are stored as they are, and players turn and stretch them
    encoded = [rung for rung in rungs if rung["name"] != "original"]
    for rung in encoded:
        assert rung["width"] <= width and rung["height"] <= height
        assert rung["width"] * height / width == pytest.approx(rung["height"], abs=2)  # both sides are even
    highest = max((min(rung["width"], rung["height"]) for rung in encoded), default=0)
    assert highest <= min(width, height, MAX_LINES)


@pytest.mark.parametrize("name", PLAYABLE)
def test_each_sound_track_keeps_its_language(evening: Evening, name: str) -> None:
    sounds = [one for one in evening.films[name].facts["renditions"] if one["type"] == "audio"]
    tracks = [one for one in sounds if not one["name"].endswith("-surround")]
    assert [track["language"] for track in tracks] == SPOKEN.get(name, ["und"] if CORPUS[name]["acodec"] else [])
    assert all(track["complete"] for track in sounds)


@pytest.mark.parametrize("name", PLAYABLE)
def test_each_subtitle_track_keeps_its_language_and_its_flags(evening: Evening, name: str) -> None:
    tracks = evening.films[name].subtitles
    flags = [{flag for flag in ("default", "forced", "hearingImpaired") if track[flag]} for track in tracks]
    assert [*zip([track["language"] for track in tracks], flags, strict=True)] == SUBTITLED.get(name, [])


@pytest.mark.parametrize("name", PLAYABLE)
def test_chapters_are_told_in_order_and_inside_the_film(evening: Evening, name: str) -> None:
    facts = evening.films[name].facts
    starts = [chapter["start"] for chapter in facts["chapters"]]
    assert len(starts) == CHAPTERS.get(name, 0)
    assert starts == sorted(starts)
    assert all(0 <= start < facts["duration"] for start in starts)


@pytest.mark.parametrize("name", PLAYABLE)
def test_the_rungs_of_our_making_have_eight_bits_in_standard_range(evening: Evening, name: str) -> None:
    package = evening.films[name].package
    assert package is not None
    ours = {track.name for track in package.encoded}
    told = [
        one.stream_info
        for one in package.variants
        if package.tracks[one.uri].name in ours and one.stream_info.resolution
    ]
    assert [info.codecs for info in told if not SDR_8_BIT.match(info.codecs)] == []
    assert {info.video_range for info in told} <= {None, "SDR"}


@pytest.mark.parametrize("name", PLAYABLE)
def test_what_the_server_sends_follows_every_rule(evening: Evening, name: str) -> None:
    package = evening.films[name].package
    assert package is not None
    assert broken_rules(name, package) == {}


def _picture(name: str) -> tuple[float, float] | None:
    """The size on a screen of square pixels, upright."""
    row = CORPUS[name]
    if not row["wxh"]:
        return None
    width, height = LARGER_PICTURE.get(name) or map(int, row["wxh"].split("x"))
    aspect = re.search(r"SAR (\d+):(\d+)", row["features"])
    across = width * (Fraction(int(aspect[1]), int(aspect[2])) if aspect else 1)
    return (float(height), float(across)) if "rotation" in row["features"] else (float(across), float(height))
