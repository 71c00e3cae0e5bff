from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.captions import captioned
from tests.clips import clip, decoded_times, make
from tests.vod.ffmpeg.answers import ticks_of, video_of
from vod.errors import SourceError
from vod.ffmpeg.header import ChapterHeader
from vod.ffmpeg.probe import film_chapters, probe
from vod.ffmpeg.process import Launcher
from vod.ffmpeg.source import Chapter

HOUSEHOLD = [
    *(
        "dv.avi",
        "phone.3gp",
        "camera.mov",
        "old.avi",
        "old.mov",
        "broadcast.mxf",
        "speech.ogg",
        "disc.mkv",
        "opus.webm",
    ),
    *("b-frames.avi", "h264-b-frames.avi", "hevc.mp4", "h264.ts", "surround.mkv"),
]


@pytest.mark.parametrize("name", HOUSEHOLD)
async def test_household_formats_are_taken_frame_by_frame(name: str, launcher: Launcher) -> None:
    source = await probe(launcher, clip(name))
    if source.video is not None:
        assert ticks_of(source) == decoded_times(clip(name))
    assert Fraction(39, 10) < source.duration_seconds < Fraction(42, 10)


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        pytest.param("h264-25.mp4", Fraction(25), id="25 in MP4"),
        pytest.param("h264-23.976.mp4", Fraction(24000, 1001), id="film in MP4"),
        pytest.param("h264.mkv", Fraction(25), id="25 in milliseconds"),
        pytest.param("ntsc.mkv", Fraction(30000, 1001), id="NTSC in milliseconds"),
        pytest.param("h264.ts", Fraction(25), id="25 in MPEG-TS"),
        pytest.param("vfr.mkv", None, id="variable"),
    ],
)
async def test_the_frame_rate_is_exact_or_none(name: str, rate: Fraction | None, launcher: Launcher) -> None:
    times = (await probe(launcher, clip(name))).frame_times
    assert times is not None
    assert times.frame_duration == (1 / rate if rate else None)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        pytest.param("said.mp4", "h264", id="H.264 in MP4"),
        pytest.param("said.mkv", "h264", id="H.264 in Matroska"),
        pytest.param("said.ts", "h264", id="H.264 in MPEG-TS"),
        pytest.param("said-2.ts", "mpeg2video", id="MPEG-2"),
    ],
)
async def test_closed_captions_are_noticed(name: str, codec: str, launcher: Launcher) -> None:
    """Even where nobody has said anything yet."""
    film = captioned(name, [(3, 3.5, "Hello")], codec=codec, seconds=4)
    assert video_of(await probe(launcher, film)).captions


async def test_captions_that_begin_late_are_not_looked_for(launcher: Launcher) -> None:
    """Players find them nevertheless: no playlist says that there are none."""
    film = captioned("late.mp4", [(5, 6, "Hello")], since=4)
    assert not video_of(await probe(launcher, film)).captions


async def test_where_nothing_is_among_the_pictures_there_are_no_captions(launcher: Launcher) -> None:
    assert not video_of(await probe(launcher, clip("h264-25.mp4"))).captions


async def test_a_turned_track_is_turned_clockwise(launcher: Launcher) -> None:
    assert video_of(await probe(launcher, clip("rotated.mp4"))).rotation == 90
    assert video_of(await probe(launcher, clip("interlaced.mp4"))).interlaced


async def test_sound_that_cannot_be_decoded_is_left_out_with_a_note(launcher: Launcher, tmp_path: Path) -> None:
    """Its packets are there, their bytes are noise."""
    noise = tmp_path / "noise.mkv"
    # drop=0: keep every packet, amount=1: change every byte
    make("-i", str(clip("surround.mkv")), "-map", "0", "-c", "copy", "-bsf:a", "noise=amount=1", str(noise))
    source = await probe(launcher, noise)
    assert (source.audio, source.notes) == ((), ("Audio stream 1 cannot be decoded and was left out.",))


async def test_sound_that_comes_far_behind_in_the_file_is_heard(launcher: Launcher, tmp_path: Path) -> None:
    """Four languages, a second of each at a time: the first look does not reach the last of them."""
    film = tmp_path / "four.mp4"
    tracks = [word for _ in range(4) for word in ("-map", "1")]
    picture = ("-f", "lavfi", "-i", "testsrc2=size=64x36:rate=25:duration=4")
    sound = ("-f", "lavfi", "-i", "sine=sample_rate=48000:duration=4")
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
    coarse = ("-frag_duration", "1000000", "-movflags", "+empty_moov+default_base_moof")
    make(*picture, *sound, "-map", "0", *tracks, *coding, *coarse, str(film))
    source = await probe(launcher, film)
    assert ([stream.index for stream in source.audio], source.notes) == ([1, 2, 3, 4], ())


async def test_a_cover_is_not_a_film(launcher: Launcher, tmp_path: Path) -> None:
    cover, song = tmp_path / "cover.png", tmp_path / "song.mp3"
    make("-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", str(cover))
    make("-i", str(clip("audio-only.m4a")), "-i", str(cover), "-map", "0", "-map", "1", "-c:v", "copy", str(song))
    source = await probe(launcher, song)
    assert source.video is None
    assert len(source.audio) == 1


@pytest.mark.parametrize(
    ("keep", "sentence"),
    [
        pytest.param(0, "The file is empty.", id="nothing"),
        pytest.param(
            2000, "Its index is missing or damaged; the upload may have been cut short.", id="the first bytes"
        ),
    ],
)
async def test_a_cut_upload_is_refused(keep: int, sentence: str, launcher: Launcher, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip("h264-25.mp4").read_bytes()[:keep])
    with pytest.raises(SourceError) as refusal:
        await probe(launcher, cut)
    assert refusal.value.detail == sentence


async def test_a_folder_is_refused(launcher: Launcher, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"This is not a file\."):
        await probe(launcher, tmp_path)


async def test_a_picture_over_the_limit_is_refused(launcher: Launcher, tmp_path: Path) -> None:
    huge = tmp_path / "huge.mkv"
    make("-f", "lavfi", "-i", "color=s=8192x4400:r=1:d=1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", str(huge))
    with pytest.raises(SourceError, match=r"The picture is too large\."):
        await probe(launcher, huge)


async def test_a_clock_that_starts_over_is_refused(launcher: Launcher, tmp_path: Path) -> None:
    joined, late = tmp_path / "joined.ts", tmp_path / "late.ts"
    make("-i", str(clip("h264.ts")), "-c", "copy", "-output_ts_offset", "30", str(late))
    joined.write_bytes(late.read_bytes() + clip("h264.ts").read_bytes())
    with pytest.raises(SourceError, match="starts over in the middle"):
        await probe(launcher, joined)


async def test_a_recording_that_starts_inside_a_picture_group_starts_with_its_first_picture(
    launcher: Launcher, tmp_path: Path
) -> None:
    whole = clip("h264.ts").read_bytes()
    middle = len(whole) // 3 // 188 * 188
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole[:564] + whole[middle:])
    source = await probe(launcher, cut)
    assert ticks_of(source) == decoded_times(cut, video_of(source).index)


def test_chapters_count_from_time_zero_and_stay_inside() -> None:
    def told(start: int, end: int) -> ChapterHeader:
        return ChapterHeader(start_time=start, end_time=end, tags={"title": f"{start}"})

    chapters = [told(5, 12), told(12, 20), told(20, 99), told(99, 120), told(14, 13)]
    assert film_chapters(chapters, Fraction(10), Fraction(30)) == tuple(
        Chapter(start_seconds=Fraction(start), end_seconds=Fraction(end), title=title)
        for start, end, title in [(0, 2, "5"), (2, 10, "12"), (10, 20, "20")]
    )
