"""Films whose whole package lies where a server finds it, made without a database."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from tests.clips import AAC, make
from tests.film import SETTINGS
from vod.config import FfmpegSection
from vod.ffmpeg.probe import probe
from vod.ffmpeg.process import Launcher
from vod.hls.doctor.examination import Examination, examine
from vod.hls.plan import Plan
from vod.hls.planning import make_plan
from vod.hls.playlist import render_media_playlist
from vod.storage import Storage, make_folder
from worker.copies import read_index, write_copies
from worker.lanes import publish_playlists

FILM = UUID(int=7)


class Film(NamedTuple):
    storage: Storage
    plan: Plan

    @property
    def below(self) -> Path:
        return self.storage.plan_folder(FILM, self.plan.digest)

    def examine(self, on_demand: frozenset[str] = frozenset()) -> Examination:
        return examine(self.storage, FILM, self.plan, on_demand)

    def copy_to(self, root: Path) -> Film:
        shutil.copytree(self.storage.root, root)
        return Film(Storage(root), self.plan)


async def started() -> Launcher:
    launcher = Launcher(FfmpegSection())
    await launcher.start()
    return launcher


def copied_film(root: Path, *encoding: str) -> Film:
    """20 s as they are, without the rungs beside them."""
    storage = Storage(root)
    storage.prepare()
    original = storage.original(FILM, "mp4")
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=20", "-f", "lavfi", "-i", "sine=d=20:r=48000")
    make(*inputs, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *encoding, *AAC, str(original))

    async def make_plan_of() -> Plan:
        index = await asyncio.to_thread(read_index, original)
        source = await probe(await started(), original)
        plan = make_plan(source, SETTINGS, index.tracks)
        await asyncio.to_thread(write_copies, storage, FILM, plan, index)
        return plan

    plan = asyncio.run(make_plan_of())
    assert plan.video is not None and plan.video.copied is not None
    make_folder(storage.plan_folder(FILM, plan.digest))
    for name in plan.renditions:
        storage.media_playlist(FILM, plan.digest, name).write_text(render_media_playlist(plan, name), encoding="utf-8")
    publish_playlists(storage, FILM, plan)
    return Film(storage, plan)
