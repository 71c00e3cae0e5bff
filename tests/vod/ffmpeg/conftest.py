from __future__ import annotations

import pytest_asyncio

from tests.vod.ffmpeg import corpus
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher

# The corpus lies beside the checkout where there is one; it is no part of the repository, and a clean clone has none.
collect_ignore = [] if corpus.ROOT.is_dir() else ["test_corpus.py"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def launcher() -> Launcher:
    """Started once: between two commands it holds nothing that belongs to an event loop."""
    launcher = Launcher(FfmpegSection())
    await launcher.start()
    return launcher
