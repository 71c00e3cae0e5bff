"""What encoders in hardware are told, as far as it can be known without the hardware."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess

import pytest

from tests.vod.hls.argv import SOURCE
from tests.vod.hls.builders import make_plan, make_rung, make_video
from vod.config import HlsSection
from vod.hls.encode import Span
from vod.hls.encoders import CANDIDATES, ENCODERS
from vod.hls.picture import header_arguments, ladder_arguments
from vod.hls.plan import SOFTWARE, Plan

FILM = make_plan(video=make_video(rungs=(make_rung(), make_rung(name="480p", width=854, height=480))))
HARDWARE = [name for name in ENCODERS if name != SOFTWARE]
# Options that every encoder of ffmpeg has, and what only the muxer reads
GENERIC = {"b:v", "g", "bf", "level:v"}


def planned_for(encoder: str) -> Plan:
    return dataclasses.replace(FILM, encoder=encoder)


def arguments(plan: Plan) -> list[str]:
    assert plan.video is not None
    return ladder_arguments(plan, plan.video, plan.rungs, Span(first=0, last=0), SOURCE)


def options_of(codec: str) -> dict[str, set[str]]:
    """By name, with the words that it takes, as this machine's ffmpeg tells them."""
    command = ("ffmpeg", "-hide_banner", "-h", f"encoder={codec}")
    known: dict[str, set[str]] = {}
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        if option := re.match(r"  -(\S+)\s+<", line):
            known[option[1]] = words = set()
        elif word := re.match(r"     (\S+)\s", line):
            words.add(word[1])
    return known


@pytest.mark.parametrize("name", HARDWARE)
def test_every_option_is_one_that_the_encoder_knows(name: str) -> None:
    encoder = ENCODERS[name]
    known = options_of(encoder.codec)
    for option, value in encoder.options(FILM, make_rung()).items():
        assert option in known.keys() | GENERIC
        if isinstance(value, str) and known.get(option):
            assert value in known[option]


@pytest.mark.parametrize("level", ["1.3", "3.0", "4.0", "4.1"])
@pytest.mark.parametrize("name", HARDWARE)
def test_levels_are_written_as_the_encoder_has_them(name: str, level: str) -> None:
    encoder = ENCODERS[name]
    written = encoder.options(FILM, make_rung(level=level))["level:v"]
    named = options_of(encoder.codec).get("level", set())
    assert str(written) in named or (not named and written == round(float(level) * 10))


@pytest.mark.parametrize("name", HARDWARE)
def test_every_rung_goes_to_the_encoder_that_the_film_is_planned_for(name: str) -> None:
    argv = arguments(planned_for(name))
    assert argv.count(ENCODERS[name].codec) == len(FILM.rungs)
    assert "libx264" not in argv


def test_frames_are_handed_to_a_device_that_cannot_read_memory() -> None:
    argv = arguments(planned_for("vaapi"))
    graph = argv[argv.index("-filter_complex") + 1]
    assert graph.count("format=nv12") == graph.count("hwupload") == len(FILM.rungs)
    assert argv[argv.index("-init_hw_device") + 1] == f"vaapi=gpu:{SOURCE.device}"


def test_the_headers_come_from_the_same_encoder() -> None:
    plan = planned_for("nvenc")
    assert plan.video is not None
    assert "h264_nvenc" in header_arguments(plan, plan.video, plan.rungs, SOURCE)


def test_a_plan_for_x264_is_the_one_it_was_before_there_was_a_choice() -> None:
    assert "encoder" not in json.loads(FILM.to_json())
    assert Plan.from_json(FILM.to_json()) == FILM


def test_a_plan_remembers_which_hardware_it_is_for() -> None:
    plan = planned_for("qsv")
    assert Plan.from_json(plan.to_json()) == plan
    assert plan.digest != FILM.digest


def test_every_setting_names_encoders_that_there_are() -> None:
    assert {name for names in CANDIDATES.values() for name in names} == set(HARDWARE)
    for setting in CANDIDATES:
        HlsSection.model_validate({"encoder": setting})
