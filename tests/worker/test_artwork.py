"""Small films are encoded that are hard to find a poster in; what is found is looked at with Pillow."""

from __future__ import annotations

import dataclasses
import io
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.vod.hls.builders import make_audio, make_plan, make_video
from tests.worker.conftest import Yard
from tests.worker.office import add_planned_film, assignment, row_of, storage_of
from vod.catalog.models import JobKind
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher
from vod.hls.plan import Plan
from worker import artwork
from worker.artwork import find_poster

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.fixture
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


def film(**video: Any) -> Plan:
    return dataclasses.replace(
        make_plan(video=dataclasses.replace(make_video(), **video)), duration_seconds=Fraction(10)
    )


def encode(path: Path, *arguments: str) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


async def poster(launcher: Launcher, plan: Plan, original: Path) -> Image.Image | None:
    found = await find_poster(launcher, plan, original)
    return Image.open(io.BytesIO(found)) if found else None


def brightness(picture: Image.Image) -> float:
    return float(np.asarray(picture.convert("L")).mean())


async def test_a_film_that_is_black_but_for_one_scene_shows_that_scene(launcher: Launcher, tmp_path: Path) -> None:
    scene = "testsrc2=s=320x180:r=25:d=10,drawbox=t=fill:color=black:enable='not(between(t,4,5.5))'"
    original = encode(tmp_path / "f.mp4", "-f", "lavfi", "-i", scene, *X264, "-g", "12")
    picture = await poster(launcher, film(), original)
    assert picture is not None and brightness(picture) > 60


async def test_a_film_of_one_keyframe_that_fades_in_is_decoded_further(launcher: Launcher, tmp_path: Path) -> None:
    scene = "testsrc2=s=320x180:r=25:d=10,fade=d=1.5"
    original = encode(tmp_path / "f.mp4", "-f", "lavfi", "-i", scene, *X264, "-g", "999", "-sc_threshold", "0")
    picture = await poster(launcher, film(), original)
    assert picture is not None and brightness(picture) > 60


async def test_a_black_film_has_no_poster(launcher: Launcher, tmp_path: Path) -> None:
    original = encode(tmp_path / "f.mp4", "-f", "lavfi", "-i", "color=black:s=320x180:d=10", *X264)
    assert await poster(launcher, film(), original) is None


async def test_a_wide_picture_becomes_640_square_pixels_wide(launcher: Launcher, tmp_path: Path) -> None:
    scene = "testsrc2=s=1440x1080:r=5:d=10,setsar=4/3"
    original = encode(tmp_path / "f.mp4", "-f", "lavfi", "-i", scene, *X264)
    picture = await poster(launcher, film(), original)
    assert picture is not None and (picture.size, picture.format) == ((640, 360), "JPEG")


async def test_a_small_picture_is_not_made_larger(launcher: Launcher, tmp_path: Path) -> None:
    original = encode(tmp_path / "f.mp4", "-f", "lavfi", "-i", "testsrc2=s=176x144:r=5:d=10", *X264)
    picture = await poster(launcher, film(), original)
    assert picture is not None and picture.size == (176, 144)


async def test_a_film_held_upright_stands_upright(launcher: Launcher, tmp_path: Path) -> None:
    lying = encode(tmp_path / "lying.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=5:d=10", *X264)
    original = encode(tmp_path / "f.mp4", "-i", str(lying), "-c", "copy", "-metadata:s:v:0", "rotate=90")
    picture = await poster(launcher, film(), original)
    assert picture is not None and picture.size == (180, 320)


async def test_high_dynamic_range_is_mapped_to_a_picture(launcher: Launcher, tmp_path: Path) -> None:
    tags = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    ten_bit = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", *tags)
    original = encode(tmp_path / "f.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=5:d=10", *ten_bit)
    plan = film(transfer="pq", colour=("bt2020", "smpte2084", "bt2020nc", "tv"))
    picture = await poster(launcher, plan, original)
    assert picture is not None and picture.size == (320, 180)


async def test_the_colours_of_a_poster_are_those_of_the_screen(launcher: Launcher, tmp_path: Path) -> None:
    """High definition has another matrix than JPEG."""
    scene = (
        "color=lime:s=640x720:r=5:d=10[a];color=blue:s=640x720:r=5:d=10[b];[a][b]hstack,scale=out_color_matrix=bt709"
    )
    original = encode(tmp_path / "f.mp4", "-filter_complex", scene, *X264, "-colorspace", "bt709")
    picture = await poster(launcher, film(colour=("bt709", "bt709", "bt709", "tv")), original)
    assert picture is not None
    left, right = (np.array(picture.getpixel((x, 180)), dtype=float) for x in (160, 480))
    assert np.abs(left - (0, 255, 0)).max() < 10 and np.abs(right - (0, 0, 255)).max() < 10


async def test_sound_with_a_cover_shows_its_cover(launcher: Launcher, tmp_path: Path) -> None:
    Image.new("RGB", (800, 800), (200, 60, 30)).save(tmp_path / "cover.png")
    sound = ("-f", "lavfi", "-i", "sine=d=1", "-i", str(tmp_path / "cover.png"))
    cover = ("-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic")
    original = encode(tmp_path / "f.m4a", *sound, *cover)
    picture = await poster(launcher, make_plan(audio=(make_audio(),)), original)
    assert picture is not None and (picture.size, picture.format) == ((640, 640), "JPEG")


async def test_sound_without_a_cover_has_no_poster(launcher: Launcher, tmp_path: Path) -> None:
    original = encode(tmp_path / "f.m4a", "-f", "lavfi", "-i", "sine=d=1")
    assert await poster(launcher, make_plan(audio=(make_audio(),)), original) is None


async def test_a_file_that_is_none_has_no_poster(launcher: Launcher, tmp_path: Path) -> None:
    original = tmp_path / "f.mp4"
    original.write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    assert await poster(launcher, film(), original) is None


async def test_the_job_publishes_a_poster_and_says_so_in_the_row(
    launcher: Launcher, tmp_path: Path, yard: Yard
) -> None:
    media_id = add_planned_film(yard, film())
    original = storage_of(yard).original(media_id, "mp4")
    encode(original, "-f", "lavfi", "-i", "testsrc2=s=320x180:r=5:d=10", *X264)
    await artwork.run(*assignment(yard, launcher, media_id, JobKind.ARTWORK))
    assert Image.open(storage_of(yard).artwork(media_id, "poster.jpg")).size == (320, 180)
    assert row_of(yard, media_id).has_artwork


@pytest.mark.parametrize("content", [pytest.param(None, id="gone"), pytest.param(b"junk", id="damaged")])
async def test_a_film_without_a_poster_is_nobodys_failure(
    launcher: Launcher, yard: Yard, content: bytes | None
) -> None:
    media_id = add_planned_film(yard, film())
    if content is not None:
        storage_of(yard).original(media_id, "mp4").write_bytes(content)
    await artwork.run(*assignment(yard, launcher, media_id, JobKind.ARTWORK))
    assert not row_of(yard, media_id).has_artwork
