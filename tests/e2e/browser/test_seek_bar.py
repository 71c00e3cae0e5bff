"""The seek bar shows what is to be seen where it would lead: stills, chapters, times; seen in real Chromium."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.clips import clips_folder, make
from tests.e2e.browser.house import drive, open_house
from tests.worker.winding import COLOUR_SECONDS, COLOURS, RGB, colours

SECONDS = COLOUR_SECONDS * len(COLOURS)
CHAPTERS = ((0, 8, "Warm <b>& green"), (8, 16, ""), (16, 24, "The end"))

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return asyncio.run(_spend(tmp_path_factory.mktemp("media"), _film()))


@pytest.mark.parametrize("colour", COLOURS)
def test_under_the_pointer_is_what_the_film_shows_there(evening: Any, colour: str) -> None:
    assert _colour_of(Path(evening["stills"][colour])) == colour


def test_the_time_under_the_pointer_is_told(evening: Any) -> None:
    assert evening["time"] == "0:22"


def test_stills_come_to_a_page_that_is_open(evening: Any) -> None:
    assert evening["withoutReload"]


def test_a_still_never_leaves_the_stage(evening: Any) -> None:
    assert evening["leftEdge"] and evening["rightEdge"] and evening["touchInside"]


def test_nothing_is_shown_once_the_pointer_has_gone(evening: Any) -> None:
    assert evening["goneWithThePointer"]


def test_the_chapter_under_the_pointer_is_named(evening: Any) -> None:
    names = [evening["chapters"][colour] for colour in COLOURS]
    assert names == ["Warm <b>& green"] * 2 + ["Chapter 2"] * 2 + ["The end"] * 2


def test_chapters_are_marked_where_they_begin(evening: Any) -> None:
    assert evening["marks"] == pytest.approx([8 / SECONDS, 16 / SECONDS], abs=0.003)


def test_a_chapter_is_chosen_from_the_menu(evening: Any) -> None:
    assert evening["menu"] == ["Warm <b>& green0:00", "Chapter 20:08", "The end0:16"]
    assert evening["chosen"] == pytest.approx(8)


def test_keys_lead_from_chapter_to_chapter(evening: Any) -> None:
    assert evening["keys"] == pytest.approx([16, 16, 8, 0, 0])
    assert evening["begun"] == pytest.approx(0)


def test_whoever_steps_with_keys_sees_the_still(evening: Any) -> None:
    assert evening["keyTime"] == "0:09"


def test_a_finger_takes_the_still_along_and_lets_it_go(evening: Any) -> None:
    assert _colour_of(Path(evening["touched"])) == COLOURS[int(SECONDS * 0.6 // COLOUR_SECONDS)]
    assert evening["landed"] == pytest.approx(SECONDS * 0.6, abs=0.5)


def test_a_player_winds_by_the_i_frame_playlist(evening: Any) -> None:
    """A segment's first keyframe stands for all of it: those at 0, 6, 12 and 18 seconds."""
    assert [_nearest(pixel) for pixel in evening["wound"]] == ["red", "lime", "yellow", "white"]


def test_no_policy_is_violated_and_nothing_fails(evening: Any) -> None:
    assert (evening["violations"], evening["consoleErrors"], evening["dialogs"]) == ([], [], [])


def _film() -> Path:
    path, marks = clips_folder() / "chaptered.mp4", clips_folder() / "chapters.txt"
    marks.write_text(
        ";FFMETADATA1\n"
        + "".join(
            f"[CHAPTER]\nTIMEBASE=1/1\nSTART={start}\nEND={end}\ntitle={title}\n" for start, end, title in CHAPTERS
        )
    )
    sound = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}")
    codecs = ("-c:v", "copy", "-c:a", "aac", "-map", "0:v", "-map", "1:a", "-map_chapters", "2")
    # large enough for a rung to be encoded, a keyframe each second for cuts on its grid
    pictures = colours("colours-360.mp4", "-g", "25", "-keyint_min", "25", size="640x360")
    make("-i", str(pictures), *sound, "-i", str(marks), *codecs, str(path))
    return path


def _colour_of(path: Path) -> str:
    with Image.open(path) as picture:
        pixel: Any = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
    return _nearest(pixel)


def _nearest(pixel: Sequence[int]) -> str:
    return min(RGB, key=lambda name: sum(abs(one - other) for one, other in zip(pixel, RGB[name], strict=True)))


async def _spend(folder: Path, clip: Path) -> Any:
    async with open_house(folder) as house:
        given = {"clip": str(clip), "seconds": SECONDS, "colours": list(COLOURS)}
        return await drive("seek_bar.mjs", house, setupCode=await house.setup_code(), **given)
