"""Whatever comes through the pipe: whole segments where the plan has them, or a refusal that leaves nothing behind."""

from __future__ import annotations

import dataclasses
import resource
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.vod.hls.builders import make_rung, make_video
from tests.vod.hls.spans import AAC_SAMPLES, FILM, FRAME, SEGMENT_FRAMES, encoded, pipe, samples_of, target
from vod.containers import boxes
from vod.errors import OutputRefused
from vod.hls.cutter import MAX_BOX_BYTES, CameTooLate, cut_audio, cut_video
from vod.hls.encode import Span
from vod.hls.fmp4 import Sample, segment
from vod.hls.grid import Grid
from vod.hls.heads import SEGMENT_TYPE

PICTURES, SOUND = "720p", "audio-eng"
GRID = FILM.grid(PICTURES)
MIDDLE = Span(first=1, last=1)
SEGMENT_NAMES = ["00000.m4s", "00001.m4s", "00002.m4s"]

Spoil = Callable[[bytes], bytes]


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def fragments(stream: bytes) -> list[bytes]:
    """What comes before the first one, and then each `moof` with its `mdat`."""
    starts = [found.start for found in boxes.iter_boxes(stream) if found.kind == b"moof"]
    ends = [*starts[1:], next(found.start for found in boxes.iter_boxes(stream) if found.kind == b"mfra")]
    return [stream[: starts[0]], *(stream[start:end] for start, end in zip(starts, ends, strict=True))]


@pytest.fixture(scope="module")
def pictures() -> bytes:
    return encoded(FILM, PICTURES)


async def test_every_frame_lies_in_its_segment_and_starts_with_a_keyframe(tmp_path: Path, pictures: bytes) -> None:
    await cut_video(pipe(pictures), target(tmp_path, GRID))
    assert names(tmp_path) == [*SEGMENT_NAMES, "init.mp4"]
    for number, name in enumerate(SEGMENT_NAMES):
        samples = samples_of(tmp_path / name)
        first = number * SEGMENT_FRAMES
        assert sorted(sample.time for sample in samples) == [FRAME * n for n in range(first, first + SEGMENT_FRAMES)]
        assert samples[0].sync
        assert samples[0].decode_time == GRID.cuts[number]
        assert samples[-1].end == GRID.cuts[number + 1]


async def test_every_packet_of_sound_lies_in_its_segment(tmp_path: Path) -> None:
    grid = FILM.grid(SOUND)
    await cut_audio(pipe(encoded(FILM, SOUND)), target(tmp_path, grid))
    for number, name in enumerate(SEGMENT_NAMES):
        samples = samples_of(tmp_path / name)
        assert [sample.time for sample in samples] == list(range(grid.cuts[number], grid.cuts[number + 1], AAC_SAMPLES))


async def test_a_span_in_the_middle_fits_the_same_grid(tmp_path: Path) -> None:
    await cut_video(pipe(encoded(FILM, PICTURES, MIDDLE)), target(tmp_path / "v", GRID, MIDDLE))
    await cut_audio(pipe(encoded(FILM, SOUND, MIDDLE)), target(tmp_path / "a", FILM.grid(SOUND), MIDDLE))
    assert names(tmp_path / "v") == names(tmp_path / "a") == ["00001.m4s", "init.mp4"]
    assert samples_of(tmp_path / "v" / "00001.m4s")[0].time == GRID.cuts[1]
    assert samples_of(tmp_path / "a" / "00001.m4s")[0].time == FILM.grid(SOUND).cuts[1]


async def test_each_new_segment_is_told_once_it_is_there(tmp_path: Path, pictures: bytes) -> None:
    told: list[tuple[int, bool]] = []

    async def tell(number: int) -> None:
        told.append((number, (tmp_path / SEGMENT_NAMES[number]).exists()))

    aim = dataclasses.replace(target(tmp_path, GRID), on_segment=tell)
    await cut_video(pipe(pictures), aim)
    assert told == [(0, True), (1, True), (2, True)]
    (tmp_path / SEGMENT_NAMES[1]).unlink()
    await cut_video(pipe(pictures), aim)
    assert told[3:] == [(1, True)]


async def test_what_is_present_is_never_written_again(tmp_path: Path, pictures: bytes) -> None:
    await cut_video(pipe(pictures), target(tmp_path, GRID))
    before = {file.name: file.stat() for file in tmp_path.iterdir()}
    (tmp_path / SEGMENT_NAMES[2]).unlink()
    await cut_video(pipe(pictures), target(tmp_path, GRID))
    kept = [*SEGMENT_NAMES[:2], "init.mp4"]
    for name in kept:
        now = (tmp_path / name).stat()
        assert (now.st_ino, now.st_mtime_ns) == (before[name].st_ino, before[name].st_mtime_ns)
    assert names(tmp_path) == [*SEGMENT_NAMES, "init.mp4"]


@pytest.mark.parametrize(
    ("spoil", "complaint", "left"),
    [
        pytest.param(lambda _stream: b"", "without segment 0", [], id="nothing"),
        pytest.param(lambda stream: stream[:5], "middle of a box", [], id="an end within the first header"),
        pytest.param(lambda stream: fragments(stream)[0], "without segment 0", ["init.mp4"], id="no fragment"),
        pytest.param(
            lambda stream: b"".join(fragments(stream)[:2]) + fragments(stream)[2][:4],
            "middle of a box",
            ["init.mp4"],
            id="an end within a later header",
        ),
        pytest.param(
            lambda stream: b"".join(fragments(stream)[:3])[:-1],
            "middle of a fragment",
            ["init.mp4"],
            id="an end within a fragment",
        ),
        pytest.param(
            lambda stream: b"".join(fragments(stream)[:3]),
            "without segment 2",
            ["00000.m4s", "00001.m4s", "init.mp4"],
            id="no last segment",
        ),
        pytest.param(
            lambda stream: b"".join(fragments(stream)[n] for n in (0, 1, 3)),
            "without segment 1",
            ["00000.m4s", "00002.m4s", "init.mp4"],
            id="no segment in the middle",
        ),
        pytest.param(
            lambda stream: fragments(stream)[0] + struct.pack(">I4s", 7, b"moof"),
            "a box of 7",
            ["init.mp4"],
            id="a box smaller than its header",
        ),
        pytest.param(
            lambda stream: fragments(stream)[0] + struct.pack(">I4s", MAX_BOX_BYTES + 1, b"mdat"),
            f"a box of {MAX_BOX_BYTES + 1}",
            ["init.mp4"],
            id="a box larger than memory should be",
        ),
        pytest.param(
            lambda stream: stream.replace(b"traf", b"free", 1), "cannot be read", ["init.mp4"], id="a moof of no track"
        ),
        pytest.param(lambda stream: stream.replace(b"stsd", b"free", 1), "cannot be read", [], id="a moov of no codec"),
    ],
)
async def test_a_broken_stream_is_refused_and_leaves_only_what_was_whole(
    tmp_path: Path, pictures: bytes, spoil: Spoil, complaint: str, left: list[str]
) -> None:
    with pytest.raises(OutputRefused, match=complaint):
        await cut_video(pipe(spoil(pictures)), target(tmp_path, GRID))
    assert names(tmp_path) == left


async def test_sound_that_ends_early_is_refused(tmp_path: Path) -> None:
    stream = encoded(FILM, SOUND)
    with pytest.raises(OutputRefused, match="without segment 1"):
        await cut_audio(pipe(b"".join(fragments(stream)[:5])), target(tmp_path, FILM.grid(SOUND)))
    assert names(tmp_path) == ["00000.m4s", "init.mp4"]


def stream_of(init: bytes, *groups: list[Sample]) -> bytes:
    """An encoder's stream with these fragments."""
    return init + b"".join(_fragment(group) for group in groups)


def _fragment(group: list[Sample]) -> bytes:
    """As an encoder writes one, without a brand of its own."""
    return b"".join(segment(0, group[0].time, group[-1].time + FRAME, group)).removeprefix(SEGMENT_TYPE)


def frames(first: int, end: int, *, keyframe: bool = True) -> list[Sample]:
    return [Sample(FRAME * n, keyframe and n == first, memoryview(b"frame")) for n in range(first, end)]


@pytest.fixture(scope="module")
def init(pictures: bytes) -> bytes:
    return fragments(pictures)[0]


async def test_a_fragment_that_begins_without_a_keyframe_is_refused(tmp_path: Path, init: bytes) -> None:
    stream = stream_of(init, frames(0, 50), frames(50, 100, keyframe=False))
    with pytest.raises(OutputRefused, match="without a keyframe"):
        await cut_video(pipe(stream), target(tmp_path, GRID))
    assert names(tmp_path) == ["init.mp4"]


async def test_a_span_whose_first_frame_is_missing_came_too_late(tmp_path: Path, init: bytes) -> None:
    with pytest.raises(CameTooLate, match=r"0\.120 s late"):
        await cut_video(pipe(stream_of(init, frames(53, 100))), target(tmp_path, GRID, MIDDLE))
    assert names(tmp_path) == ["init.mp4"]


@pytest.mark.parametrize("first", [53, 50], ids=["three frames late", "in time"])
async def test_a_gap_in_the_original_is_taken_where_it_is_known(tmp_path: Path, init: bytes, first: int) -> None:
    await cut_video(pipe(stream_of(init, frames(first, 100))), target(tmp_path, GRID, MIDDLE, gap=True))
    samples = samples_of(tmp_path / "00001.m4s")
    assert [sample.time for sample in samples] == [FRAME * n for n in range(first, 100)]
    assert (samples[0].decode_time, samples[-1].end) == (GRID.cuts[1], GRID.cuts[2])


async def test_a_picture_that_begins_later_than_the_film_is_no_gap(tmp_path: Path, init: bytes) -> None:
    first = Span(first=0, last=0)
    await cut_video(pipe(stream_of(init, frames(20, 50))), target(tmp_path, GRID, first))
    assert samples_of(tmp_path / "00000.m4s")[0].time == FRAME * 20


async def test_a_frame_half_a_frame_early_begins_its_segment_where_the_rate_was_sampled(
    tmp_path: Path, init: bytes
) -> None:
    early = [dataclasses.replace(sample, time=sample.time - 200) for sample in frames(50, 100)]
    late = [dataclasses.replace(sample, time=sample.time + 200) for sample in frames(100, 150)]
    span = Span(first=1, last=2)
    await cut_video(pipe(stream_of(init, early, late)), target(tmp_path, GRID, span, tolerance_ticks=256))
    assert [len(samples_of(tmp_path / name)) for name in SEGMENT_NAMES[1:]] == [50, 50]


async def test_several_fragments_make_one_segment(tmp_path: Path, init: bytes) -> None:
    stream = stream_of(init, frames(50, 60), frames(60, 61), frames(61, 100))
    await cut_video(pipe(stream), target(tmp_path, GRID, MIDDLE))
    assert [sample.sync for sample in samples_of(tmp_path / "00001.m4s")].count(True) == 3


async def test_ticks_too_coarse_for_the_frames_are_refused(tmp_path: Path, init: bytes) -> None:
    grid = Grid(12_800, (0, 1))
    with pytest.raises(OutputRefused, match="Segment 0 cannot be timed"):
        await cut_video(pipe(stream_of(init, frames(0, 2))), target(tmp_path, grid, Span(first=0, last=0)))


async def test_another_encoder_s_headers_are_refused(tmp_path: Path, pictures: bytes) -> None:
    await cut_video(pipe(pictures), target(tmp_path, GRID))
    (tmp_path / SEGMENT_NAMES[1]).unlink()
    video = dataclasses.replace(FILM.video or make_video(), rungs=(make_rung(width=64, height=48, level="4.0"),))
    foreign = encoded(dataclasses.replace(FILM, video=video), PICTURES)
    with pytest.raises(OutputRefused, match="other headers"):
        await cut_video(pipe(foreign), target(tmp_path, GRID))
    assert names(tmp_path) == ["00000.m4s", "00002.m4s", "init.mp4"]


@pytest.mark.parametrize(
    ("cut", "rendition"), [pytest.param(cut_video, PICTURES, id="pictures"), pytest.param(cut_audio, SOUND, id="sound")]
)
async def test_a_full_disk_is_told_and_leaves_no_half_file(
    tmp_path: Path, cut: Callable[..., Awaitable[None]], rendition: str
) -> None:
    stream = encoded(FILM, rendition)
    with full_disk(after_bytes=2000), pytest.raises(OSError, match="File too large"):
        await cut(pipe(stream), target(tmp_path, FILM.grid(rendition)))
    assert names(tmp_path) == ["init.mp4"]
    await cut(pipe(stream), target(tmp_path, FILM.grid(rendition)))
    assert names(tmp_path) == [*SEGMENT_NAMES, "init.mp4"]


@contextmanager
def full_disk(*, after_bytes: int) -> Iterator[None]:
    """Every write beyond so many bytes of a file fails half-way, as on a full disk, for any user on any system."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
