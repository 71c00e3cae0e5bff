"""A newcomer opens the printed address, drops a film, watches the progress, and plays it, in real Chromium.

The pictures lie in artifacts/browser, each with a sentence in first-run.md.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.clips import clips_folder, make
from tests.e2e.browser.house import drive, open_house

SECONDS = 60  # twice what a player buffers at once
PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=25:duration={SECONDS}")
PITCHES = {"eng": 330, "deu": 880}
SOUND = tuple(
    part
    for pitch in PITCHES.values()
    for part in ("-f", "lavfi", "-i", f"sine=frequency={pitch}:sample_rate=48000:duration={SECONDS}")
)
TRACKS = (
    "-map",
    "0:v",
    "-map",
    "1:a",
    "-map",
    "2:a",
    "-metadata:s:a:0",
    "language=eng",
    "-metadata:s:a:1",
    "language=deu",
)
# So that its upload can be watched; keyframes where segments want them.
LARGE = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-b:v", "1600k", "-c:a", "aac")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything that the journey saw; it is long, so the tests share one."""
    clip = clips_folder() / "Evening by the Brook (2008).mp4"
    make(*PICTURE, *SOUND, *TRACKS, *LARGE, str(clip))
    return asyncio.run(_spend(tmp_path_factory.mktemp("media"), clip))


def test_the_first_visitor_is_led_to_the_set_up(evening: Any) -> None:
    assert evening["firstPage"] == "/setup"


def test_an_upload_tells_how_much_how_fast_and_how_long(evening: Any) -> None:
    assert re.fullmatch(r"[\d.]+ [kM]B of [\d.]+ MB · [\d.]+ [kM]B/s · \d+:\d\d left", evening["uploadFigures"])


def test_the_year_that_was_typed_stands_in_the_library(evening: Any) -> None:
    assert "2008" in evening["facts"]


def test_the_page_says_that_the_film_is_being_prepared(evening: Any) -> None:
    assert set(evening["modes"]) <= {"loading", "preparing", "playing"}
    assert all(0 <= part <= 100 for part in evening["parts"])


def test_playing_begins_without_a_reload(evening: Any) -> None:
    assert evening["modes"][-1] == "playing"
    assert evening["startedWithoutReload"]


def test_the_quality_menu_offers_auto_and_every_rung(evening: Any) -> None:
    automatic, *rungs = evening["qualities"]
    assert automatic.startswith("Auto")
    heights = [int(rung.partition("p")[0]) for rung in rungs]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == 720


def test_choosing_a_language_changes_what_is_heard(evening: Any) -> None:
    assert evening["languages"] == ["English", "German"]
    assert evening["heard"] == pytest.approx(list(PITCHES.values()), rel=0.05)


def test_a_rung_that_becomes_available_is_taken_without_a_break_or_a_reload(evening: Any) -> None:
    late = evening["late"]
    assert late["lowest"] == 240
    assert [("being made · 50 %" in choice) for choice in late["choices"]] == [False, True, True, False]
    assert late["ladders"] == 1
    assert late["interruptions"] == 0


def test_the_links_for_other_screens_are_whole(evening: Any) -> None:
    film = r"[0-9a-f-]{36}/[A-Za-z0-9._-]+"
    wanted = (
        rf"/play/{film}\.m3u",
        rf"/stream/hls/{film}/master\.m3u8",
        rf"/stream/hls/{film}/[0-9a-f]{{16}}/manifest\.mpd",
    )
    assert len(evening["links"]) == len(wanted)
    for path, link in zip(wanted, evening["links"], strict=True):
        assert re.fullmatch(rf"http://127\.0\.0\.1:\d+{path}", link)


def test_watching_goes_on_where_it_stopped(evening: Any) -> None:
    assert 6 <= evening["resumedAt"] < SECONDS - 1


def test_the_film_plays_to_its_end(evening: Any) -> None:
    assert evening["endedAt"] == pytest.approx(evening["duration"], abs=0.1)
    assert evening["duration"] == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("screen", ["phone", "light", "television"])
def test_nothing_is_wider_than_the_screen(evening: Any, screen: str) -> None:
    assert evening[f"{screen}Overflow"] <= 0


def test_a_new_key_is_shown_once(evening: Any) -> None:
    assert evening["freshKey"] == "hr_"


def test_the_policy_is_never_violated_and_nothing_goes_wrong_in_the_console(evening: Any) -> None:
    assert evening["violations"] == []
    assert evening["consoleErrors"] == []
    assert evening["dialogs"] == []


async def _spend(folder: Path, clip: Path) -> Any:
    async with open_house(folder) as house:
        return await drive("first_run.mjs", house, setupCode=await house.setup_code(), clip=str(clip))
