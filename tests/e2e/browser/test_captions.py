"""Closed captions that lie in a film's pictures are offered by our page and seen on it, in real Chromium."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.captions import captioned
from tests.e2e.browser.house import drive, open_house

# Each within a segment: the sound of the second film begins 21 ms before its pictures, and where Shaka steps over that,
# it forgets a line that it has read half.
LINES = [(2.0, 4.0, "Is anybody there?"), (5.0, 5.8, "<b>Nobody</b>")]
FILMS = ("copied", "encoded")
LATE = [(5.0, 5.8, "At last")]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return asyncio.run(_spend(tmp_path_factory.mktemp("media")))


@pytest.mark.parametrize("film", FILMS)
def test_captions_are_in_the_menu_and_off_where_nobody_has_chosen(evening: Any, film: str) -> None:
    assert evening["ours"][film]["menu"] == ["Off", "English (CC)"]
    assert evening["ours"][film]["first"] == "Off"


@pytest.mark.parametrize("film", FILMS)
def test_their_words_are_seen_in_their_time(evening: Any, film: str) -> None:
    seen = evening["ours"][film]
    assert (seen["words"], seen["between"], seen["again"]) == (["Is anybody there?"], [], ["<b>Nobody</b>"])


@pytest.mark.parametrize("film", FILMS)
def test_the_choice_is_remembered_and_taken_back(evening: Any, film: str) -> None:
    assert evening["ours"][film]["remembered"] == "English (CC)"
    assert evening["ours"][film]["off"] == []


@pytest.mark.parametrize("film", FILMS)
@pytest.mark.parametrize("player", ["Shaka", "Shaka DASH"])
def test_another_player_finds_them_with_their_language(evening: Any, film: str, player: str) -> None:
    heard = evening["elsewhere"][film][player]
    assert heard["languages"] == ["en"]
    assert heard["lines"] == [[start, text] for start, _, text in LINES]
    assert heard["errors"] == []


def test_captions_that_begin_in_the_middle_come_into_the_menu_there(evening: Any) -> None:
    assert evening["late"] == {"menu": ["Off", "Captions (CC1)"], "words": ["At last"]}


def test_no_policy_is_violated_and_nothing_fails(evening: Any) -> None:
    assert (evening["violations"], evening["consoleErrors"], evening["dialogs"]) == ([], [], [])


async def _spend(folder: Path) -> Any:
    clips = {
        "copied": str(captioned("captions-h264.mp4", LINES)),
        "encoded": str(captioned("captions-mpeg2.ts", LINES, codec="mpeg2video")),
    }
    late = str(captioned("captions-late.mp4", LATE, since=4))
    async with open_house(folder) as house:
        return await drive("captions.mjs", house, setupCode=await house.setup_code(), clips=clips, late=late)
