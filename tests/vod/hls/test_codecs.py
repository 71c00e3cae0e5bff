"""Configuration records written by hand from the specifications, and init sections that a real ffmpeg wrote."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vod.hls.media import audio, mp4a_entry, sample_entries, visual
from vod.containers.boxes import box, full_box
from vod.hls.codecs import codec_string

HEVC_MAIN10 = bytes([1, 0x02, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 153]) + bytes(10)
HEVC_HIGH_TIER = bytes([1, 0x61, 0x60, 0, 0, 0, 0xB0, 0, 0, 0, 0, 1, 93]) + bytes(10)
BT2020_PQ = box(b"colr", b"nclx", struct.pack(">3HB", 9, 16, 9, 0))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(visual(b"avc1", box(b"avcC", b"\1\x64\0\x1f\xff")), "avc1.64001F", id="H.264 High 3.1"),
        pytest.param(visual(b"avc1", box(b"avcC", b"\1\x42\xc0\x0d\xff")), "avc1.42C00D", id="constrained Baseline"),
        pytest.param(visual(b"hvc1", box(b"hvcC", HEVC_MAIN10)), "hvc1.2.4.L153.90", id="HEVC Main 10"),
        pytest.param(visual(b"hev1", box(b"hvcC", HEVC_HIGH_TIER)), "hev1.A1.6.H93.B0.0.0.0.0.1", id="HEVC high tier"),
        pytest.param(visual(b"av01", box(b"av1C", b"\x81\x04\x0c\0")), "av01.0.04M.08", id="AV1 Main 8-bit"),
        pytest.param(
            visual(b"av01", box(b"av1C", b"\x81\x2d\xce\0"), BT2020_PQ), "av01.1.13H.10.0.112.09.16.09.0", id="AV1 HDR"
        ),
        pytest.param(mp4a_entry(), "mp4a.40.2", id="AAC LC"),
        pytest.param(mp4a_entry(padded=True), "mp4a.40.2", id="lengths padded to four bytes, as ffmpeg does"),
        pytest.param(mp4a_entry(b"\xf9\x40"), "mp4a.40.42", id="an escaped object type: xHE-AAC"),
        pytest.param(mp4a_entry(object_type=0x6B), "mp4a.6B", id="MP3"),
        pytest.param(audio(b"ac-3", box(b"dac3", bytes(3))), "ac-3", id="AC-3"),
        pytest.param(audio(b"ec-3", box(b"dec3", bytes(5))), "ec-3", id="Enhanced AC-3"),
    ],
)
def test_the_string_says_what_the_configuration_says(entry: bytes, expected: str) -> None:
    assert codec_string(sample_entries(entry)) == expected


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(sample_entries(), id="no sample entry"),
        pytest.param(sample_entries(mp4a_entry(), mp4a_entry()), id="two sample entries"),
        pytest.param(sample_entries(visual(b"avc1")), id="no configuration"),
        pytest.param(sample_entries(visual(b"avc1", box(b"avcC", b"\1\x64"))), id="a cut avcC"),
        pytest.param(sample_entries(visual(b"hvc1", box(b"hvcC", HEVC_MAIN10[:8]))), id="a cut hvcC"),
        pytest.param(sample_entries(mp4a_entry(b"")), id="an empty AudioSpecificConfig"),
        pytest.param(sample_entries(audio(b"mp4a", full_box(b"esds", 0, 0, b"\4\0"))), id="another descriptor"),
        pytest.param(sample_entries(visual(b"mp4v", box(b"esds"))), id="a codec that is not ours"),
    ],
)
def test_what_cannot_be_named_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        codec_string(data)


@given(st.binary(max_size=64), st.sampled_from([b"avc1", b"hvc1", b"av01", b"mp4a"]))
def test_hostile_configurations_end_in_a_string_or_a_value_error(record: bytes, kind: bytes) -> None:
    boxes = [box(name, record) for name in (b"avcC", b"hvcC", b"av1C", b"esds", b"colr")]
    entry = audio(kind, *boxes) if kind == b"mp4a" else visual(kind, *boxes)
    try:
        name = codec_string(sample_entries(entry))
    except ValueError:
        return
    assert name.startswith(kind.decode())


SINE = "-f lavfi -i sine"
PICTURE = "-f lavfi -i testsrc2=s=320x180"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(f"{PICTURE} -c:v libx264 -profile:v high -level 3.0", "avc1.64001E", id="x264 High"),
        pytest.param(f"{PICTURE} -c:v libx264 -profile:v baseline -level 1.3", "avc1.42C00D", id="x264 Baseline"),
        pytest.param(f"{PICTURE} -c:v libx265 -tag:v hvc1 -pix_fmt yuv420p10le", "hvc1.2.4.L60.90", id="x265"),
        pytest.param(f"{SINE} -c:a aac -ac 2", "mp4a.40.2", id="AAC"),
        pytest.param(f"{SINE} -c:a ac3", "ac-3", id="AC-3"),
        pytest.param(f"{SINE} -c:a eac3", "ec-3", id="Enhanced AC-3"),
    ],
)
def test_the_init_sections_of_a_real_encoder_are_named(tmp_path: Path, arguments: str, expected: str) -> None:
    clip = tmp_path / "clip.mp4"
    command = ["ffmpeg", "-v", "error", *arguments.split(), "-t", "0.2", "-movflags", "+frag_keyframe+delay_moov"]
    subprocess.run([*command, str(clip)], check=True)
    assert codec_string(clip.read_bytes()) == expected
