"""Whoever watches a film while it is planned anew sees it to its end, in real Chromium."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.clips import clips_folder, make
from tests.e2e.browser.house import House, drive, open_house
from vod.catalog import jobs, media_files
from vod.catalog.database import Database
from vod.catalog.models import JobKind, MediaFile
from vod.storage import Storage

SECONDS = 20
PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=25:duration={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}")
CODING = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac")
LOOK_SECONDS = 0.1

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return asyncio.run(_spend(tmp_path_factory.mktemp("media"), tmp_path_factory.mktemp("signs")))


async def _spend(media: Path, signs: Path) -> Any:
    clip = clips_folder() / "replanned.ts"
    make(*PICTURE, *SOUND, *CODING, str(clip))
    watching, planned = signs / "watching", signs / "planned"
    async with open_house(media) as house:
        code = await house.setup_code()
        told = {"clip": str(clip), "watching": str(watching), "planned": str(planned)}
        seen, _ = await asyncio.gather(
            drive("replanned.mjs", house, setupCode=code, **told), _plan_anew(house, media, watching, planned)
        )
    return seen


async def _plan_anew(house: House, media: Path, watching: Path, planned: Path) -> None:
    """As a worker does that finds the original's pictures to be none for players."""
    while not await asyncio.to_thread(watching.exists):
        await asyncio.sleep(LOOK_SECONDS)
    await asyncio.to_thread(_refuse_copies, media)
    await asyncio.to_thread(planned.touch)


def _refuse_copies(media: Path) -> None:
    database = Database(f"sqlite:///{media / 'homereel.db'}", threads=1)
    database.open()
    try:
        film: UUID = database.unit(lambda: MediaFile.get().id)
        Storage(media).refused_copies(film).write_text("A reason.", encoding="utf-8")
        database.unit(media_files.mark_unfinished, film)
        database.unit(jobs.add, film, JobKind.PROBE, priority=jobs.PROBE)
    finally:
        database.close()


def test_the_page_goes_on_with_the_new_plan_to_the_end(evening: Any) -> None:
    assert "original" in evening["before"]
    assert "original" not in evening["after"]
    assert evening["end"] == {"ended": True, "time": pytest.approx(SECONDS, abs=0.3)}


def test_no_policy_is_violated_and_nothing_fails(evening: Any) -> None:
    assert (evening["violations"], evening["dialogs"]) == ([], [])
