"""Fragments of an original: whatever they claim, columns grow only by what the file can hold."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.vod.containers.packets import Packet
from vod.containers.boxes import box, full_box
from vod.containers.mp4 import read_tracks
from vod.containers.samples import IndexedTrack, NotCopyable, Samples

SYNC, NON_SYNC, DEPENDENT = 0x02000000, 0x00010000, 0x01000000
MEDIA = b"0123456789abcdef"
BASE_OFFSET, MOOF_BASE = 0x1, 0x020000


def movie(*, edits: bytes = b"") -> bytes:
    entry = box(b"avc1", bytes(6), b"\0\1", bytes(70))
    stbl = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        full_box(b"stsz", 0, 0, bytes(8)),
    )
    dref = full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1))
    mdia = box(
        b"mdia",
        full_box(b"mdhd", 0, 0, struct.pack(">4IHH", 0, 0, 1000, 0, 0, 0)),
        full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"vide"), b"\0"),
        box(b"minf", box(b"dinf", dref), stbl),
    )
    trak = box(b"trak", full_box(b"tkhd", 0, 0, struct.pack(">3I", 0, 0, 1), bytes(68)), edits, mdia)
    trex = full_box(b"trex", 0, 0, struct.pack(">5I", 1, 1, 40, 4, NON_SYNC))
    mvhd = full_box(b"mvhd", 0, 0, struct.pack(">4I", 0, 0, 1000, 0), bytes(80))
    return box(b"moov", mvhd, trak, box(b"mvex", trex))


def fragment(*parts: bytes, flags: int = MOOF_BASE, header: bytes = b"", track: int = 1) -> bytes:
    tfhd = full_box(b"tfhd", 0, flags, struct.pack(">I", track), header)
    return box(b"moof", full_box(b"mfhd", 0, 0, bytes(4)), box(b"traf", tfhd, *parts))


def tfdt(time: int) -> bytes:
    return full_box(b"tfdt", 1, 0, struct.pack(">q", time))


def trun(flags: int, count: int, *fields: int) -> bytes:
    return full_box(b"trun", 1, flags, struct.pack(">I", count), *(struct.pack(">I", field) for field in fields))


def read(tmp_path: Path, *parts: bytes) -> IndexedTrack:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"".join(parts))
    (track,) = read_tracks(path)
    return track


def columns(samples: Samples) -> list[Packet]:
    return list(map(Packet, samples.times, samples.decode_times, samples.sizes, samples.offsets))


def test_samples_without_columns_have_the_defaults(tmp_path: Path) -> None:
    start = len(movie())
    samples = read(tmp_path, movie(), fragment(tfdt(80), trun(0, 2)), box(b"mdat", MEDIA)).require()
    assert columns(samples) == [Packet(80, 80, 4, start), Packet(120, 120, 4, start + 4)]
    assert list(samples.keyframes) == []
    assert samples.end == 160


def test_a_first_sample_s_flags_and_a_second_run_that_goes_on(tmp_path: Path) -> None:
    moof = fragment(tfdt(0), trun(0x5, 2, 100, SYNC), trun(0x300, 2, 10, 3, 20, 5))
    samples = read(tmp_path, movie(), moof, box(b"mdat", MEDIA * 8)).require()
    start = len(movie()) + 100
    assert columns(samples) == [
        Packet(0, 0, 4, start),
        Packet(40, 40, 4, start + 4),
        Packet(80, 80, 3, start + 8),
        Packet(90, 90, 5, start + 11),
    ]
    assert list(samples.keyframes) == [0]


@pytest.mark.parametrize(("flags", "found"), [(SYNC, [0]), (0, [0]), (NON_SYNC, []), (DEPENDENT, [])])
def test_a_sample_that_depends_on_others_is_no_keyframe(flags: int, found: list[int], tmp_path: Path) -> None:
    samples = read(tmp_path, movie(), fragment(tfdt(0), trun(0x400, 1, flags)), box(b"mdat", MEDIA)).require()
    assert list(samples.keyframes) == found


def test_offsets_may_count_from_the_start_of_the_file(tmp_path: Path) -> None:
    moof = fragment(tfdt(0), trun(1, 1, 3), flags=BASE_OFFSET, header=struct.pack(">Q", 5))
    assert columns(read(tmp_path, movie(), moof, box(b"mdat", MEDIA)).require()) == [Packet(0, 0, 4, 8)]


def test_a_fragment_without_a_time_follows_the_one_before(tmp_path: Path) -> None:
    samples = read(tmp_path, movie(), fragment(tfdt(7), trun(0, 1)), fragment(trun(0, 1))).require()
    assert list(samples.decode_times) == [7, 47]


def test_an_edit_list_moves_all_fragments(tmp_path: Path) -> None:
    edits = box(b"edts", full_box(b"elst", 0, 0, struct.pack(">IIi2h", 1, 0, 100, 1, 0)))
    samples = read(tmp_path, movie(edits=edits), fragment(tfdt(100), trun(0, 1)), box(b"mdat", MEDIA)).require()
    assert list(samples.times) == [0]


@pytest.mark.parametrize(
    ("moof", "reason"),
    [
        pytest.param(fragment(trun(0, 1 << 31)), "too many samples", id="billions of default samples"),
        pytest.param(fragment(trun(0x100, 1 << 20)), "no table of", id="a table that is not there"),
        pytest.param(fragment(trun(1, 1, 1 << 20)), "outside the file", id="behind the end"),
        pytest.param(fragment(trun(1, 1, 1 << 31)), "outside the file", id="before the beginning"),
        pytest.param(fragment(trun(0x200, 1, 0xFFFFFFFF)), "outside the file", id="a huge sample"),
        pytest.param(fragment(tfdt(1 << 62), trun(0, 1)), "beyond all time", id="at the end of time"),
        pytest.param(fragment(tfdt(-(1 << 62)), trun(0, 1)), "beyond all time", id="at the beginning of time"),
        pytest.param(fragment(trun(0, 1), track=2), "belongs to no track", id="a foreign track"),
        pytest.param(fragment(trun(0, 1), flags=0x2, header=b"\0\0\0\2"), "description", id="another description"),
        pytest.param(box(b"moof", box(b"traf", trun(0, 1))), "no tfhd box", id="no header"),
    ],
)
def test_nonsense_is_refused(moof: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(NotCopyable, match=reason):
        read(tmp_path, movie(), moof, box(b"mdat", MEDIA))


def test_offsets_that_grow_more_negative_are_refused(tmp_path: Path) -> None:
    later = fragment(trun(0x800, 1, 0xFFFFFFFF))
    track = read(tmp_path, movie(), fragment(tfdt(0), trun(0x800, 1, 0)), later, box(b"mdat", MEDIA))
    assert "more negative" in track.refusal


def test_no_fragment_is_no_samples(tmp_path: Path) -> None:
    assert read(tmp_path, movie()).refusal == "it has no samples"
