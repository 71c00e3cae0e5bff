"""A copied track's sample entry is the plain ISO one: the decoder's configuration and what the picture needs."""

from __future__ import annotations

import json
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.clips import clips_folder, make
from tests.vod.hls.copied import BASE, SOUND, original
from vod.containers import boxes
from vod.containers.boxes import box
from vod.containers.mp4 import read_tracks
from vod.containers.samples import NotCopyable, Track
from vod.hls.codecs import codec_string
from vod.hls.init_section import copied_init_section
from vod.hls.sample_entry import player_entry, shown_size

JUNK = box(b"btrt", bytes(12)) + box(b"free", b"secret")
PIXELS = box(b"pasp", struct.pack(">2I", 4, 3))


def track_of(name: str, index: int = 0) -> Track:
    return read_tracks(original(name))[index].track


def with_children(track: Track, *children: bytes) -> Track:
    entry = boxes.read_header(track.sample_entry, 0, len(track.sample_entry))
    return replace(track, sample_entry=box(track.codec.encode(), track.sample_entry[entry.body :], *children))


def kinds(entry: bytes) -> list[bytes]:
    return [child.kind for child in boxes.children(entry, boxes.read_header(entry, 0, len(entry)))]


def told_by_ffprobe(path: Path) -> dict[str, Any]:
    command = ("ffprobe", "-v", "error", "-of", "json", "-show_streams", str(path))
    (stream,) = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"]
    found: dict[str, Any] = stream
    return found


def test_only_what_the_decoder_and_the_screen_need_is_kept() -> None:
    plain = replace(track_of(BASE), sample_entry=player_entry(track_of(BASE)))
    entry = player_entry(with_children(plain, JUNK, PIXELS, JUNK))
    assert set(kinds(entry)) <= {b"avcC", b"pasp", b"colr"}
    assert b"secret" not in entry


def test_hev1_becomes_hvc1() -> None:
    section = copied_init_section(track_of("hev1.mp4"), 12_800, 1)
    assert codec_string(section).startswith("hvc1.1.")


def test_quicktime_s_colours_become_nclx() -> None:
    track = track_of(BASE)
    bare = replace(track, sample_entry=track.sample_entry.replace(b"colr", b"free"))
    entry = player_entry(with_children(bare, box(b"colr", b"nclc", struct.pack(">3H", 9, 16, 9))))
    assert box(b"colr", b"nclx", struct.pack(">3HB", 9, 16, 9, 0)) in entry


def test_wide_pixels_widen_the_track_header() -> None:
    track = track_of(BASE)
    plain = replace(track, sample_entry=track.sample_entry.replace(b"pasp", b"free"))
    assert shown_size(player_entry(with_children(plain, PIXELS))) == struct.pack(">2I", 256 << 16, 108 << 16)


@pytest.mark.parametrize("rate", [48_000, 96_000])
def test_quicktime_sound_becomes_a_plain_entry(rate: int, tmp_path: Path) -> None:
    """ffmpeg writes a version 1 entry, and a version 2 one where the rate needs more bits."""
    path = clips_folder() / f"sound-{rate}.mov"
    make(*SOUND, "-ar", str(rate), "-c:a", "aac", str(path))
    (one,) = read_tracks(path)
    section = copied_init_section(one.track, one.track.timescale, 1)
    entry = player_entry(one.track)
    assert kinds(entry) == [b"esds"]
    assert entry[16:18] == b"\0\0"
    (tmp_path / "init.mp4").write_bytes(section)
    assert told_by_ffprobe(tmp_path / "init.mp4")["sample_rate"] == str(rate)
    assert codec_string(section) == "mp4a.40.2"


def test_ffprobe_finds_the_copied_picture(tmp_path: Path) -> None:
    (tmp_path / "init.mp4").write_bytes(copied_init_section(track_of(BASE), 12_800, 1))
    stream = told_by_ffprobe(tmp_path / "init.mp4")
    found = {key: stream[key] for key in ("codec_name", "width", "height", "time_base", "sample_aspect_ratio")}
    assert found == {
        "codec_name": "h264",
        "width": 192,
        "height": 108,
        "time_base": "1/12800",
        "sample_aspect_ratio": "1:1",
    }


@pytest.mark.parametrize(
    ("track", "reason"),
    [
        pytest.param(replace(track_of(BASE), sample_entry=box(b"mp4v", bytes(78))), "not handed on", id="codec"),
        pytest.param(replace(track_of(BASE), sample_entry=box(b"avc1", bytes(78))), "no size", id="no size"),
        pytest.param(
            replace(track_of(BASE), sample_entry=box(b"avc1", b"\1" * 78)), "no avcC box", id="no configuration"
        ),
    ],
)
def test_an_entry_without_what_is_needed_is_refused(track: Track, reason: str) -> None:
    with pytest.raises(NotCopyable, match=reason):
        player_entry(track)
