from __future__ import annotations

import pytest_asyncio

from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def launcher() -> Launcher:
    """Started once: between two commands it holds nothing that belongs to an event loop."""
    launcher = Launcher(FfmpegSection())
    await launcher.start()
    return launcher
