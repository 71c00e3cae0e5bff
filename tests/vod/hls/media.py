"""Init sections and segments: written by hand, where a test spoils them, or by a real ffmpeg."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from vod.containers.boxes import box, full_box, iter_boxes
from vod.storage import segment_name

FRAME = 1000
SYNC, NON_SYNC = 0x02000000, 0x01010000
DECODE_ORDER = (0, 2 * FRAME, FRAME)  # one B-frame: shown first, third, second


def avc1_entry(width: int = 64, height: int = 48) -> bytes:
    fields = bytes(24) + struct.pack(">2H", width, height) + bytes(50)
    return box(b"avc1", fields, box(b"avcC", b"\1\x64\0\x1f\xff"))


def init(entry: bytes, *, timescale: int = 25_000, edits: bytes = b"", tracks: int = 1) -> bytes:
    stsd = full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry)
    mdhd = full_box(b"mdhd", 0, 0, struct.pack(">4IHH", 0, 0, timescale, 0, 0, 0))
    trak = box(b"trak", edits, box(b"mdia", mdhd, box(b"minf", box(b"stbl", stsd))))
    mvex = box(b"mvex", full_box(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, SYNC)))
    return box(b"ftyp", b"iso6") + box(b"moov", *[trak] * tracks, mvex)


def edit_list(media_time: int) -> bytes:
    return box(b"edts", full_box(b"elst", 0, 0, struct.pack(">IIihh", 1, 0, media_time, 1, 0)))


def segment(
    start: int,
    *,
    shown: tuple[int, ...] = DECODE_ORDER,
    duration: int = FRAME,
    first_flags: int = SYNC,
    version: int = 1,
    media: bytes = b"abcdef",
) -> bytes:
    """Frames decoded one `duration` apart from `start`, shown at `start` + `shown`, two bytes each."""
    flags = [first_flags, *[NON_SYNC] * (len(shown) - 1)]
    rows = [struct.pack(">3Ii", duration, 2, flags[n], time - n * duration) for n, time in enumerate(shown)]
    tfhd = full_box(b"tfhd", 0, 0x020000, struct.pack(">I", 1))
    tfdt = full_box(b"tfdt", 1, 0, struct.pack(">Q", start))

    def moof(data_offset: int) -> bytes:
        trun = full_box(b"trun", version, 0xF01, struct.pack(">Ii", len(shown), data_offset), *rows)
        return box(b"moof", full_box(b"mfhd", 0, 0, bytes(4)), box(b"traf", tfhd, tfdt, trun))

    return box(b"styp", b"msdh") + moof(len(moof(0)) + 8) + box(b"mdat", media)


def sample_entries(*entries: bytes) -> bytes:
    stsd = full_box(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries)
    return box(b"ftyp", b"iso6") + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", stsd)))))


def visual(kind: bytes, *configuration: bytes) -> bytes:
    return box(kind, bytes(78), *configuration)


def audio(kind: bytes, *configuration: bytes) -> bytes:
    return box(kind, bytes(28), *configuration)


def descriptor(tag: int, *payload: bytes, padded: bool = False) -> bytes:
    content = b"".join(payload)
    length = struct.pack("4B", 0x80, 0x80, 0x80, len(content)) if padded else bytes([len(content)])
    return bytes([tag]) + length + content


def mp4a_entry(specific: bytes = b"\x11\x90", *, object_type: int = 0x40, padded: bool = False) -> bytes:
    decoder = descriptor(4, bytes([object_type]), bytes(12), descriptor(5, specific, padded=padded), padded=padded)
    return audio(b"mp4a", full_box(b"esds", 0, 0, descriptor(3, bytes(3), decoder, padded=padded)))


def write_fragments(folder: Path, encoding: str, seconds: str) -> None:
    """ffmpeg's own fragments, one a file, beside ffmpeg's own init section."""
    muxing = ["-movflags", "+empty_moov+default_base_moof+negative_cts_offsets+frag_keyframe", "-use_editlist", "0"]
    command = ["ffmpeg", "-v", "error", *encoding.split(), "-t", seconds, *muxing, "-f", "mp4", "pipe:1"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    found = [one for one in iter_boxes(data) if one.kind != b"mfra"]
    first_moof = next(one.start for one in found if one.kind == b"moof")
    (folder / "init.mp4").write_bytes(data[:first_moof])
    media = [one for one in found if one.start >= first_moof]
    for number, (moof, mdat) in enumerate(zip(media[::2], media[1::2], strict=True)):
        (folder / segment_name(number)).write_bytes(data[moof.start : mdat.end])
