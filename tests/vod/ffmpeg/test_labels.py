from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vod.ffmpeg.labels import CONTROLS, TITLE_CHARACTERS, clean_title, language_tag


@pytest.mark.parametrize(
    ("told", "tag"),
    [
        ("ger", "de"),
        ("fre", "fr"),
        ("eng", "en"),
        ("pt-BR", "pt-BR"),
        ("chi", "zh"),
        ("zh-hans", "zh-Hans"),
        ("und", "und"),
        ("mul", "und"),
        ("qaa", "und"),
        ("xx", "und"),
        ("English!", "und"),
        ("<b>", "und"),
        ("", "und"),
    ],
)
def test_a_language_becomes_bcp_47(told: str, tag: str) -> None:
    assert language_tag(told) == tag


@pytest.mark.parametrize(
    ("told", "title"),
    [
        pytest.param("Director's cut", "Director's cut", id="kept"),
        pytest.param("  two\n lines\x1b[2J\x00", "two lines [2J", id="controls"),
        pytest.param("film\u202egpj.exe", "film gpj.exe", id="writing direction"),
        pytest.param("x" * 900, "x" * 500, id="too long"),
    ],
)
def test_a_title_is_one_clean_line(told: str, title: str) -> None:
    assert clean_title(told) == title


@given(st.text())
def test_no_title_keeps_a_control_character(told: str) -> None:
    title = clean_title(told)
    assert not CONTROLS.search(title)
    assert len(title) <= TITLE_CHARACTERS


@given(st.text())
def test_any_word_gives_a_language(told: str) -> None:
    assert language_tag(told)
