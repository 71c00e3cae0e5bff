"""Packets of pictures as ffmpeg's Matroska brings them, and the file and index that the page reads."""

from __future__ import annotations

import io
import json
import struct
import subprocess
from pathlib import Path

import pytest

from tests.clips import clips_folder
from tests.vod.subtitles.pgs import clear_set, display_set, sup
from vod.subtitles.packets import Packet, PacketFeed
from vod.subtitles.pictures import Head, PictureWriter

IDX = b"size: 720x576\npalette: " + ", ".join(f"{n:02x}{n:02x}ff" for n in range(16)).encode()


def matroska(*tracks: Path) -> bytes:
    """What the pass over an original brings, of files of subtitles."""
    inputs = [word for track in tracks for word in ("-i", str(track))]
    maps = [word for n in range(len(tracks)) for word in ("-map", str(n))]
    command = ("ffmpeg", "-v", "error", "-copyts", *inputs, *maps, "-c", "copy", "-f", "matroska", "-")
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def two_tracks() -> bytes:
    folder = clips_folder()
    first, second = folder / "first.sup", folder / "second.sup"
    first.write_bytes(sup([(1000, display_set(0, 8, 2)), (3000, clear_set(1))]))
    second.write_bytes(sup([(2000, display_set(0, 4, 4))]))
    return matroska(first, second)


def test_packets_of_all_tracks_come_in_order_of_time(two_tracks: bytes) -> None:
    found = list(PacketFeed().feed(two_tracks))
    assert [(packet.track, packet.time_ms) for packet in found] == [(0, 1000), (1, 2000), (0, 3000)]
    assert found[0].payload == display_set(0, 8, 2)


def test_it_does_not_matter_in_which_pieces_the_bytes_come(two_tracks: bytes) -> None:
    feed = PacketFeed()
    found = [packet for at in range(len(two_tracks)) for packet in feed.feed(two_tracks[at : at + 1])]
    assert found == list(PacketFeed().feed(two_tracks))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x1f\x43\xb6\x75" + b"\x08" + b"\xff" * 20, id="a cluster of 128 GiB"),
        pytest.param(b"\0" * 40, id="zeros"),
        pytest.param(b"\x1f\x43\xb6\x75\x90" + b"\xa3\x81" * 8, id="blocks cut off"),
    ],
)
def test_what_is_no_matroska_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        list(PacketFeed().feed(data + bytes(20)))


def written(kind: str, *packets: Packet, shift_ms: int = 0) -> tuple[bytes, list[list[int]]]:
    file = io.BytesIO()
    writer = PictureWriter(kind, file, shift_ms)  # type: ignore[arg-type]
    for packet in packets:
        writer.add(packet)
    return file.getvalue(), json.loads(writer.index())["runs"]


def packet(time_ms: int, payload: bytes, duration_ms: int = 0) -> Packet:
    return Packet(track=0, time_ms=time_ms, duration_ms=duration_ms, payload=payload)


def test_an_epoch_with_its_end_is_one_run() -> None:
    shown, gone, again = display_set(0, 8, 2), clear_set(1), display_set(2, 8, 2)
    content, runs = written("pgs", packet(1000, shown), packet(3000, gone), packet(4000, again))
    first = 16 + len(shown) + len(gone)
    assert runs == [[1000, 3000, 0, first], [4000, 0, first, 8 + len(again)]]
    assert content.startswith(struct.pack(">II", 1000, len(shown)) + shown + struct.pack(">II", 3000, len(gone)))


def test_each_picture_of_a_dvd_is_a_run_that_ends_with_its_duration() -> None:
    _, runs = written("vobsub", packet(11_000, b"spu1", 500), packet(12_000, b"spu"), shift_ms=10_000)
    assert runs == [[1000, 1500, 0, 12], [2000, 0, 12, 11]]


def test_a_picture_from_before_the_film_is_left_out() -> None:
    assert written("vobsub", packet(1000, b"spu", 500), shift_ms=10_000) == (b"", [])


def test_the_canvas_and_palette_of_a_dvd_are_read() -> None:
    head = Head.of_idx(IDX)
    assert (head.width, head.height, len(head.palette), head.palette[3]) == (720, 576, 16, "0303ff")


@pytest.mark.parametrize("idx", [b"", b"\xff\xfe junk", b"size: 99999999x1\npalette: zz", b"palette: 000000, 111111"])
def test_a_head_that_says_nothing_is_an_empty_one(idx: bytes) -> None:
    assert Head.of_idx(idx) == Head()
