"""One init section for all workers: the codec's parameters from ffmpeg, everything else from the plan."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.vod.hls.spans import FILM, WHOLE, encoded
from vod.containers import boxes
from vod.hls.encode import Span
from vod.hls.init_section import init_section

SECONDS = 6


def moov_of(stream: bytes) -> bytes:
    moov = boxes.require(stream, b"moov")
    return stream[moov.start : moov.end]


def of_film(rendition: str, span: Span = WHOLE) -> bytes:
    grid = FILM.grid(rendition)
    return init_section(moov_of(encoded(FILM, rendition, span)), grid.timescale, grid.cuts[-1])


def told_by_ffprobe(path: Path) -> dict[str, Any]:
    command = ("ffprobe", "-v", "error", "-of", "json", "-show_streams", str(path))
    (stream,) = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"]
    found: dict[str, Any] = stream
    return found


def test_ffprobe_finds_the_picture(tmp_path: Path) -> None:
    (tmp_path / "init.mp4").write_bytes(of_film("720p"))
    stream = told_by_ffprobe(tmp_path / "init.mp4")
    assert {key: stream[key] for key in ("codec_name", "width", "height", "time_base")} == {
        "codec_name": "h264",
        "width": 64,
        "height": 48,
        "time_base": "1/12800",
    }


def test_ffprobe_finds_the_sound(tmp_path: Path) -> None:
    (tmp_path / "init.mp4").write_bytes(of_film("audio-eng"))
    stream = told_by_ffprobe(tmp_path / "init.mp4")
    assert {key: stream[key] for key in ("codec_name", "sample_rate", "channels", "time_base")} == {
        "codec_name": "aac",
        "sample_rate": "48000",
        "channels": 2,
        "time_base": "1/48000",
    }


@pytest.mark.parametrize("rendition", ["720p", "audio-eng"])
def test_every_span_s_init_section_is_the_same_bytes(rendition: str) -> None:
    assert of_film(rendition) == of_film(rendition, Span(first=1, last=1)) == of_film(rendition, Span(first=2, last=2))


@pytest.mark.parametrize("rendition", ["720p", "audio-eng"])
def test_time_zero_of_the_track_is_time_zero_of_the_film(rendition: str) -> None:
    assert boxes.find(of_film(rendition), b"moov", b"trak", b"edts") is None


@pytest.mark.parametrize("rendition", ["720p", "audio-eng"])
def test_the_whole_film_s_length_is_told(rendition: str) -> None:
    section, grid = of_film(rendition), FILM.grid(rendition)
    (length,) = boxes.unpack("Q", section, boxes.require(section, b"moov", b"mvex", b"mehd"), 4)
    assert length == grid.cuts[-1]
    assert abs(length / grid.timescale - SECONDS) < 0.05


@pytest.mark.parametrize("missing", [b"trak", b"tkhd", b"mdia", b"hdlr", b"stsd"])
def test_a_moov_without_what_is_needed_is_refused(missing: bytes) -> None:
    moov = moov_of(encoded(FILM, "720p"))
    with pytest.raises(ValueError, match=missing.decode()):
        init_section(moov.replace(missing, b"free"), 12_800, 1)
