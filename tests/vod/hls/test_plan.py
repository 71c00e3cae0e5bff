"""A plan is read as it was written, and its digest is a promise to everybody who is watching."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from fractions import Fraction

import pytest

from tests.vod.hls.builders import make_audio, make_plan, make_rung, make_video
from vod.hls.grid import Grid
from vod.hls.plan import PLAN_VERSION, Plan

FILM = make_plan(
    video=make_video(rungs=(make_rung(), make_rung(name="480p", width=854, height=480))),
    audio=(make_audio(), make_audio(name="audio-fra", lane="audio-1", label="Français", language="fr")),
)
SOUND = make_plan(audio=(make_audio(),))
DIGEST = "59af47aa3f3b8d5b"


CAPTIONED = dataclasses.replace(FILM, captions=True)


@pytest.mark.parametrize(
    "plan", [FILM, SOUND, make_plan(), CAPTIONED], ids=["picture and sound", "sound", "picture", "captions"]
)
def test_a_plan_survives_its_json(plan: Plan) -> None:
    assert Plan.from_json(plan.to_json()) == plan
    assert Plan.from_json(plan.to_json()).digest == plan.digest


def test_the_digest_names_the_same_plan_in_every_process_and_release() -> None:
    """A changed digest re-encodes every library: raise PLAN_VERSION and then this, knowingly."""
    assert FILM.digest == DIGEST
    code = "from tests.vod.hls.test_plan import FILM; print(FILM.digest)"
    other = subprocess.run((sys.executable, "-c", code), check=True, capture_output=True, text=True)
    assert other.stdout.strip() == DIGEST


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(dataclasses.replace(FILM, preset="medium"), id="a setting of the encoder"),
        pytest.param(dataclasses.replace(FILM, audio=FILM.audio[:1]), id="a track less"),
        pytest.param(dataclasses.replace(FILM, start_seconds=Fraction(1, 3)), id="another time zero"),
        pytest.param(dataclasses.replace(FILM, video=make_video()), id="a rung less"),
        pytest.param(CAPTIONED, id="captions"),
    ],
)
def test_another_plan_has_another_digest(other: Plan) -> None:
    assert other.digest != FILM.digest


def test_a_plan_of_another_version_is_refused() -> None:
    text = FILM.to_json().replace(f'"version":{PLAN_VERSION}', '"version":0')
    with pytest.raises(ValueError, match="plan version 0"):
        Plan.from_json(text)


def test_a_lane_is_what_one_process_makes() -> None:
    assert {lane: [part.name for part in parts] for lane, parts in FILM.lanes.items()} == {
        "ladder": ["720p", "480p"],
        "audio-0": ["audio-eng"],
        "audio-1": ["audio-fra"],
    }
    assert list(SOUND.lanes) == ["audio-0"]


def test_renditions_are_listed_highest_first_and_then_heard() -> None:
    assert list(FILM.renditions) == ["720p", "480p", "audio-eng", "audio-fra"]


def test_each_rendition_has_its_own_clock() -> None:
    assert FILM.grid("480p").timescale == 24_000
    assert FILM.grid("audio-fra").timescale == 48_000
    with pytest.raises(KeyError):
        FILM.grid("1080p")


GRID = Grid(1000, (0, 6000, 12_000, 12_500))


def test_durations_add_up_to_the_film() -> None:
    assert GRID.count == 3
    assert GRID.durations == [6, 6, Fraction(1, 2)]
