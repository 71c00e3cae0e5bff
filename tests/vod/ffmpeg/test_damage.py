"""Broken films are read or refused; nothing else comes out of a probe."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from tests.clips import clip
from vod.errors import SourceError
from vod.ffmpeg.probe import probe
from vod.ffmpeg.process import Launcher

NAMES = ("h264-25.mp4", "h264.mkv", "h264.ts", "b-frames.avi", "audio-only.m4a")
HEADER_BYTES = 3000


def damage(content: bytes, seed: int) -> bytes:
    """Cut somewhere, or with bytes changed in the header or anywhere."""
    chance = random.Random(seed)
    if seed % 3 == 0:
        return content[: chance.randrange(1, len(content))]
    broken = bytearray(content)
    reach = HEADER_BYTES if seed % 3 == 1 else len(broken)
    for _ in range(chance.choice((1, 5, 30, 200))):
        broken[chance.randrange(reach)] = chance.randrange(256)
    return bytes(broken)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", NAMES)
async def test_a_damaged_film_is_read_or_refused(name: str, seed: int, launcher: Launcher, tmp_path: Path) -> None:
    film = tmp_path / name
    film.write_bytes(damage(clip(name).read_bytes(), seed))
    with suppress(SourceError):
        source = await probe(launcher, film)
        assert source.duration_seconds > 0
        assert source.video is None or (source.frame_times is not None and source.frame_times.frame_count > 0)
