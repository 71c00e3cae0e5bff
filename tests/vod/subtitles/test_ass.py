"""ASS scripts: as plain cues, and as the script of known parts that a renderer of ours is given."""

from __future__ import annotations

import pytest

from vod.subtitles.ass import plain_cues, read_script, written
from vod.subtitles.cues import Cue, tidy

SCRIPT = r"""[Script Info]
; made by a person
Title: Secret
ScriptType: v4.00+
PlayResX: 640
PlayResY: 480
Audio File: /home/me/film.mkv

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Italic, Underline, Alignment
Style: Default,Arial,20,&H00FFFFFF,-1,0,0,2
Style: Sign,Arial,20,&H00FFFFFF,0,-1,0,8

[Fonts]
fontname: evil.ttf
!!!!!!!!

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not said
Dialogue: 0,0:00:01.50,0:00:02.75,Default,,0,0,0,,{\pos(10,20)\c&H00FF&}Hello,\Nyou {\i1}there{\i0}!
Dialogue: 0,0:00:03.00,0:00:04.00,Sign,,0,0,0,,A sign
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\p1}m 0 0 l 100 0 100 100{\p0}
Dialogue: 0,0:00:07.00,0:00:08.00,Default,,0,0,0,,{\an7}<b> & {\b1}bold
"""


def test_lines_become_plain_cues_and_drawings_none() -> None:
    assert plain_cues(read_script(SCRIPT)) == [
        Cue(start_ms=1500, end_ms=2750, text="Hello,\nyou <i>there</i>!"),
        Cue(start_ms=3000, end_ms=4000, text="<i>A sign</i>", settings="line:10%"),
        Cue(
            start_ms=7000,
            end_ms=8000,
            text="&lt;b&gt; &amp; <b>bold</b>",
            settings="line:10% align:left position:5%",
        ),
    ]


def test_the_kept_script_has_styles_and_lines_and_nothing_else() -> None:
    kept = written(read_script(SCRIPT))
    assert [line.partition(":")[0] for line in kept.splitlines() if line] == [
        *("[Script Info]", "ScriptType", "PlayResX", "PlayResY", "[V4+ Styles]", "Format", "Style", "Style"),
        *("[Events]", "Format", *["Dialogue"] * 4),
    ]
    assert r"{\pos(10,20)\c&H00FF&}Hello,\Nyou {\i1}there{\i0}!" in kept


def test_the_kept_script_counts_from_the_films_zero() -> None:
    kept = written(read_script(SCRIPT), shift_ms=2000)
    assert "Dialogue: 0,0:00:00.00,0:00:00.75,Default,,0,0,0,,{\\pos" in kept
    assert "0:00:01.00,0:00:02.00,Sign" in kept


def test_what_is_kept_reads_as_the_same_again() -> None:
    script = read_script(SCRIPT)
    assert plain_cues(read_script(written(script))) == plain_cues(script)


def test_columns_in_another_order_are_understood() -> None:
    text = "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,one, two\n"
    assert [cue.text for cue in plain_cues(read_script(text))] == ["one, two"]


def test_lines_of_a_matroska_file_stand_in_the_usual_order_whatever_its_head_says() -> None:
    head = "[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"
    text = f"{head}Dialogue: 0,0:00:00.00,0:00:00.50,Default ,O,,,,,First."
    assert [cue.text for cue in plain_cues(read_script(text, standard_events=True))] == ["First."]


def test_old_ssa_counts_places_in_its_own_way() -> None:
    text = (
        "[V4 Styles]\nFormat: Name, Alignment\nStyle: Top,6\n[Events]\nFormat: Start, End, Style, Text\n"
        "Dialogue: 0:00:01.00,0:00:02.00,Top,up\n"
    )
    assert plain_cues(read_script(text))[0].settings == "line:10%"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("Dialogue: 0,0:00:01.00,0:00:02.00", id="too few columns"),
        pytest.param("Dialogue: 0,x,0:00:02.00,Default,,0,0,0,,text", id="no time"),
        pytest.param("Dialogue: 0,99999999:00:00.00,0:00:02.00,Default,,0,0,0,,text", id="a time beyond reason"),
        pytest.param("Dialogue", id="no line at all"),
    ],
)
def test_a_broken_line_is_passed_over(line: str) -> None:
    assert read_script(f"[Events]\n{line}\n").events == []


def test_the_layers_of_one_sign_are_said_once() -> None:
    line = "Dialogue: {},0:00:01.00,0:00:02.00,Default,,0,0,0,,{{\\bord4}}sign\n"
    script = read_script("[Events]\n" + "".join(line.format(layer) for layer in range(4)))
    assert [cue.text for cue in tidy(plain_cues(script))] == ["sign"]
