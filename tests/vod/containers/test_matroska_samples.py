from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.vod.containers.demuxed import Packet, packets, read_packets
from tests.vod.containers.matroska_clips import matroska_clip, raw_sound
from tests.vod.containers.matroska_files import EBML, FIXED, XIPH, SoundFilm, ac3_frames, element
from vod.containers.matroska import MatroskaFile, read_matroska
from vod.containers.matroska_codecs import audio_track, video_track
from vod.containers.matroska_samples import AudioTrack, read_audio_samples, read_video_samples
from vod.containers.samples import NotCopyable, Samples

AC3_TICKS = 32  # a frame at 48 kHz, exactly
CODEC_DELAY = 0x56AA


@pytest.mark.parametrize("name", ["b-frames", "vfr", "late", "cues-in-front", "many-clusters", "hevc"])
def test_every_picture_is_found_once_where_and_when_ffmpeg_finds_it(name: str) -> None:
    path = matroska_clip(name)
    film = read_matroska(path)
    assert len(film.cues) >= 3
    assert read_all(path, video_segments(path, film)) == packets(path)[0]


@pytest.mark.parametrize(
    ("name", "stream"), [("b-frames", 1), ("b-frames", 2), ("b-frames", 3), ("vfr", 1), ("late", 1)]
)
def test_every_packet_of_sound_is_found_once_within_the_containers_rounding(name: str, stream: int) -> None:
    path = matroska_clip(name)
    film = read_matroska(path)
    audio = audio_track(path, film, stream)
    compare_sound(path, audio, audio_segments(path, film, audio), film.timescale)


def test_segments_of_sound_made_alone_and_backwards_continue_each_other_exactly() -> None:
    path = matroska_clip("vfr")  # at 44.1 kHz no packet but the first starts on a tick
    film = read_matroska(path)
    audio = audio_track(path, film, 1)
    segments = list(reversed(audio_segments(path, film, audio, backwards=True)))
    assert segments[0].times[0] == 0
    for earlier, later in itertools.pairwise(segments):
        assert earlier.end == later.times[0]
    for segment in segments:
        assert {b - a for a, b in itertools.pairwise([*segment.times, segment.end])} == {1024}


def test_segments_of_video_continue_each_other_and_begin_with_a_keyframe() -> None:
    path = matroska_clip("b-frames")
    segments = video_segments(path, read_matroska(path))
    for earlier, later in itertools.pairwise(segments):
        assert earlier.end == later.times[0]
    assert all(segment.keyframes[0] == 0 and segment.times[0] == min(segment.times) for segment in segments)
    assert segments[-1].end == max(segments[-1].times) + 40


def test_a_segment_may_span_several_cues() -> None:
    path = matroska_clip("b-frames")
    film = read_matroska(path)
    samples = read_video_samples(path, film, video_track(film, 0), film.cues.times[0], film.cues.times[3])
    assert list(samples.keyframes) == [0, 50, 100]
    assert len(samples) == 150


def test_decode_times_rise_and_nothing_is_decoded_after_it_is_shown() -> None:
    path = matroska_clip("b-frames")
    for samples in video_segments(path, read_matroska(path)):
        assert all(a < b for a, b in itertools.pairwise(samples.decode_times))
        assert all(decoded <= shown for decoded, shown in zip(samples.decode_times, samples.times, strict=True))


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param({}, id="one frame a block"),
        pytest.param({"lacing": XIPH, "frames_a_block": 5}, id="Xiph laces"),
        pytest.param({"lacing": EBML, "frames_a_block": 5}, id="EBML laces"),
        pytest.param({"lacing": FIXED, "frames_a_block": 5}, id="fixed laces"),
        pytest.param({"grouped": True}, id="block groups"),
        pytest.param({"grouped": True, "lacing": FIXED, "frames_a_block": 2}, id="laces in block groups"),
        pytest.param({"live": True}, id="unknown sizes"),
        pytest.param({"track_fields": element(CODEC_DELAY, 20_000_000)}, id="a codec delay"),
    ],
)
def test_blocks_of_every_shape_are_read_as_ffmpeg_reads_them(tmp_path: Path, shape: dict[str, object]) -> None:
    path = replace(sound_film(), **shape).write(tmp_path / "film.mkv")  # type: ignore[arg-type]
    film = read_matroska(path)
    audio = audio_track(path, film, 0)
    compare_sound(path, audio, audio_segments(path, film, audio), film.timescale)


def test_laces_of_changing_sizes_are_told_apart(tmp_path: Path) -> None:
    frames = [frame[: 384 - number] for number, frame in enumerate(sound_film().frames[:12])]
    for lacing in (XIPH, EBML):
        film = replace(sound_film(), frames=[sound_film().frames[0], *frames[1:]], lacing=lacing, frames_a_block=4)
        path = replace(film, times=film.times[:12]).write(tmp_path / f"{lacing}.mkv")
        parsed = read_matroska(path)
        samples = read_audio_samples(path, parsed, audio_track(path, parsed, 0), 0, 12)
        assert list(samples.sizes) == [384 - number for number in range(12)]


@pytest.mark.parametrize("number", [0, 40, 99])
def test_a_lone_packet_out_of_step_is_moved_back_onto_the_lattice(tmp_path: Path, number: int) -> None:
    times = sound_film().times
    strayed = [*times[:number], times[number] + 11, *times[number + 1 :]]
    path = replace(sound_film(), times=strayed).write(tmp_path / "film.mkv")
    film = read_matroska(path)
    audio = audio_track(path, film, 0)
    assert audio.lattice.packets == 100
    assert read_audio_samples(path, film, audio, number, number + 1).times[0] == number * 1536


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(lambda number: 1000 if number >= 20 else 0, id="a gap of a second"),
        pytest.param(lambda number: 8 if number >= 20 else 0, id="a gap of a quarter of a packet"),
        pytest.param(lambda number: number // 10, id="a clock that drifts"),
    ],
)
def test_sound_that_leaves_its_lattice_is_refused(tmp_path: Path, move: object) -> None:
    assert callable(move)
    times = [time + move(number) for number, time in enumerate(sound_film().times)]
    path = replace(sound_film(), times=times).write(tmp_path / "film.mkv")
    film = read_matroska(path)
    with pytest.raises(NotCopyable, match=r"gap|missing"):
        audio_segments(path, film, audio_track(path, film, 0))


def test_a_missing_packet_is_refused_in_its_own_segment_alone(tmp_path: Path) -> None:
    film = sound_film()
    holed = replace(film, frames=[*film.frames[:20], *film.frames[21:]], times=[*film.times[:20], *film.times[21:]])
    path = holed.write(tmp_path / "film.mkv")
    parsed = read_matroska(path)
    audio = audio_track(path, parsed, 0)
    with pytest.raises(NotCopyable, match="missing"):
        read_audio_samples(path, parsed, audio, 16, 24)
    assert len(read_audio_samples(path, parsed, audio, 24, 32)) == 8


def test_leading_pictures_of_an_open_gop_are_refused() -> None:
    path = matroska_clip("open-gop")
    film = read_matroska(path)
    with pytest.raises(NotCopyable, match="outside its segment"):
        video_segments(path, film)


def test_a_cut_that_is_no_cue_is_refused() -> None:
    path = matroska_clip("b-frames")
    film = read_matroska(path)
    with pytest.raises(NotCopyable, match="no cue"):
        read_video_samples(path, film, video_track(film, 0), film.cues.times[0] + 1, None)


def test_a_cue_that_lies_is_refused(tmp_path: Path) -> None:
    path = replace(sound_film(), cue_times={2: 500, 3: 777}).write(tmp_path / "film.mkv")
    film = read_matroska(path)
    track = audio_track(path, film, 0).track
    with pytest.raises(NotCopyable, match="keyframe"):
        read_video_samples(path, film, track, 777, film.cues.times[5])


def test_a_block_before_time_zero_is_refused_as_ffmpeg_has_no_time_for_it(tmp_path: Path) -> None:
    path = replace(sound_film(), times=[5, 0, *sound_film().times[2:]]).write(tmp_path / "film.mkv")
    content = path.read_bytes()
    cluster_time = content.index(element(0xE7, 5))
    path.write_bytes(content[:cluster_time] + element(0xE7, 0) + content[cluster_time + 17 :])
    film = read_matroska(path)
    with pytest.raises(NotCopyable, match="before the film"):
        audio_track(path, film, 0)


def test_a_film_that_changed_since_it_was_opened_is_refused(tmp_path: Path) -> None:
    path = sound_film().write(tmp_path / "film.mkv")
    film = read_matroska(path)
    audio = audio_track(path, film, 0)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(NotCopyable, match="changed"):
        read_audio_samples(path, film, audio, 0, 5)


def sound_film() -> SoundFilm:
    frames = ac3_frames(raw_sound("ac3"))[:100]
    return SoundFilm(frames=frames, times=[AC3_TICKS * number for number in range(100)])


def video_segments(path: Path, film: MatroskaFile) -> list[Samples]:
    track = video_track(film, 0)
    return [read_video_samples(path, film, track, *cut) for cut in itertools.pairwise([*film.cues.times, None])]  # type: ignore[arg-type]


def audio_segments(path: Path, film: MatroskaFile, audio: AudioTrack, *, backwards: bool = False) -> list[Samples]:
    """Cut at the packets nearest to the cues, each segment read for itself."""
    inner = [audio.lattice.nearest(Fraction(time, film.timescale)) for time in film.cues.times[1:]]
    cuts = sorted({0, *inner, audio.lattice.packets})
    runs = list(itertools.pairwise(cuts))
    return [read_audio_samples(path, film, audio, *run) for run in (reversed(runs) if backwards else runs)]


def read_all(path: Path, segments: list[Samples]) -> list[Packet]:
    return [packet for segment in segments for packet in read_packets(path, segment)]


def compare_sound(path: Path, audio: AudioTrack, segments: list[Samples], timescale: int) -> None:
    found, expected = read_all(path, segments), packets(path)[audio.track.index]
    assert [packet.digest for packet in found] == [packet.digest for packet in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert abs(Fraction(ours.pts, audio.track.timescale) - Fraction(theirs.pts, timescale)) <= Fraction(1, 1000)
