from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vod.hls.media import segment, write_fragments
from vod.containers.boxes import iter_boxes
from vod.hls.fragments import SampleDefaults, SampleEntry, read_entries

Spoil = Callable[[bytes], bytes]


def test_samples_are_read_as_ffprobe_reads_them(tmp_path: Path) -> None:
    write_fragments(tmp_path, "-f lavfi -i testsrc2=s=64x48:r=25 -c:v libx264 -bf 3 -g 50 -sc_threshold 0", "2")
    (tmp_path / "whole.mp4").write_bytes((tmp_path / "init.mp4").read_bytes() + (tmp_path / "00000.m4s").read_bytes())
    probe = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "packet=pts,dts,size,duration,flags"]
    packets = json.loads(subprocess.run([*probe, str(tmp_path / "whole.mp4")], check=True, capture_output=True).stdout)
    samples = read_all(tmp_path)
    # libavformat moves presentation times by the most negative offset; only differences can be compared
    shift = int(packets["packets"][0]["pts"]) - samples[0].time
    assert [(sample.time + shift, sample.decode_time, sample.duration, sample.size) for sample in samples] == [
        tuple(int(packet[key]) for key in ("pts", "dts", "duration", "size")) for packet in packets["packets"]
    ]
    assert [sample.sync for sample in samples] == ["K" in packet["flags"] for packet in packets["packets"]]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        pytest.param(lambda moof: moof.replace(b"traf", b"free"), "one track", id="no track"),
        pytest.param(lambda moof: moof.replace(b"tfdt", b"free"), "moof/traf/tfdt", id="no decode time"),
        pytest.param(lambda moof: moof.replace(struct.pack(">I", 0x020000), bytes(4)), "relative", id="file offsets"),
        pytest.param(
            lambda moof: moof.replace(struct.pack(">2I", 0x01000F01, 3), struct.pack(">2I", 0x01000F01, 1 << 31)),
            "no table of 2147483648",
            id="a count beyond the table",
        ),
        pytest.param(
            lambda moof: moof.replace(struct.pack(">2I", 0x01000F01, 3), struct.pack(">2I", 0x01000001, 1 << 31)),
            "no table of 2147483648",
            id="a count without a table",
        ),
    ],
)
def test_a_contradicting_moof_is_refused(spoil: Spoil, complaint: str) -> None:
    data = segment(0)
    moof = next(one for one in iter_boxes(data) if one.kind == b"moof")
    with pytest.raises(ValueError, match=complaint):
        list(read_entries(spoil(data[moof.start : moof.end]), SampleDefaults()))


def read_all(folder: Path) -> list[SampleEntry]:
    defaults = SampleDefaults.of_init_section((folder / "init.mp4").read_bytes())
    data = (folder / "00000.m4s").read_bytes()
    moof = next(one for one in iter_boxes(data) if one.kind == b"moof")
    return list(read_entries(data[moof.start : moof.end], defaults))
