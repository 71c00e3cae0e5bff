"""Five minutes; their size is overstated, so that windows have to do."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.clips import AAC, X264, decoded_times, make
from vod.ffmpeg.header import Header, read_header
from vod.ffmpeg.original import Original
from vod.ffmpeg.process import Launcher
from vod.ffmpeg.sampling import LARGE_BYTES, counted_by_container, sample, worth_sampling
from vod.ffmpeg.source import FrameTimes

SECONDS = 300
PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=160x120:rate=24:duration={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=sample_rate=48000:duration={SECONDS}")
KEYFRAMES = ("-g", "250", "-sc_threshold", "0")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sampling") / "film.mp4"
    make(*PICTURE, *SOUND, *X264, *KEYFRAMES, *AAC, str(path))
    return path


async def sampled(launcher: Launcher, path: Path, **header_changes: int) -> FrameTimes | None:
    original = Original(launcher=launcher, path=path, size_bytes=LARGE_BYTES + 1)
    header: Header = await read_header(original)
    original = original.pinned(header.format.format_name)
    stream = header.streams[0].model_copy(update=header_changes)
    assert worth_sampling(original, header.format, stream)
    (first, *_) = decoded_times(path)
    found = await sample(original, header.format, stream, first)
    return found.times if found else None


@pytest.fixture(scope="module")
def matroska(film: Path) -> Path:
    path = film.with_suffix(".mkv")
    make("-i", str(film), "-map", "0", "-c", "copy", str(path))
    return path


async def test_windows_give_the_same_film_as_reading_all_of_it(launcher: Launcher, film: Path) -> None:
    assert await sampled(launcher, film) == FrameTimes(
        first_ticks=0,
        end_ticks=SECONDS * 12_288,
        frame_count=len(decoded_times(film)),
        frame_duration=Fraction(1, 24),
        longest_gop_seconds=Fraction(125, 12),
    )


async def test_milliseconds_do_not_blur_the_rate(launcher: Launcher, matroska: Path) -> None:
    times = await sampled(launcher, matroska)
    assert times is not None
    assert (times.frame_count, times.frame_duration) == (7200, Fraction(1, 24))


async def test_a_count_that_disagrees_proves_nothing(launcher: Launcher, film: Path) -> None:
    assert await sampled(launcher, film, nb_frames=7199) is None


async def test_a_rate_that_changes_halfway_proves_nothing(launcher: Launcher, film: Path, tmp_path: Path) -> None:
    changing = tmp_path / "changing.mkv"
    slower = "setpts='if(lt(N,3600),N/24,150+(N-3600)/23)/TB'"
    make("-i", str(film), "-map", "0:v", "-vf", f"scale=32:24,{slower}", "-fps_mode", "passthrough", str(changing))
    assert await sampled(launcher, changing) is None


async def test_small_or_short_or_unindexed_originals_are_read_whole(launcher: Launcher, film: Path) -> None:
    original = Original(launcher=launcher, path=film, size_bytes=LARGE_BYTES + 1)
    header = await read_header(original)
    original, stream = original.pinned(header.format.format_name), header.streams[0]
    assert worth_sampling(original, header.format, stream)
    assert not worth_sampling(replace(original, size_bytes=LARGE_BYTES), header.format, stream)
    assert not worth_sampling(replace(original, format_name="mpegts"), header.format, stream)
    assert not worth_sampling(original, header.format.model_copy(update={"duration": Fraction(60)}), stream)
    assert not worth_sampling(original, header.format, stream.model_copy(update={"nb_frames": 0}))


async def test_mkvmerge_counts_in_a_tag(launcher: Launcher, film: Path) -> None:
    header = await read_header(Original(launcher=launcher, path=film, size_bytes=1))
    stream = header.streams[0].model_copy(update={"nb_frames": 0})
    assert counted_by_container(stream) is None
    assert counted_by_container(stream.model_copy(update={"tags": {"NUMBER_OF_FRAMES": "7200"}})) == 7200
    assert counted_by_container(stream.model_copy(update={"tags": {"NUMBER_OF_FRAMES": "many"}})) is None
