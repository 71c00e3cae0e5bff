"""How many stills a film gets, how large, and what their index says."""

from __future__ import annotations

import dataclasses
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.vod.hls.argv import value
from tests.vod.hls.builders import make_plan, make_video
from vod.errors import OutputRefused
from vod.hls import trickplay
from vod.hls.keyframes import Keyframe
from vod.hls.plan import Plan
from vod.hls.trickplay import Layout

TILES = Layout(interval_seconds=Fraction(10), width=160, height=90, columns=10, rows=10, stills=1000)
JPEG = b"\xff\xd8picture\xff\xd9"


def lasting(seconds: Fraction | int) -> Plan:
    return dataclasses.replace(make_plan(), duration_seconds=Fraction(seconds))


def keyframes(*seconds: float) -> list[Keyframe]:
    return [Keyframe(time=int(time * 1000), segment=0, fragment=0, offset=100, size=1) for time in seconds]


@pytest.mark.parametrize(
    ("seconds", "interval"),
    [
        pytest.param(Fraction(1, 25), 1, id="one frame"),
        pytest.param(60, 1, id="a clip"),
        pytest.param(600, 6, id="a short film"),
        pytest.param(7200, 10, id="a long film"),
        pytest.param(9990, 10, id="the longest with ten seconds"),
        pytest.param(48 * 3600, Fraction(48 * 3600, 999), id="two days"),
    ],
)
def test_stills_are_ten_seconds_apart_but_in_short_and_very_long_films(seconds: Fraction, interval: Fraction) -> None:
    assert trickplay.still_interval(Fraction(seconds)) == interval


@pytest.mark.parametrize("seconds", [Fraction(1, 25), 7, 60, 600, 7200, 9991, 48 * 3600])
def test_no_film_has_more_than_a_thousand_stills_on_ten_sheets(seconds: Fraction) -> None:
    plan = lasting(seconds)
    layout = trickplay.layout(plan)
    assert layout.stills <= 1000 and layout.most_sheets <= 11
    assert layout.tiles >= min(100, layout.stills)


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        pytest.param((1280, 720), (160, 90), id="16:9"),
        pytest.param((854, 480), (160, 90), id="almost"),
        pytest.param((640, 480), (120, 90), id="4:3"),
        pytest.param((1920, 800), (160, 66), id="scope"),
        pytest.param((720, 1280), (90, 160), id="upright"),
        pytest.param((1920, 2), (160, 2), id="a line"),
    ],
)
def test_a_still_fits_its_box_and_keeps_its_shape(picture: tuple[int, int], size: tuple[int, int]) -> None:
    assert trickplay.still_size(*picture) == size


def test_of_each_stretch_the_first_keyframe_is_taken() -> None:
    chosen = trickplay.choose(keyframes(0, 2, 9.9, 10.4, 12, 35, 39, 40), TILES, 1000)
    assert [keyframe.time for keyframe in chosen] == [0, 10_400, 35_000, 40_000]


def test_no_more_are_taken_than_there_are_places() -> None:
    few = dataclasses.replace(TILES, stills=3)
    assert len(trickplay.choose(keyframes(*range(0, 100, 10)), few, 1000)) == 3


def test_each_cue_lasts_to_the_next_still_and_names_its_tile() -> None:
    index = trickplay.render_stills_vtt([0, 10_400, 35_000], 1000, TILES, Fraction(42))
    assert index == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:10.400\nsheet-00.jpg#xywh=0,0,160,90\n\n"
        "00:00:10.400 --> 00:00:35.000\nsheet-00.jpg#xywh=160,0,160,90\n\n"
        "00:00:35.000 --> 00:00:42.000\nsheet-00.jpg#xywh=320,0,160,90\n"
    )


def test_the_index_of_a_long_film_covers_it_without_a_gap() -> None:
    index = trickplay.render_stills_vtt([10 * n for n in range(720)], 1, TILES, Fraction(7200))
    cues = re.findall(r"(\S+) --> (\S+)\n(sheet-\d\d)\.jpg#xywh=(\d+),(\d+),160,90\n", index)
    assert len(cues) == 720 and len({cue[2:] for cue in cues}) == 720
    assert all(one[1] == next_one[0] for one, next_one in pairwise(cues))
    assert (cues[0][0], cues[-1][1]) == ("00:00:00.000", "02:00:00.000")
    assert cues[123][2:] == ("sheet-01", "480", "180")


@pytest.mark.parametrize(
    ("ticks", "starts"),
    [
        pytest.param([500, 3000], ["00.000", "03.000"], id="the picture begins after the sound"),
        pytest.param([-2000, -1000, 3000], ["00.000", "03.000"], id="keyframes before time 0"),
    ],
)
def test_the_first_cue_begins_at_0(ticks: list[int], starts: list[str]) -> None:
    index = trickplay.render_stills_vtt(ticks, 1000, TILES, Fraction(6))
    assert re.findall(r"00:00:(\S+) -->", index) == starts


def test_of_keyframes_before_time_0_the_last_is_shown() -> None:
    index = trickplay.render_stills_vtt([-2000, -1000, 3000], 1000, TILES, Fraction(6))
    assert "00:00:00.000 --> 00:00:03.000\nsheet-00.jpg#xywh=160,0,160,90" in index


def test_a_still_behind_the_end_breaks_no_cue() -> None:
    index = trickplay.render_stills_vtt([0, 7000], 1000, TILES, Fraction(6))
    assert index.count("-->") == 2 and "00:00:07.000 --> 00:00:07.001" in index


def test_sheets_are_told_apart() -> None:
    assert trickplay.split_sheets(JPEG * 2, 150, TILES) == [JPEG, JPEG]
    assert trickplay.split_sheets(b"", 0, TILES) == []


@pytest.mark.parametrize(
    ("stream", "stills"),
    [
        pytest.param(JPEG, 101, id="one too few"),
        pytest.param(JPEG * 2, 100, id="one too many"),
        pytest.param(JPEG[:-2], 1, id="torn"),
        pytest.param(b"noise\xff\xd9", 1, id="no picture"),
    ],
)
def test_sheets_that_do_not_hold_the_stills_are_refused(stream: bytes, stills: int) -> None:
    with pytest.raises(OutputRefused):
        trickplay.split_sheets(stream, stills, TILES)


def test_times_are_read_from_lines() -> None:
    assert trickplay.still_ticks(b"#tb 0: 1/1000\n0, 0, 40, 1, 2, 0x1\n0, 0, 80, 1, 2, 0x1\n") == [40, 80]


@pytest.mark.parametrize("lines", [b"nonsense\n", b"0, 0, x, 1\n", b"0, 0, 80, 1\n0, 0, 40, 1\n"])
def test_times_that_make_no_sense_are_refused(lines: bytes) -> None:
    with pytest.raises(OutputRefused):
        trickplay.still_ticks(lines)


def test_of_an_original_keyframes_alone_are_read_within_the_guards() -> None:
    plan = lasting(7200)
    assert plan.video is not None
    layout = trickplay.layout(plan)
    arguments = trickplay.original_arguments(plan, plan.video, Path("/media/film.mp4"), layout, 1_000_000)
    wanted = {"-discard": "nokey", "-skip_frame": "nokey", "-f": "mov", "-max_pixels": "1000000", "-threads": "1"}
    before = list(arguments[: arguments.index("-i")])
    assert {option: value(before, option) for option in wanted} == wanted
    assert value(list(arguments), "-i") == "file:/media/film.mp4"
    assert "floor(t/10.000000000)" in str(value(list(arguments), "-filter_complex"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"interlaced": True}, "field=type=top", id="interlaced"),
        pytest.param({"transfer": "hlg"}, "tonemap=", id="HDR"),
        pytest.param({"colour": ("", "", "", "")}, "in_color_matrix=bt709", id="untagged HD"),
    ],
)
def test_pictures_are_made_fit_for_a_screen(changes: dict[str, Any], expected: str) -> None:
    def graph(**changed: Any) -> str:
        plan = make_plan(video=dataclasses.replace(make_video(), **changed))
        assert plan.video is not None
        arguments = trickplay.original_arguments(plan, plan.video, Path("/f"), TILES, 1)
        return str(value(list(arguments), "-filter_complex"))

    assert expected in graph(**changes)
    assert expected not in graph()
