"""Subtitles of every kind over a black film, seen in real Chromium; and their times as another player takes them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.clips import clips_folder, make
from tests.e2e.browser.house import ROOT, drive, open_house
from tests.vod.ffmpeg.corpus import MEDIA
from tests.vod.subtitles.pgs import CANVAS, PICTURE_AT, clear_set, display_set, sup
from tests.worker.subtitled import ENGLISH, GERMAN, SIGNS
from vod.containers.matroska_attachments import find_fonts

SECONDS = 20
PICTURES = ("-f", "lavfi", "-i", f"color=black:s=640x360:r=25:d={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=d={SECONDS}")
CODING = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "pcm_s16le")
LANGUAGES = ("eng", "ger", "eng", "jpn", "fre", "spa")
WIDTH, HEIGHT = 40, 20
X, Y = PICTURE_AT
WHITE, YELLOW = (235, 128, 128, 255), (210, 146, 16, 255)
FONT_FAMILY = "DejaVu Sans"
ANOTHER_FONT = ROOT / "server/static/vendor/jassub/default.woff2"
DUTCH = "1\n00:00:01,000 --> 00:00:02,000\nHoi <b>allemaal</b>\n"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return asyncio.run(_spend(tmp_path_factory.mktemp("media"), _film()))


def test_every_track_is_in_the_menu_with_what_it_is_for(evening: Any) -> None:
    assert evening["menu"] == [
        *("Off", "English", "Deutsch (forced)", "English (SDH)", "日本語", "Français", "Español")
    ]


def test_the_films_default_is_shown_where_nobody_has_chosen(evening: Any) -> None:
    assert evening["first"] == "English"


def test_text_is_shown_in_its_time_and_no_script_in_it_is_more_than_text(evening: Any) -> None:
    assert evening["shown"]["plain"] == ["<i>Hello</i> &amp; alert(1)"]
    assert evening["shown"]["between"] == []


def test_styling_is_kept(evening: Any) -> None:
    assert evening["shown"]["styled"] and evening["shown"]["styled away"]


def test_a_font_that_the_film_brings_along_is_used(evening: Any) -> None:
    assert evening["shown"]["styled in another font"]
    assert evening["shown"]["ownFont"] != evening["shown"]["anotherFont"]


@pytest.mark.parametrize(("disc", "colour"), [("blu-ray", (255, 255, 0)), ("dvd", (255, 255, 0))])
def test_pictures_are_drawn_where_the_disc_has_them_and_go_in_time(
    evening: Any, disc: str, colour: tuple[int, int, int]
) -> None:
    drawn = evening["shown"][disc]
    assert drawn["canvas"] == list(CANVAS)
    assert drawn["box"] == [X, Y, X + WIDTH, Y + HEIGHT]
    assert drawn["colour"] == pytest.approx(colour, abs=30)
    assert evening["shown"][f"{disc} away"]


def test_a_key_goes_through_all_and_ends_with_none(evening: Any) -> None:
    assert (evening["firstKey"], evening["lastKey"], evening["note"]) == ("English", "Off", "Subtitles off")


def test_the_choice_is_remembered(evening: Any) -> None:
    assert (evening["afterReload"], evening["offAfterReload"]) == ("English (SDH)", "Off")


def test_another_player_finds_the_tracks_with_their_flags_and_the_cues_in_time(evening: Any) -> None:
    assert evening["bare"]["tracks"] == [
        {"name": "English", "lang": "en", "forced": False, "default": True},
        {"name": "Deutsch (forced)", "lang": "de", "forced": True, "default": False},
        {"name": "English (SDH)", "lang": "en", "forced": False, "default": False},
        {"name": "日本語", "lang": "ja", "forced": False, "default": False},
    ]
    assert [[round(start, 3), round(end, 3)] for start, end, _ in evening["bare"]["cues"]] == [
        [1, 2.5],
        [5, 7],
        [13, 14],
    ]


def test_a_file_that_somebody_adds_is_shown(evening: Any) -> None:
    assert evening["guessed"] == "nl"
    assert evening["added"] == ["Hoi <b>allemaal</b>"]


def test_a_file_that_is_removed_is_gone_from_the_menu(evening: Any) -> None:
    assert evening["removed"] == evening["menu"]


def test_a_damaged_picture_is_nonsense_at_most_and_soon_over(evening: Any) -> None:
    assert evening["hostile"]["faults"] == []
    assert evening["hostile"]["slowest"] < 2000


def test_what_is_shown_without_being_asked_for_depends_on_what_is_heard_and_was_chosen_before(evening: Any) -> None:
    assert evening["firstChoices"] == ["fr-forced", "en", None, "fr-forced", None, "en-sdh", "fr-forced", None]


def test_no_policy_is_violated_and_nothing_fails(evening: Any) -> None:
    refused = [error for error in evening["consoleErrors"] if "422" not in error]  # the file without a cue
    assert (evening["violations"], refused, evening["dialogs"]) == ([], [], [])


def _film() -> Path:
    """Tracks: text, forced text, text for the deaf, ASS, pictures of a Blu-ray and of a DVD; the sound's language is
    told nowhere."""
    folder = clips_folder() / "all-subtitles"
    folder.mkdir(exist_ok=True)
    for name, text in {"en.srt": ENGLISH, "de.srt": GERMAN, "signs.ass": SIGNS.replace("Arial", FONT_FAMILY)}.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "blu.sup").write_bytes(sup([(1000, display_set(0, WIDTH, HEIGHT, YELLOW)), (3000, clear_set(1))]))
    (folder / "font.ttf").write_bytes(font())
    dvd = folder / "dvd.mkv"
    # a picture of a DVD tells itself when it goes
    blu = ("-copyts", "-fix_sub_duration", "-i", str(folder / "blu.sup"))
    make(*blu, "-c:s", "dvdsub", "-s", "{}x{}".format(*CANVAS), str(dvd))
    files = [folder / name for name in ("en.srt", "de.srt", "en.srt", "signs.ass", "blu.sup", "dvd.mkv")]
    inputs = [word for file in files for word in ("-i", str(file))]
    maps = [word for n in range(2 + len(files)) for word in ("-map", str(n))]
    tags = [word for n, code in enumerate(LANGUAGES) for word in (f"-metadata:s:s:{n}", f"language={code}")]
    flags = ("default", "forced", "hearing_impaired", "0", "0", "0")
    marks = [word for n, flag in enumerate(flags) for word in (f"-disposition:s:{n}", flag)]
    film = folder / "film.mkv"
    attached = ("-attach", str(folder / "font.ttf"), "-metadata:s:t", "mimetype=application/x-truetype-font")
    make("-copyts", *PICTURES, *SOUND, *inputs, *maps, *CODING, "-c:s", "copy", *tags, *marks, *attached, str(film))
    return film


def font() -> bytes:
    """The one that a film of the corpus brings along."""
    path = MEDIA / "der_mkv_4lang_3sub_font_chap.mkv"
    (found,) = find_fonts(path)
    return path.read_bytes()[found.offset : found.offset + found.size]


async def _spend(folder: Path, clip: Path) -> Any:
    async with open_house(folder) as house:
        given = {"clip": str(clip), "tracks": len(LANGUAGES), "sidecar": DUTCH, "anotherFont": str(ANOTHER_FONT)}
        return await drive("subtitles.mjs", house, setupCode=await house.setup_code(), **given)
