"""Every sample of `tests.hostile` goes through the real probe; strace is the witness that nothing else was opened."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import hostile
from tests.clips import clip
from vod.errors import SourceError
from vod.ffmpeg.probe import MAX_CHAPTERS, probe
from vod.ffmpeg.process import Launcher

ROOT = Path(__file__).parents[3]
PROBE_ALL = """
import asyncio, sys
from pathlib import Path
from vod.config import FfmpegSection
from vod.errors import SourceError
from vod.ffmpeg.probe import probe
from vod.ffmpeg.process import Launcher

async def main():
    launcher = Launcher(FfmpegSection())
    await launcher.start()
    for name in sys.argv[1:]:
        try:
            await probe(launcher, Path(name))
        except SourceError:
            pass

asyncio.run(main())
"""


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """In the same folder as the samples, where it is the easiest to reach."""
    return Path(shutil.copy(clip("h264.ts"), tmp_path / "victim.ts"))


@pytest.mark.parametrize("name", hostile.REFUSED)
async def test_it_is_refused_with_a_reason(name: str, launcher: Launcher, tmp_path: Path, victim: Path) -> None:
    sample = tmp_path / name
    hostile.REFUSED[name](sample, victim)
    with pytest.raises(SourceError) as refusal:
        await probe(launcher, sample)
    assert refusal.value.detail.endswith(".")
    assert str(tmp_path) not in refusal.value.detail


async def test_twenty_thousand_chapters_are_cut_to_what_a_menu_can_hold(
    launcher: Launcher, tmp_path: Path, victim: Path
) -> None:
    sample = tmp_path / "many-chapters.mkv"
    hostile.many_chapters(sample, victim)
    source = await probe(launcher, sample)
    assert len(source.chapters) in (0, MAX_CHAPTERS)
    assert source.notes == ("It holds more chapters than are kept.",)


async def test_titles_lose_control_characters_and_length(launcher: Launcher, tmp_path: Path, victim: Path) -> None:
    sample = tmp_path / "rude-title.mkv"
    hostile.rude_title(sample, victim)
    (audio,) = (await probe(launcher, sample)).audio
    assert audio.title == ("<script> [2Jalert(1)</script> [/FORMAT] gnp.exe" + "x" * 600)[:500]
    assert audio.language == "und"


async def test_a_playlist_in_a_subtitle_leaves_only_the_film(launcher: Launcher, tmp_path: Path, victim: Path) -> None:
    sample = tmp_path / "playlist-in-subtitle.avi"
    hostile.playlist_in_subtitle(sample, victim)
    source = await probe(launcher, sample)
    assert source.video is not None
    assert source.frame_times is not None
    assert source.frame_times.frame_count == 100


def test_nothing_foreign_is_opened_and_no_socket_made(tmp_path: Path, victim: Path) -> None:
    samples = {**hostile.REFUSED, **hostile.SANITISED}
    for name, build in samples.items():
        build(tmp_path / name, victim)
    trace = tmp_path / "trace"
    # opens and sockets that succeeded, in every child
    witness = ("strace", "-f", "-qq", "-z", "-e", "trace=open,openat,socket,connect", "-e", "signal=none", "-o", trace)
    names = [str(tmp_path / name) for name in samples]
    subprocess.run([*witness, sys.executable, "-c", PROBE_ALL, *names], cwd=ROOT, check=True, timeout=280)
    seen = trace.read_text(errors="replace").splitlines()
    assert any("many-tracks.mkv" in line for line in seen)
    assert [line for line in seen if victim.name in line] == []
    assert [line for line in seen if "socket(" in line and "AF_UNIX" not in line] == []
