"""The network goes away, a file is broken, titles are written by an enemy: seen in real Chromium."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.clips import clips_folder, make
from tests.e2e.browser.house import drive, open_house

SECONDS = 40  # more than the player buffers at once
PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=25:duration={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=frequency=330:sample_rate=48000:duration={SECONDS}")
CODECS = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything that the journey saw; it is long, so the tests share one."""
    whole, torn = clips_folder() / "forty.mp4", clips_folder() / "torn.mp4"
    make(*PICTURE, *SOUND, *CODECS, str(whole))
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    song = clips_folder() / "Lullaby.flac"
    make(*SOUND, str(song))
    return asyncio.run(_spend(tmp_path_factory.mktemp("media"), whole, torn, song))


def test_each_key_does_what_the_list_says(evening: Any) -> None:
    assert evening["keys"] == {
        "five": SECONDS / 2,
        "back": SECONDS / 2 - 5,
        "on": SECONDS / 2,
        "muted": True,
        "sound": False,
        "faster": 1.25,
        "slower": 1,
        "playing": True,
        "resting": True,
    }
    assert evening["helpOpens"]


def test_no_key_acts_while_somebody_types(evening: Any) -> None:
    assert evening["typedOnly"]


def test_no_title_and_no_name_ever_runs_as_a_script(evening: Any) -> None:
    assert evening["dialogs"] == []
    assert evening["violations"] == []
    assert evening["consoleErrorsBefore"] == []


def test_sound_without_a_picture_plays_before_a_turning_reel(evening: Any) -> None:
    assert evening["sleeve"].strip() == "Lullaby"
    assert evening["sleeveTurns"] == "running"


def test_a_broken_file_says_why_and_offers_another_try(evening: Any) -> None:
    assert evening["failure"].endswith(".")
    assert evening["retryOffered"]


def test_a_deleted_film_is_gone_from_the_library(evening: Any) -> None:
    assert evening["deletedIsGone"]


def test_playing_goes_on_at_the_remembered_place_when_the_network_is_back(evening: Any) -> None:
    assert evening["recoveredAt"] == pytest.approx(SECONDS / 2, abs=1)


async def _spend(folder: Path, clip: Path, broken: Path, song: Path) -> Any:
    async with open_house(folder) as house:
        code = await house.setup_code()
        given = {"setupCode": code, "clip": str(clip), "broken": str(broken), "song": str(song)}
        return await drive("bad_evening.mjs", house, **given)
