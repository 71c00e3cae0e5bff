from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.vod.hls.builders import make_audio, make_plan, make_video
from vod.artwork import Look, Moment, best, cover_arguments, rounds, still_arguments

BLACK = bytes([1]) * 64
DIM = bytes([20, 40] * 32)
LIVELY = bytes([60, 200] * 32)


def options_before_input(arguments: tuple[str, ...]) -> dict[str, str]:
    """Every option here has a value but `-noaccurate_seek`."""
    words = [word for word in arguments[: arguments.index("-i")] if word != "-noaccurate_seek"]
    return dict(zip(words[::2], words[1::2], strict=True))


def graph_of(arguments: tuple[str, ...]) -> str:
    return arguments[arguments.index("-filter_complex") + 1]


def test_moments_are_shares_of_the_film_on_the_originals_clock() -> None:
    plan = dataclasses.replace(make_plan(), start_seconds=Fraction(10), duration_seconds=Fraction(100))
    keyframes, decoded, beginning = rounds(plan)
    assert [moment.seconds for moment in keyframes] == [20, 27, 35, 43, 51, 59, 67, 75]
    assert {moment.keyframes_only for moment in keyframes} == {True}
    assert decoded == tuple(Moment(seconds=Fraction(time), keyframes_only=False) for time in (30, 50, 70))
    assert beginning == (Moment(seconds=None, keyframes_only=True),)


def test_a_look_decodes_one_keyframe_within_the_guards() -> None:
    plan = make_plan()
    assert plan.video is not None
    moment = Moment(seconds=Fraction(5, 2), keyframes_only=True)
    arguments = still_arguments(plan, plan.video, Path("/media/film.mp4"), moment, 1_000_000)
    options = options_before_input(arguments)
    assert {"-ss": "2.500000", "-seek_timestamp": "1", "-skip_frame": "nokey", "-f": "mov"}.items() <= options.items()
    assert {"-protocol_whitelist": "file", "-max_pixels": "1000000", "-threads": "1"}.items() <= options.items()
    assert "-noaccurate_seek" in arguments
    assert arguments[arguments.index("-i") + 1] == "file:/media/film.mp4"
    assert graph_of(arguments).startswith("[0:0]scale=max(2\\,trunc(min(640\\,iw*sar)/2)*2):")
    assert [word for word in arguments if word.startswith("pipe:")] == ["pipe:3", "pipe:4"]


def test_a_second_look_decodes_exactly_the_frame_asked_for() -> None:
    plan = make_plan()
    assert plan.video is not None
    moment = Moment(seconds=Fraction(1), keyframes_only=False)
    arguments = still_arguments(plan, plan.video, Path("/f.mp4"), moment, 1_000_000)
    assert "-noaccurate_seek" not in arguments and "-skip_frame" not in arguments


def test_the_beginning_is_looked_at_without_a_seek() -> None:
    plan = make_plan()
    assert plan.video is not None
    moment = Moment(seconds=None, keyframes_only=True)
    assert "-ss" not in still_arguments(plan, plan.video, Path("/f.mp4"), moment, 1_000_000)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"interlaced": True}, "bwdif=", id="interlaced"),
        pytest.param({"transfer": "pq"}, "tonemap=", id="HDR"),
    ],
)
def test_pictures_are_made_fit_for_a_screen(changes: dict[str, Any], expected: str) -> None:
    video = dataclasses.replace(make_video(), **changes)
    moment = Moment(seconds=Fraction(1), keyframes_only=True)
    assert expected in graph_of(still_arguments(make_plan(video=video), video, Path("/f"), moment, 1))
    assert expected not in graph_of(still_arguments(make_plan(), make_video(), Path("/f"), moment, 1))


def test_a_cover_may_be_png_which_a_film_may_not() -> None:
    plan = make_plan(audio=(make_audio(),))
    whitelist = options_before_input(cover_arguments(plan, Path("/f.m4a"), 1))["-codec_whitelist"]
    assert {"png", "mjpeg"} <= set(whitelist.split(","))


@pytest.mark.parametrize(
    "luma",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(BLACK, id="black"),
        pytest.param(bytes([255]) * 64, id="white"),
        pytest.param(bytes([128]) * 64, id="plain grey"),
        pytest.param(bytes([0] * 60 + [255] * 4), id="black with a little text"),
    ],
)
def test_nobody_should_see(luma: bytes) -> None:
    assert Look(b"jpeg", luma).score == 0


def test_the_liveliest_picture_is_kept() -> None:
    looks = [Look(b"black", BLACK), Look(b"dim", DIM), Look(b"lively", LIVELY), Look(b"again", LIVELY)]
    assert best(looks) == Look(b"lively", LIVELY)


def test_no_picture_is_better_than_a_black_one() -> None:
    assert best([Look(b"black", BLACK), Look(b"", LIVELY)]) is None
