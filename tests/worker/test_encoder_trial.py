"""The trial lets through an encoder that keeps to the plan, and none that does not."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.worker.reel import configured
from vod.config import Config, FfmpegSection
from vod.errors import ProcessError
from vod.ffmpeg.process import Launcher
from vod.hls.encoders import ENCODERS, Encoder, Options
from vod.hls.plan import SOFTWARE, Plan, Rung
from worker.encoder_trial import find_encoder, reason, try_encoder

X264 = ENCODERS[SOFTWARE]
SETTINGS = itertools.count(1)


class Filtered(Encoder):
    """As a driver that hands its chip other frames."""

    def takes(self, picture: Any) -> Any:
        name, options = FILTERS[self.pixel_format]
        return picture.filter(name, **options)


FILTERS: dict[str, tuple[str, dict[str, object]]] = {
    "inverted": ("negate", {}),
    "halved": ("select", {"expr": "not(mod(n,2))"}),
    "late": ("setpts", {"expr": "PTS+3*400"}),
}


def filtered(kind: str) -> Encoder:
    return Filtered(codec=X264.codec, options=X264.options, pixel_format=kind)


def told(**changes: object) -> Encoder:
    def options(plan: Plan, rung: Rung) -> Options:
        return X264.options(plan, rung) | changes

    return dataclasses.replace(X264, options=options)


def _another_each_time(plan: Plan, rung: Rung) -> Options:
    return X264.options(plan, rung) | {"refs": next(SETTINGS)}


MISFITS = {
    "its groups of pictures are open": (
        told(**{"forced-idr": 0, "x264-params": "stitchable=1:open-gop=1"}),
        "cannot be timed|no IDR",
    ),
    "each of its processes writes other headers": (
        dataclasses.replace(X264, options=_another_each_time),
        "other headers",
    ),
    "it knows no bounds": (told(crf=1, maxrate="200M", bufsize="400M"), "takes .* Mb/s"),
    "it has a level of its own": (told(**{"level:v": "5.1"}), "was to be High"),
    "its pictures are others": (filtered("inverted"), "not those of the film"),
    "it leaves frames out": (filtered("halved"), "frames"),
    "its frames are late": (filtered("late"), "cut|late|frames|without"),
    "it does not exist": (dataclasses.replace(X264, codec="h264_nothing"), "Unknown encoder"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


async def test_x264_passes(launcher: Launcher) -> None:
    await try_encoder(launcher, SOFTWARE)


@pytest.mark.parametrize("misfit", MISFITS)
async def test_an_encoder_does_not_pass_when(launcher: Launcher, monkeypatch: pytest.MonkeyPatch, misfit: str) -> None:
    encoder, words = MISFITS[misfit]
    monkeypatch.setitem(ENCODERS, "misfit", encoder)
    with pytest.raises((ProcessError, ExceptionGroup)) as failure:
        await try_encoder(launcher, "misfit")
    assert re.search(words, reason(failure.value))


async def test_where_no_hardware_passes_films_are_planned_for_x264_and_the_log_says_why(
    launcher: Launcher, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """On a machine without any; where there is some, this machine's own passes."""
    caplog.set_level(logging.INFO, "worker.encoder_trial")
    found = await find_encoder(launcher, configured(Config(), hls={"encoder": "auto"}), tmp_path / "run" / "lock")
    refused = [record.getMessage() for record in caplog.records if "not used" in record.getMessage()]
    assert found == SOFTWARE or f"encoder {found}: passed its trial" in caplog.text
    assert len(refused) == (list(ENCODERS).index(found) - 1 if found != SOFTWARE else len(ENCODERS) - 1)
    assert not [words for words in refused if "Option" in words or "Unrecognized" in words]


async def test_a_trial_that_cannot_be_held_is_no_reason_not_to_start(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    found = await find_encoder(launcher, configured(Config(), hls={"encoder": "nvenc"}), tmp_path / "lock")
    assert found == SOFTWARE
