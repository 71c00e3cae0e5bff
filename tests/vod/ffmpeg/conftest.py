from __future__ import annotations

import pytest

from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher


@pytest.fixture
async def launcher() -> Launcher:
    launcher = Launcher(FfmpegSection())
    await launcher.start()
    return launcher
