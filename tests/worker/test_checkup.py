"""What the doctor finds in a film that became READY stands in the log, and keeps no film from being READY."""

from __future__ import annotations

import logging
import re

import pytest
import pytest_asyncio

from tests.clips import clip
from tests.worker.conftest import Yard
from tests.worker.office import row_of, storage_of
from tests.worker.test_copies import verify
from tests.worker.test_probing import add_original, probe
from vod.catalog.models import MediaStatus
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher

Log = pytest.LogCaptureFixture


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> Launcher:
    launcher = Launcher(FfmpegSection())
    await launcher.start()
    return launcher


def warnings(log: Log) -> list[str]:
    return [one.getMessage() for one in log.records if one.name == "worker.checkup" and one.levelno == logging.WARNING]


async def test_a_film_that_breaks_no_rule_is_not_spoken_of(launcher: Launcher, yard: Yard, caplog: Log) -> None:
    film = add_original(yard, clip("h264-25.mp4"))
    await probe(yard, launcher, film)
    await verify(yard, launcher, film)
    assert row_of(yard, film).status == MediaStatus.READY
    assert warnings(caplog) == []


async def test_a_broken_rule_is_logged_with_its_players_and_the_film_is_ready(
    launcher: Launcher, yard: Yard, caplog: Log
) -> None:
    film = add_original(yard, clip("h264-25.mp4"))
    await probe(yard, launcher, film)
    master = storage_of(yard).master(film)
    master.write_text(re.sub(r":BANDWIDTH=\d+", ":BANDWIDTH=1", master.read_text()))
    await verify(yard, launcher, film)
    assert row_of(yard, film).status == MediaStatus.READY
    (warning,) = warnings(caplog)
    assert "breaks rule 4 (Safari/AVPlayer)" in warning and "BANDWIDTH is 1" in warning
