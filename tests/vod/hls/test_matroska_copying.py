"""Segments of Matroska films, each made alone and in any order: the original's own frames at its own times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.clips import clips_folder, make
from tests.vod.containers.matroska_clips import matroska_clip, raw_sound
from tests.vod.containers.matroska_files import EBML, SoundFilm, ac3_frames
from tests.vod.hls.copied import Copied, Frame, fetched, frames, write_copy
from tests.vod.hls.test_virtual import assert_same, moved
from vod.containers.matroska import read_matroska
from vod.containers.matroska_codecs import audio_track, video_track
from vod.containers.matroska_outline import outline_tracks
from vod.containers.samples import IndexedTrack, NotCopyable
from vod.hls.copying import Clock, cuts_from_keyframes, cuts_from_packets, refuse_uncopyable
from vod.hls.index_writing import encode
from vod.hls.init_section import copied_init_section
from vod.hls.matroska_copying import audio_segment, check_pictures, video_segment

SEGMENT_SECONDS = Fraction(2)


@pytest.mark.parametrize("name", ["b-frames", "vfr", "late", "cues-in-front", "many-clusters", "hevc", "anamorphic"])
def test_every_picture_is_the_original_s_at_its_time(name: str, tmp_path: Path) -> None:
    path = matroska_clip(name)
    copied = copy_pictures(path)
    assert len(copied.segments) >= 2
    copy = write_copy(path, copied, tmp_path / "copy.mp4")
    assert_same(frames(copy, "v"), moved(frames(path, "v"), start_of(path)), copied)


@pytest.mark.parametrize(
    ("name", "stream"), [("b-frames", 1), ("b-frames", 2), ("b-frames", 3), ("vfr", 1), ("late", 1)]
)
def test_every_packet_of_sound_is_the_original_s_within_the_containers_rounding(
    name: str, stream: int, tmp_path: Path
) -> None:
    path = matroska_clip(name)
    copied = copy_sound(path, stream)
    copy = write_copy(path, copied, tmp_path / "copy.mp4")
    assert_heard(frames(copy, "a", "-c", "copy"), moved(packets_of(path, stream), start_of(path)))


def test_laced_sound_is_handed_on_too(tmp_path: Path) -> None:
    packets = ac3_frames(raw_sound("ac3"))
    times = [32 * number for number in range(len(packets))]
    film = SoundFilm(frames=packets, times=times, lacing=EBML, frames_a_block=5)
    path = film.write(tmp_path / "laced.mkv")
    copied = copy_sound(path, 0)
    assert all(len(segment.offsets) < 20 for segment in copied.segments)  # a stretch a block, not a packet
    copy = write_copy(path, copied, tmp_path / "copy.mp4")
    assert_heard(frames(copy, "a", "-c", "copy"), packets_of(path, 0))


def test_every_segment_can_be_decoded_alone(tmp_path: Path) -> None:
    path = matroska_clip("b-frames")
    copied = copy_pictures(path)
    found = []
    for number, segment in enumerate(copied.segments):
        target = tmp_path / f"{number}.mp4"
        target.write_bytes(copied.init + fetched(path, segment))
        found += frames(target, "v")
    assert_same(found, moved(frames(path, "v"), start_of(path)), copied)


def test_segments_are_the_same_whoever_makes_them_in_whatever_order() -> None:
    path = matroska_clip("vfr")
    assert copy_sound(path, 1).segments == copy_sound(path, 1, backwards=True).segments
    assert copy_pictures(path).segments == copy_pictures(path, backwards=True).segments


def test_a_segment_fits_an_index_of_its_own() -> None:
    path = matroska_clip("b-frames")
    (segment, *_) = copy_pictures(path).segments
    assert len(encode([segment], path.stat().st_size)) < 6000


def test_leading_pictures_are_refused() -> None:
    path = matroska_clip("open-gop")
    film = read_matroska(path)
    with pytest.raises(NotCopyable, match="outside its segment"):
        check_pictures(path, film, video_track(film, 0))


def test_keyframes_that_no_decoder_can_start_at_are_refused() -> None:
    path = clips_folder() / "matroska-refresh.mkv"
    refresh = ("-c:v", "libx264", "-x264-params", "intra-refresh=1:keyint=20:bframes=0")
    make("-f", "lavfi", "-i", "testsrc2=size=192x108:duration=3", *refresh, str(path))
    film = read_matroska(path)
    assert len(film.cues) == 4  # recovery points count as keyframes
    with pytest.raises(NotCopyable, match="start at"):
        check_pictures(path, film, video_track(film, 0))


def test_what_is_no_track_of_use_keeps_its_place_and_its_reason() -> None:
    path = clips_folder() / "matroska-mixed.mkv"
    inputs = ("-i", str(matroska_clip("vp9")), "-i", str(matroska_clip("b-frames")))
    make(*inputs, "-map", "0:v", "-map", "1:a:1", "-map", "1:v", "-c", "copy", str(path))
    tracks = outline_tracks(path, read_matroska(path))
    assert [one.track.index for one in tracks] == [0, 1, 2]
    assert [one.refusal for one in tracks] == [
        "the video is neither H.264 nor HEVC",
        "",
        "no cues lead to this video track",
    ]


def copy_pictures(path: Path, *, backwards: bool = False) -> Copied:
    film = read_matroska(path)
    one = outline_tracks(path, film)[0]
    track, samples = one.track, one.require()
    refuse_uncopyable(track, samples)
    check_pictures(path, film, track)
    clock = Clock.of_pictures(track.timescale, start_of(path))
    cuts = cuts_from_keyframes(samples, clock, SEGMENT_SECONDS, clock.from_source(samples.end))
    numbers = order(len(cuts) - 1, backwards=backwards)
    made = {number: video_segment(path, film, track, clock, cuts, number) for number in numbers}
    init = copied_init_section(track, clock.timescale, cuts[-1])
    return Copied(init, [made[number] for number in sorted(made)], cuts, clock)


def copy_sound(path: Path, index: int, *, backwards: bool = False) -> Copied:
    film = read_matroska(path)
    one = outline_tracks(path, film)[index]
    refuse_uncopyable(one.track, one.require())
    audio = audio_track(path, film, index)
    clock = Clock.of_sound(one.track.timescale, start_of(path))
    end = Fraction(clock.from_source(one.require().end), clock.timescale)
    boundaries = [SEGMENT_SECONDS * k for k in range(int(end / SEGMENT_SECONDS) + 1)] + [end]
    cuts = cuts_from_packets(one.require(), clock, boundaries)
    numbers = order(len(cuts) - 1, backwards=backwards)
    made = {number: audio_segment(path, film, audio, clock, cuts, number) for number in numbers}
    init = copied_init_section(one.track, clock.timescale, cuts[-1])
    return Copied(init, [made[number] for number in sorted(made)], cuts, clock)


def order(count: int, *, backwards: bool) -> list[int]:
    return sorted(range(count), reverse=backwards)


def start_of(path: Path) -> Fraction:
    """Time 0 of the film: when the earliest track begins."""
    return min(_start(one) for one in outline_tracks(path, read_matroska(path)) if one.samples)


def _start(one: IndexedTrack) -> Fraction:
    return Fraction(max(one.require().times[0], 0), one.track.timescale)


def packets_of(path: Path, stream: int) -> list[Frame]:
    return frames(path, str(stream), "-c", "copy")


def assert_heard(found: list[Frame], expected: list[Frame]) -> None:
    """A millisecond of the container's rounding, and half a packet that the first one may be moved by."""
    assert [frame.digest for frame in found] == [frame.digest for frame in expected]
    assert found[0].seconds == 0
    errors = [abs(one.seconds - other.seconds) for one, other in zip(found[1:], expected[1:], strict=True)]
    assert max(errors) <= Fraction(1, 1000)
