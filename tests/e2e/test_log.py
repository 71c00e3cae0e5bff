"""The log of a whole house, from the set-up to the last segment, in asyncio's most talkative mode."""

from __future__ import annotations

from pathlib import Path

from tests.clips import clip
from tests.e2e.house import open_house
from tests.watching.blocking import found_in
from tests.watching.child import FOLDER
from tests.watching.leaks import leaks, seen


async def test_asyncios_debug_mode_tells_no_secret_either(tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    async with open_house(tmp_path, PYTHONASYNCIODEBUG="1", **{FOLDER: str(watched)}) as house:
        identifier = await house.upload(clip("h264-25.mp4"))
        shown = await house.ends(identifier)
        for url in ("manifestUrl", "originalUrl", "playUrl"):
            async with house.client.get(house.url(shown[url])) as answer:
                assert answer.status == 200
    assert {"API key", "password", "stream token", "token key"} <= set(seen(watched).values())
    assert "asyncio" in "".join(log.read_text() for log in watched.glob("log-*"))
    assert (leaks(watched), found_in(watched)) == ([], [])
