"""What goes wrong beside a film: no room, no wish for it any more, an ffmpeg that lies, a neighbour that kills."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clips import clip, clips_folder, make
from tests.e2e.films import film
from tests.e2e.house import LOOK_SECONDS, PATIENCE_SECONDS, House, open_house
from vod.catalog.jobs import CANCELLED
from worker.runner import DISK_FULL

SETTINGS = {
    "HOMEREEL_HLS_COPY_ORIGINALS": "false",  # it is encoders that are hindered here
    "HOMEREEL_HLS_SEGMENT_SECONDS": "2",
    "HOMEREEL_HLS_SPAN_SECONDS": "6",
    "HOMEREEL_HLS_AUDIO_SPAN_SECONDS": "12",
    "HOMEREEL_HLS_PRESET": "ultrafast",
    "HOMEREEL_QUEUE_LEASE_SECONDS": "3",
    "HOMEREEL_QUEUE_SWEEP_SECONDS": "1",
    "HOMEREEL_QUEUE_POLL_SECONDS": "0.5",
    "HOMEREEL_QUEUE_MAX_ATTEMPTS": "2",
}
MORE_THAN_ANY_DISK = str(1 << 60)
MIB = 1 << 20
GONE_WITHIN_SECONDS = 10
CAP_SYS_ADMIN = 21

POISON = "a film that kills its ffmpeg"
GOOD_FILMS = ("h264-25.mp4", "h264.mkv", "h264.ts", "no-audio.mp4", "ntsc.mkv")

Scarcity = tuple[House, str, Callable[[], Awaitable[None]]]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, **SETTINGS) as opened:
        yield opened


@asynccontextmanager
async def under_a_reserve(folder: Path) -> AsyncIterator[Scarcity]:
    """A film that was uploaded before the reserve grew, and what makes room for it."""
    async with open_house(folder, **SETTINGS, HOMEREEL_WORKER_EMBEDDED="0") as house:
        identifier = await house.upload(film("mp4-23.976.mp4"))
        await restart(house, HOMEREEL_WORKER_EMBEDDED="2", HOMEREEL_MEDIA_RESERVE_BYTES=MORE_THAN_ANY_DISK)
        yield house, identifier, lambda: restart(house, HOMEREEL_MEDIA_RESERVE_BYTES="0")


@asynccontextmanager
async def on_a_small_disk(folder: Path) -> AsyncIterator[Scarcity]:
    """The disk fills in the middle of the ladder; the rows are on it, too."""
    original = film("mp4-23.976.mp4")
    with small_disk(folder / "media", original.stat().st_size + 3 * MIB) as resize:
        async with open_house(folder, **SETTINGS) as house:
            yield house, await house.upload(original), lambda: asyncio.to_thread(resize, 200 * MIB)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[int], None]]:
    def mount(size: int, *more: str) -> None:
        options = ",".join([f"size={size}", *more])
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "homereel-test", str(folder)], check=True)

    folder.mkdir()
    mount(size)
    try:
        yield lambda size: mount(size, "remount")
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def may_mount() -> bool:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff"))
    return bool(int(line.split()[1], 16) >> CAP_SYS_ADMIN & 1)


SCARCITIES = [under_a_reserve, *([on_a_small_disk] if may_mount() else [])]


@pytest.mark.parametrize("scarcity", SCARCITIES)
async def test_a_film_without_room_waits_says_so_and_goes_on_by_itself(
    tmp_path: Path, scarcity: Callable[[Path], AbstractAsyncContextManager[Scarcity]]
) -> None:
    async with scarcity(tmp_path) as (house, identifier, make_room):
        waiting = await comes(house, identifier, lambda found: found["errorMessage"] is not None)
        assert (waiting["status"], waiting["errorMessage"]) == ("PROCESSING", DISK_FULL)
        assert [path for path in segments(house) if path.stat().st_size == 0] == []
        await make_room()
        assert_ready(await house.ends(identifier))


async def test_a_film_deleted_while_it_is_made_leaves_no_ffmpeg_and_no_byte(house: House) -> None:
    before = bytes_below(house.root)
    identifier = await house.upload(film("long.mp4"))
    await until(lambda: bool(segments(house)) and bool(house.processes("ffmpeg")))
    await ask(house, "DELETE", f"/media-files/{identifier}")
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        await until(lambda: not house.processes("ffmpeg"))
        await until(lambda: not list(house.root.rglob(f"*{identifier}*")))
    # Whatever would still write has had a film's time to do it.
    next_film = await house.upload(clip("h264-25.mp4"))
    assert_ready(await house.ends(next_film))
    await ask(house, "DELETE", f"/media-files/{next_film}")
    await until(lambda: not list(house.root.rglob(f"*{next_film}*")))
    assert list(house.root.rglob(f"*{identifier}*")) == []
    assert bytes_below(house.root) - before < MIB


async def test_a_film_that_was_cancelled_is_ready_after_another_try(house: House) -> None:
    identifier = await house.upload(film("mp4-23.976.mp4"))
    await until(lambda: bool(house.processes("ffmpeg")))
    await ask(house, "POST", f"/media-files/{identifier}/cancel")
    cancelled = await house.ends(identifier)
    assert (cancelled["status"], cancelled["errorMessage"]) == ("FAILED", CANCELLED)
    async with asyncio.timeout(GONE_WITHIN_SECONDS):
        await until(lambda: not house.processes("ffmpeg"))
    await ask(house, "POST", f"/media-files/{identifier}/retry", patient=True)
    assert_ready(await comes(house, identifier, lambda found: found["status"] == "READY"))


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [
        pytest.param("exit 0", "The encoder ended without segment 0.", id="nothing"),
        pytest.param('exec {ffmpeg} -t 1 "$@"', "it has 25 frames of about 50.", id="the beginning"),
        pytest.param("head -c 65536 /dev/zero >&3", "The encoder wrote a box of 0 bytes.", id="garbage"),
        pytest.param(
            '{ffmpeg} "$@" 3>&1 | head -c 9000 >&3',
            "The encoder stopped in the middle of a fragment.",
            id="half a fragment",
        ),
    ],
)
async def test_an_ffmpeg_that_ends_well_and_made_something_else_fails_the_film(
    tmp_path: Path, encoding: str, reason: str
) -> None:
    async with open_house(tmp_path, **SETTINGS, **instead_of_ffmpeg(tmp_path, encoding)) as house:
        ended = await house.ends(await house.upload(clip("no-audio.mp4")))
        assert ended["status"] == "FAILED"
        assert ended["errorMessage"].endswith(reason)


async def test_a_film_that_kills_its_ffmpeg_each_time_stops_no_other(tmp_path: Path) -> None:
    kill = f'grep -q {shlex.quote(POISON)} "${{word#file:}}" && kill -9 $$'
    kill_if_poisoned = f'for word; do case "$word" in file:*) {kill};; esac; done'
    settings = SETTINGS | instead_of_ffmpeg(tmp_path, f'{kill_if_poisoned}; exec {{ffmpeg}} "$@"')
    async with open_house(tmp_path, **settings) as house:
        poisoned = await house.upload(poison())
        good = [await house.upload(clip(name)) for name in GOOD_FILMS]
        for identifier in good:
            assert_ready(await house.ends(identifier))
        ended = await house.ends(poisoned)
        assert (ended["status"], ended["errorMessage"]) == ("FAILED", "ffmpeg was killed by SIGKILL")


def instead_of_ffmpeg(folder: Path, encoding: str) -> dict[str, str]:
    """Settings for an ffmpeg that does `encoding`, in shell, where it is to encode; `{ffmpeg}` is the true one."""
    true = shutil.which("ffmpeg")
    assert true is not None
    encoding = encoding.replace("{ffmpeg}", true)
    script = folder / "ffmpeg"
    script.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *frag_discont*) {encoding}; exit 0;; esac\n'
        f'exec {true} "$@"\n'
    )  # fmt: skip
    script.chmod(0o755)
    # Off: the cage lets a child execute ffmpeg alone.
    return {"HOMEREEL_FFMPEG_FFMPEG": str(script), "HOMEREEL_FFMPEG_SANDBOX": "off"}


def poison() -> Path:
    path = clips_folder() / "poison.mp4"
    make("-i", str(clip("no-audio.mp4")), "-c", "copy", "-metadata", f"title={POISON}", str(path))
    return path


async def restart(house: House, **settings: str) -> None:
    await house.kill_server()
    house.settings |= settings
    await house.start()


async def comes(house: House, identifier: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not wanted(found := await house.film(identifier)):
            await asyncio.sleep(LOOK_SECONDS)
    return found


async def ask(house: House, method: str, path: str, *, patient: bool = False) -> None:
    """`patient`: again while it is refused as too early."""
    headers = {"Authorization": f"Bearer {house.key}"}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with house.client.request(method, house.url(path), headers=headers) as answer:
                if not (patient and answer.status == 409):
                    answer.raise_for_status()
                    return
            await asyncio.sleep(LOOK_SECONDS)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(LOOK_SECONDS)


def segments(house: House) -> list[Path]:
    return list(house.root.glob("hls/*/*/*/*.m*4*"))


def bytes_below(root: Path) -> int:
    """Without the rows, which grow a little."""
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and ".db" not in path.name)


def assert_ready(ended: dict[str, Any]) -> None:
    assert (ended["status"], ended["errorMessage"]) == ("READY", None)
