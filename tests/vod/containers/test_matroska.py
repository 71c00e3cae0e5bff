from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clips import clips_folder, make
from tests.vod.containers.demuxed import keyframe_times, streams
from tests.vod.containers.matroska_clips import matroska_clip, raw_sound
from tests.vod.containers.matroska_files import (
    CUE_CLUSTER,
    CUE_POINT,
    CUE_POSITIONS,
    CUE_TIME,
    CUE_TRACK,
    CUES,
    INFO,
    SEEK_ID,
    SOUND_TRACK,
    SoundFilm,
    ac3_frames,
    element,
    name,
)
from vod.containers.matroska import MatroskaFile, read_matroska
from vod.containers.matroska_blocks import MOST_ELEMENTS
from vod.containers.matroska_codecs import audio_track, video_track
from vod.containers.matroska_cues import MOST_CUES, parse_cues
from vod.containers.matroska_samples import read_audio_samples, read_video_samples
from vod.containers.samples import NotCopyable

KINDS = {"video": "video", "audio": "audio", "subtitle": "other"}
DAMAGES = 80


def test_tracks_stand_in_the_order_of_ffprobes_streams_and_attachments_behind_them() -> None:
    path = clips_folder() / "matroska-all-kinds.mkv"
    subtitles, font = clips_folder() / "a.srt", clips_folder() / "a.ttf"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    font.write_bytes(bytes(100))
    attachment = ("-attach", str(font), "-metadata:s:t", "mimetype=application/x-truetype-font")
    inputs = ("-i", str(matroska_clip("b-frames")), "-i", str(subtitles))
    make(*inputs, *("-map", "0:a:1", "-map", "1", "-map", "0:v", "-map", "0:a:0"), "-c", "copy", *attachment, str(path))
    entries = read_matroska(path).entries
    found = streams(path)
    assert [entry.kind for entry in entries] == [KINDS[one["codec_type"]] for one in found[:4]]
    assert found[4]["codec_type"] == "attachment"
    assert len(entries) == 4


@pytest.mark.parametrize("name", ["b-frames", "vfr", "late", "cues-in-front", "many-clusters", "hevc"])
def test_cues_are_the_keyframes_that_ffprobe_sees(name: str) -> None:
    film = read_matroska(matroska_clip(name))
    assert list(film.cues.times) == keyframe_times(matroska_clip(name), 0)
    assert film.timescale == 1000


def test_opening_and_a_segment_read_headers_and_cues_alone(tmp_path: Path) -> None:
    film = sound_film()
    frames = [film.frames[0], *[bytes(100_000)] * 399]
    path = replace(film, frames=frames, times=list(range(0, 32 * 400, 32))).write(tmp_path / "film.mkv")
    before = bytes_read()
    parsed = read_matroska(path)
    audio = audio_track(path, parsed, 0)
    assert len(read_audio_samples(path, parsed, audio, 190, 200)) == 10
    assert path.stat().st_size > 39_000_000
    assert bytes_read() - before < 2_000_000  # a window a block, of the first and last ones too


def test_the_clock_is_the_files_own(tmp_path: Path) -> None:
    film = replace(sound_film(), scale=100_000, times=[320 * number for number in range(100)])
    path = film.write(tmp_path / "film.mkv")
    parsed = read_matroska(path)
    audio = audio_track(path, parsed, 0)
    assert parsed.timescale == 10_000
    assert audio.lattice.nearest(Fraction(1, 2)) == round(24_000 / 1536)


def test_without_cues_nothing_is_copied() -> None:
    with pytest.raises(NotCopyable, match="no cues"):
        read_matroska(matroska_clip("live"))


def dolby_vision(*, profile: int, compatibility: int) -> bytes:
    """As mkvmerge writes it, behind another mapping of another kind."""
    record = bytes((1, 0, profile << 1, 0x35, compatibility << 4)) + bytes(19)
    hdr10_plus = element(0x41E4, element(0x41F0, 4), element(0x41E7, 4))
    kind = element(0x41E7, int.from_bytes(b"dvcC"))
    return element(0x41E4, kind, element(0x41ED, record)) + hdr10_plus


Change = Callable[[bytes], bytes]


def swap(old: bytes, new: bytes) -> Change:
    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda _: b"", "damaged", id="an empty file"),
        pytest.param(lambda _: b"\0\0\0\x18ftypmp42" + bytes(100), "damaged", id="another container"),
        pytest.param(swap(b"matroska", b"matryoka"), "no Matroska", id="another document type"),
        pytest.param(lambda content: content[:-1], "damaged", id="cut by a byte"),
        pytest.param(lambda content: content[: len(content) // 2], "damaged", id="cut in half"),
        pytest.param(swap(element(0x2AD7B1, 1_000_000), element(0x2AD7B1, 7)), "divide a second", id="odd ticks"),
        pytest.param(swap(element(0x2AD7B1, 1_000_000), element(0x2AD7B1, 0)), "divide a second", id="no ticks"),
        pytest.param(swap(element(0x2AD7B1, 1_000_000), element(0x2AD7B1, 10**9)), "coarse", id="coarse ticks"),
        pytest.param(swap(element(0x83, 2), element(0x83, 3)), "neither video nor sound", id="no track of use"),
        pytest.param(swap(element(SEEK_ID, name(CUES)), element(SEEK_ID, name(INFO))), "no cues", id="nowhere"),
        pytest.param(swap(element(CUE_TRACK, 7), element(CUE_TRACK, 8)), "", id="one cue of another track"),
        pytest.param(swap(element(CUE_TIME, 256), element(CUE_TIME, 999)), "out of order", id="cues out of order"),
        pytest.param(swap(element(CUE_TIME, 256), element(CUE_TIME, 2**63)), "beyond all films", id="a far cue"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_its_reason(tmp_path: Path, change: Change, reason: str) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(change(sound_film().render()))
    if not reason:
        assert len(read_matroska(path).cues) == 12
        return
    with pytest.raises(NotCopyable, match=reason):
        read_matroska(path)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(element(0x6D80, element(0x6240, b"")), id="content encodings"),
        pytest.param(element(0x23314F, bytes.fromhex("3ff8000000000000")), id="a clock of its own"),
        pytest.param(dolby_vision(profile=5, compatibility=0), id="Dolby Vision alone"),
    ],
)
def test_a_track_whose_blocks_are_no_samples_is_refused(tmp_path: Path, fields: bytes) -> None:
    path = replace(sound_film(), track_fields=fields).write(tmp_path / "film.mkv")
    film = read_matroska(path)
    with pytest.raises(NotCopyable, match=r"track|Dolby"):
        audio_track(path, film, 0)


def test_dolby_vision_over_a_common_picture_is_handed_on(tmp_path: Path) -> None:
    fields = dolby_vision(profile=8, compatibility=1)
    path = replace(sound_film(), track_fields=fields).write(tmp_path / "film.mkv")
    assert audio_track(path, read_matroska(path), 0).track.codec == "ac-3"


def test_seek_heads_that_lead_in_circles_are_followed_once(tmp_path: Path) -> None:
    path = replace(sound_film(), circles=60).write(tmp_path / "film.mkv")
    assert len(read_matroska(path).cues) == 13
    path = replace(sound_film(), circles=100).write(tmp_path / "film.mkv")
    with pytest.raises(NotCopyable, match="too many"):
        read_matroska(path)


def test_too_many_cues_are_refused_before_they_are_kept() -> None:
    with pytest.raises(ValueError, match="more than"):
        parse_cues(b"\xbb\x80" * (MOST_CUES + 1), SOUND_TRACK, 0, 100)
    with pytest.raises(NotCopyable, match="outside"):
        place = element(CUE_POSITIONS, element(CUE_TRACK, SOUND_TRACK), element(CUE_CLUSTER, 200))
        parse_cues(element(CUE_POINT, element(CUE_TIME, 1), place), SOUND_TRACK, 0, 100)


def test_a_cluster_of_countless_nothings_ends_the_search(tmp_path: Path) -> None:
    path = replace(sound_film(), padding=b"\xec\x80" * MOST_ELEMENTS).write(tmp_path / "film.mkv")
    film = read_matroska(path)
    with pytest.raises(NotCopyable, match="too far apart"):
        audio_track(path, film, 0)


@pytest.mark.parametrize("seed", range(4))
def test_damage_anywhere_is_refused_or_read_within_the_file(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    sources = [matroska_clip("b-frames").read_bytes(), replace(sound_film(), lacing=6, frames_a_block=5).render()]
    path = tmp_path / "film.mkv"
    for _ in range(DAMAGES):
        path.write_bytes(damaged(chance, sources[seed % 2]))
        with contextlib.suppress(NotCopyable):
            read_everything(path)


def damaged(chance: random.Random, content: bytes) -> bytes:
    """Flips where structure lies thickest: at both ends, and beside the names of elements."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 2, 8))):
        where = chance.choice((600, len(changed)))
        at = chance.choice((chance.randrange(where), len(changed) - 1 - chance.randrange(where)))
        changed[at] = chance.choice((0, 0xFF, 0x80, changed[at] ^ 1 << chance.randrange(8)))
    return bytes(changed[: chance.choice((len(changed), len(changed), chance.randrange(len(changed))))])


def read_everything(path: Path) -> None:
    film = read_matroska(path)
    for entry in film.entries:
        with contextlib.suppress(NotCopyable):
            if entry.kind == "video":
                read_pictures(path, film)
            else:
                read_sound(path, film, entry.index)


def read_pictures(path: Path, film: MatroskaFile) -> None:
    track = video_track(film, 0)
    for start, end in pairwise([*film.cues.times, None]):
        assert start is not None
        samples = read_video_samples(path, film, track, start, end)
        assert all(at + size <= film.size for at, size in zip(samples.offsets, samples.sizes, strict=True))


def read_sound(path: Path, film: MatroskaFile, index: int) -> None:
    audio = audio_track(path, film, index)
    for first in range(0, min(audio.lattice.packets, 1000), 100):
        samples = read_audio_samples(path, film, audio, first, min(first + 100, audio.lattice.packets))
        assert all(at + size <= film.size for at, size in zip(samples.offsets, samples.sizes, strict=True))


def sound_film() -> SoundFilm:
    frames = ac3_frames(raw_sound("ac3"))[:100]
    return SoundFilm(frames=frames, times=[32 * number for number in range(100)])


def bytes_read() -> int:
    counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counters["rchar"])
