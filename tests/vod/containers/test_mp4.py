"""Where every sample lies and when it is shown: what ffprobe says, from the tables alone."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.vod.containers.packets import Packet, keyframes, packets
from tests.vod.ffmpeg.corpus import MEDIA, good, manifest
from tests.vod.hls.copied import BASE, ENCODED, MUXED, original
from vod.containers.mp4 import read_tracks
from vod.containers.samples import IndexedTrack, NotCopyable

MADE = [name for name in (*ENCODED, *MUXED) if name != "trimmed.mp4"]
REFUSED = {"mp4_malformed_free.mp4"}
CORPUS = sorted(
    name
    for name, row in manifest().items()
    if row["container"] == "mov/mp4" and good(row) and name not in REFUSED and (MEDIA / name).stat().st_size < 3 << 20
)


def assert_like_ffprobe(path: Path) -> None:
    told, keys = packets(path), keyframes(path)
    readable = [one for one in read_tracks(path) if one.samples]
    assert readable
    for one in readable:
        assert columns(one) == told[one.track.index]
        assert list(one.require().keyframes) == keys[one.track.index]


def columns(one: IndexedTrack) -> list[Packet]:
    samples = one.require()
    return list(
        map(Packet, samples.times, samples.decode_times, samples.sizes, samples.offsets),
    )


@pytest.mark.parametrize("name", MADE)
def test_every_sample_is_where_and_when_ffprobe_sees_it(name: str) -> None:
    assert_like_ffprobe(original(name))


@pytest.mark.parametrize("name", CORPUS)
def test_other_people_s_files_are_read_as_ffprobe_reads_them(name: str) -> None:
    assert_like_ffprobe(MEDIA / name)


def test_tracks_tell_their_codec_and_clock() -> None:
    picture, sound = (one.track for one in read_tracks(original("hev1.mp4")))
    assert (picture.index, picture.kind, picture.codec, picture.timescale) == (0, "video", "hev1", 12_800)
    assert (sound.index, sound.kind, sound.codec, sound.timescale) == (1, "audio", "mp4a", 48_000)
    assert (sound.sample_rate, sound.channels) == (48_000, 2)
    assert picture.sample_entry[4:8] == b"hev1"


def test_the_last_sample_shown_ends_where_the_track_does() -> None:
    picture, sound = read_tracks(original(BASE))
    assert picture.require().end == 14 * picture.track.timescale
    assert sound.require().end == 14 * sound.track.timescale


@pytest.mark.parametrize("samples", [64, 2112])
def test_sound_whose_edit_begins_inside_a_packet_is_timed_as_ffprobe_times_it(samples: int, tmp_path: Path) -> None:
    content = bytearray(original(BASE).read_bytes())
    start = content.rindex(b"elst") + 16  # the sound's, behind its duration
    content[start : start + 4] = struct.pack(">I", samples)
    path = tmp_path / "itunes.mp4"
    path.write_bytes(content)
    _, sound = read_tracks(path)
    assert columns(sound) == packets(path)[1]


def test_an_edit_that_begins_inside_a_group_of_pictures_is_refused_for_the_pictures_alone() -> None:
    picture, sound = read_tracks(original("trimmed.mp4"))
    assert "group of pictures" in picture.refusal
    assert columns(sound) == packets(original("trimmed.mp4"))[1]


def patched(tmp_path: Path, *changes: tuple[bytes, bytes], name: str = BASE) -> Path:
    content = original(name).read_bytes()
    for old, new in changes:
        assert old in content
        content = content.replace(old, new, 1)
    path = tmp_path / "patched.mp4"
    path.write_bytes(content)
    return path


def following(name: bytes, count: int) -> bytes:
    """A box name in the base film with `count` bytes after it."""
    content = original(BASE).read_bytes()
    at = content.index(name)
    return content[at : at + 4 + count]


STSD, STTS, STSZ, STSC, STCO, STSS, CTTS, ELST, MDHD = (
    following(name, count)
    for name, count in (
        (b"stsd", 8),
        (b"stts", 16),
        (b"stsz", 12),
        (b"stsc", 20),
        (b"stco", 12),
        (b"stss", 16),
        (b"ctts", 8),
        (b"elst", 8),
        (b"mdhd", 24),
    )
)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        pytest.param(STSD, STSD[:-1] + b"\2", "2 sample descriptions", id="two descriptions"),
        pytest.param(b"avc1" + bytes(6), b"encv" + bytes(6), "encrypted", id="encrypted"),
        pytest.param(b"url \0\0\0\1", b"url \0\0\0\0", "another file", id="media elsewhere"),
        pytest.param(STTS, STTS[:-8] + b"\xff" * 4 + STTS[-4:], "count different", id="billions of durations"),
        pytest.param(STSZ, STSZ[:8] + b"\0\0\0\1" + b"\xff" * 4, "too many", id="billions of equal samples"),
        pytest.param(STSZ, STSZ[:-4] + b"\xff" * 4, "too many", id="billions of sizes"),
        pytest.param(STSC, STSC[:-8] + b"\xff" * 4 + STSC[-4:], "count different", id="billions in a chunk"),
        pytest.param(STSC, STSC[:-4] + b"\0\0\0\2", "change their description", id="a second description"),
        pytest.param(STSC, STSC[:12] + b"\0\0\0\2" + STSC[16:], "does not describe", id="no first chunk"),
        pytest.param(STCO, STCO[:-4] + b"\xff" * 4, "outside the file", id="a chunk behind the end"),
        pytest.param(STSS, STSS[:-8] + b"\0\0\0\0" + STSS[-4:], "outside the track", id="keyframe 0"),
        pytest.param(STSS, STSS[:-8] + b"\xff" * 8, "do not rise", id="a keyframe twice"),
        pytest.param(CTTS, CTTS[:-4] + b"\0\0\0\1", "count different", id="too few offsets"),
        pytest.param(ELST, ELST[:-4] + b"\0\0\0\x09", "9 entries", id="many edits"),
        pytest.param(MDHD, MDHD[:16] + bytes(4) + MDHD[20:], "timescale is 0", id="no clock"),
        pytest.param(b"stbl", b"free", "no stbl box", id="no tables"),
    ],
)
def test_nonsense_is_a_reason_not_to_copy(old: bytes, new: bytes, reason: str, tmp_path: Path) -> None:
    picture, sound = read_tracks(patched(tmp_path, (old, new)))
    assert reason in picture.refusal
    with pytest.raises(NotCopyable, match=reason):
        picture.require()
    assert sound.samples or old.startswith(b"url")


def test_a_movie_that_announces_fragments_and_has_none_is_read(tmp_path: Path) -> None:
    path = patched(tmp_path, (b"udta", b"mvex"))
    assert [columns(one) for one in read_tracks(path)] == [columns(one) for one in read_tracks(original(BASE))]


def test_compact_sizes_are_read(tmp_path: Path) -> None:
    stsz = following(b"stsz", 12 + 4 * 350)
    sizes = struct.unpack(">350I", stsz[16:])
    compact = b"stz2" + bytes(7) + b"\x10" + stsz[12:16] + struct.pack(">350H", *sizes)
    picture, _ = read_tracks(patched(tmp_path, (stsz, compact.ljust(len(stsz), b"\0"))))
    assert list(picture.require().sizes) == list(sizes)


@pytest.mark.parametrize("content", [b"", b"text", b"\0" * 64, b"\0\0\0\1mdat" + b"\xff" * 8])
def test_what_is_no_film_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "no-film.mp4"
    path.write_bytes(content)
    with pytest.raises(NotCopyable):
        read_tracks(path)


def test_a_huge_moov_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    with path.open("wb") as file:
        file.write(struct.pack(">I4sQ", 1, b"moov", 1 << 31))
        file.truncate(1 << 31)
    with pytest.raises(NotCopyable, match="moov has 2147483648 bytes"):
        read_tracks(path)


def test_a_file_behind_four_gigabytes_of_media_is_read(tmp_path: Path) -> None:
    content = original(BASE).read_bytes()
    moov = content.index(b"moov") - 4
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.write(content[:moov] + struct.pack(">I4sQ", 1, b"free", (5 << 30) - moov))
        file.seek(5 << 30)
        file.write(content[moov:])
    assert columns(read_tracks(path)[0]) == columns(read_tracks(original(BASE))[0])
