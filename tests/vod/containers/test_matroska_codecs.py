"""Sample entries are held against those that ffmpeg's MP4 muxer writes for the same streams."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.clips import clips_folder, make
from tests.vod.containers.demuxed import streams
from tests.vod.containers.matroska_clips import matroska_clip, raw_sound
from tests.vod.containers.matroska_files import SoundFilm, ac3_frames, element
from vod.containers import boxes
from vod.containers.aac import make_configuration, read_configuration
from vod.containers.dolby import read_ac3, read_eac3
from vod.containers.matroska import read_matroska
from vod.containers.matroska_codecs import audio_track, video_track
from vod.containers.samples import NotCopyable

CODEC_PRIVATE = 0x63A2
STSD = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")


@pytest.mark.parametrize(("name", "kind", "box"), [("b-frames", b"avc1", b"avcC"), ("hevc", b"hvc1", b"hvcC")])
def test_the_decoders_configuration_is_the_one_that_ffmpeg_writes(name: str, kind: bytes, box: bytes) -> None:
    track = video_track(read_matroska(matroska_clip(name)), 0)
    assert track.codec.encode() == kind
    assert in_entry(track.sample_entry, box) == in_mp4(matroska_clip(name), 0, kind, box)


@pytest.mark.parametrize(("stream", "kind", "box"), [(2, b"ac-3", b"dac3"), (3, b"ec-3", b"dec3")])
def test_dolby_sound_is_described_as_ffmpeg_does(stream: int, kind: bytes, box: bytes) -> None:
    path = matroska_clip("b-frames")
    track = audio_track(path, read_matroska(path), stream).track
    assert (track.codec.encode(), track.sample_rate, track.channels) == (kind, 48_000, 1)
    assert in_entry(track.sample_entry, box) == in_mp4(path, stream, kind, box)


@pytest.mark.parametrize("layout", ["mono", "stereo", "2.1", "quad", "5.0", "5.1"])
@pytest.mark.parametrize("codec", ["ac3", "eac3"])
def test_channels_and_rates_of_dolby_sound_are_those_ffprobe_tells(codec: str, layout: str) -> None:
    path = clips_folder() / f"{codec}-{layout}.mkv"
    sound = ("-f", "lavfi", "-i", "sine=sample_rate=44100:duration=1")
    make(*sound, "-af", f"aformat=channel_layouts={layout}", "-c:a", codec, "-b:a", "320k", str(path))
    track = audio_track(path, read_matroska(path), 0).track
    (told,) = streams(path)
    assert (track.channels, track.sample_rate) == (told["channels"], int(told["sample_rate"]))


def test_the_shape_and_colour_of_pixels_are_kept() -> None:
    track = video_track(read_matroska(matroska_clip("anamorphic")), 0)
    assert in_entry(track.sample_entry, b"pasp") == (64).to_bytes(4) + (45).to_bytes(4)
    assert in_entry(track.sample_entry, b"colr") == b"nclx" + bytes((0, 1, 0, 2, 0, 1, 0))


def test_aac_is_described_by_its_own_configuration() -> None:
    path = matroska_clip("vfr")
    track = audio_track(path, read_matroska(path), 1).track
    assert (track.codec, track.sample_rate, track.timescale, track.channels) == ("mp4a", 44_100, 44_100, 1)
    assert read_matroska(path).entry(1).codec_private in in_entry(track.sample_entry, b"esds")


@pytest.mark.parametrize("rate", [48_000, 44_100, 24_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_configuration_that_was_made_up_tells_rate_and_channels(rate: int, channels: int) -> None:
    configuration = read_configuration(make_configuration(rate, channels, sbr=False))
    assert (configuration.sample_rate, configuration.channels) == (rate, channels)


def test_old_files_tell_aac_by_the_codec_id_alone(tmp_path: Path) -> None:
    times = [1024 * number // 48 for number in range(100)]
    path = replace(sound_film(), codec_id=b"A_AAC/MPEG4/LC", times=times).write(tmp_path / "old.mkv")
    track = audio_track(path, read_matroska(path), 0).track
    assert make_configuration(48_000, 1, sbr=False) in in_entry(track.sample_entry, b"esds")


def test_he_aac_is_counted_in_samples_of_its_core() -> None:
    explicit = bytes.fromhex("2b11880800")  # AOT 5, core 24 kHz, extension 48 kHz, AOT 2
    assert read_configuration(explicit).sample_rate == 24_000
    assert read_configuration(make_configuration(24_000, 2, sbr=True)).sample_rate == 24_000


@pytest.mark.parametrize(
    "configuration",
    [
        pytest.param(b"", id="none"),
        pytest.param(b"\x11", id="cut off"),
        pytest.param(bytes((1 << 3 | 1, 0x90)), id="AAC Main"),
        pytest.param(bytes((2 << 3 | 1, 0x80)), id="channels in the stream"),
        pytest.param(bytes((2 << 3 | 1, 0x94)), id="frames of 960"),
        pytest.param(bytes((2 << 3 | 7, 0x90)), id="a reserved rate"),
        pytest.param(bytes((0x11, 0x90)) + bytes(100), id="far too long"),
    ],
)
def test_unusual_aac_is_refused(tmp_path: Path, configuration: bytes) -> None:
    fields = element(CODEC_PRIVATE, configuration)
    path = replace(sound_film(), codec_id=b"A_AAC", track_fields=fields).write(tmp_path / "film.mkv")
    film = read_matroska(path)
    with pytest.raises(NotCopyable, match=r"AAC|cut off"):
        audio_track(path, film, 0)


def test_other_codecs_are_refused() -> None:
    with pytest.raises(NotCopyable, match=r"neither H\.264 nor HEVC"):
        video_track(read_matroska(matroska_clip("vp9")), 0)
    film = read_matroska(matroska_clip("b-frames"))
    with pytest.raises(NotCopyable, match="no video"):
        video_track(film, 1)
    with pytest.raises(NotCopyable, match="no sound"):
        audio_track(matroska_clip("b-frames"), film, 0)
    with pytest.raises(NotCopyable, match="no track"):
        audio_track(matroska_clip("b-frames"), film, 9)


def test_several_dolby_frames_in_one_packet_are_refused(tmp_path: Path) -> None:
    frames = sound_film().frames
    pairs = [frames[number] + frames[number + 1] for number in range(0, 100, 2)]
    path = replace(sound_film(), frames=pairs, times=[64 * n for n in range(50)]).write(tmp_path / "film.mkv")
    film = read_matroska(path)
    with pytest.raises(NotCopyable, match="one frame a packet"):
        audio_track(path, film, 0)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(bytes(8), id="no sync word"),
        pytest.param(b"\x0b\x77\0\0", id="cut off"),
        pytest.param(b"\x0b\x77\0\0\xc0\x40\x40\0", id="a reserved rate"),
        pytest.param(b"\x0b\x77\0\0\x26\x40\x40\0", id="a reserved size"),
        pytest.param(b"\x0b\x77\0\0\x14\x50\x40\0", id="a half rate"),
    ],
)
def test_unusual_ac3_is_refused(header: bytes) -> None:
    with pytest.raises(ValueError, match=r"sync frame|cut off|unusual"):
        read_ac3(header)


def test_a_dependent_substream_is_refused() -> None:
    header = bytearray(raw_sound("eac3")[:8])
    header[2] |= 0x40
    with pytest.raises(NotCopyable, match="unusual"):
        read_eac3(bytes(header))


def sound_film() -> SoundFilm:
    frames = ac3_frames(raw_sound("ac3"))[:100]
    return SoundFilm(frames=frames, times=[32 * number for number in range(100)])


def in_mp4(path: Path, stream: int, kind: bytes, box: bytes) -> bytes:
    """The configuration that ffmpeg's muxer makes of the stream."""
    copy = clips_folder() / f"{path.stem}-{stream}.mp4"
    # hvc1: the parameter sets belong to the configuration alone
    tag = ("-tag:v", "hvc1") if kind == b"hvc1" else ()
    make("-i", str(path), "-map", f"0:{stream}", "-c", "copy", *tag, str(copy))
    content = copy.read_bytes()
    return boxes.body(content, boxes.require(content, *STSD, kind, box))


def in_entry(entry: bytes, box: bytes) -> bytes:
    return boxes.body(entry, boxes.require(entry, entry[4:8], box))
