"""Films with closed captions in their pictures, as a broadcast has them: CEA-608 byte pairs, one a frame, in ATSC A/53
user data, put into H.264 or MPEG-2 that ffmpeg made. Pictures come without reordering, so that the nth coded is the
nth shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from tests.clips import clips_folder, make

Pair = tuple[int, int]

NOTHING: Pair = (0x00, 0x00)
LOAD, CLEAR_LOADED, SHOW, CLEAR_SHOWN = (0x14, 0x20), (0x14, 0x2E), (0x14, 0x2F), (0x14, 0x2C)
LAST_ROW: Pair = (0x14, 0x60)
RATE = 25
SLICE = re.compile(rb"\x00\x00(?:\x00)?\x01[\x01\x21\x25\x41\x61\x65]")  # of H.264; a picture is one slice here
FIRST_SLICE = b"\x00\x00\x01\x01"  # of MPEG-2
CODING = {
    "h264": ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "50", "-pix_fmt", "yuv420p", "-f", "h264"),
    "mpeg2video": ("-c:v", "mpeg2video", "-bf", "0", "-g", "12", "-b:v", "2M", "-f", "mpeg2video"),
}
DEMUXER = {"h264": ("-f", "h264", "-r", str(RATE)), "mpeg2video": ("-f", "mpegvideo")}
# ffmpeg gives bare MPEG-2 no times; these are a transport stream's
TIMED = {"h264": (), "mpeg2video": ("-bsf:v", f"setts=ts=N*{90_000 // RATE}")}


def captioned(
    name: str, lines: Sequence[tuple[float, float, str]], *, codec: str = "h264", seconds: int = 8, since: int = 0
) -> Path:
    """A film whose `lines` are shown from and until these seconds; `name` tells the container, for MPEG-2 a ".ts".

    Its first `since` seconds hold nothing at all, not even that nothing is said.
    """
    path = clips_folder() / name
    if path.exists():
        return path
    bare, marked = path.with_suffix(".bare"), path.with_suffix(".marked")
    pictures = f"testsrc2=size=640x360:rate={RATE}:duration={seconds}"
    make("-f", "lavfi", "-i", pictures, *CODING[codec], str(bare))
    marked.write_bytes(_marked(bare.read_bytes(), pop_on(lines, seconds * RATE), codec, since * RATE))
    sound = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}")
    read = (*DEMUXER[codec], "-i", str(marked))
    make(*read, *sound, "-c:v", "copy", *TIMED[codec], "-c:a", "aac", "-metadata:s:a:0", "language=eng", str(path))
    return path


def pop_on(lines: Sequence[tuple[float, float, str]], frames: int) -> list[Pair]:
    """Loaded unseen, then shown at once; every command twice, as receivers expect it."""
    pairs = [NOTHING] * frames
    for start, end, text in lines:
        letters = text.encode("ascii") + b"\0" * (len(text) % 2)
        words = zip(letters[::2], letters[1::2], strict=True)
        load = [LOAD, LOAD, CLEAR_LOADED, CLEAR_LOADED, LAST_ROW, LAST_ROW, *words]
        shown, gone = round(start * RATE), round(end * RATE)
        pairs[shown - len(load) : shown + 2] = [*load, SHOW, SHOW]
        pairs[gone : gone + 2] = [CLEAR_SHOWN, CLEAR_SHOWN]
    return pairs


def _marked(stream: bytes, pairs: Sequence[Pair], codec: str, bare: int) -> bytes:
    if codec == "h264":
        places, wrapped = [found.start() for found in SLICE.finditer(stream)], _sei
    else:
        places, wrapped = [found.start() for found in re.finditer(re.escape(FIRST_SLICE), stream)], _user_data
    assert len(places) == len(pairs), f"{len(places)} pictures, {len(pairs)} pairs"
    parts = (stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True))
    return b"".join(chain.from_iterable(zip(parts, [b""] * bare + [*map(wrapped, pairs[bare:]), b""], strict=True)))


def _sei(pair: Pair) -> bytes:
    """user_data_registered_itu_t_t35 (payload 4): of the United States, from ATSC."""
    payload = b"\xb5\x00\x31" + _cc_data(pair)
    return b"\x00\x00\x00\x01\x06\x04" + bytes([len(payload)]) + payload + b"\x80"


def _user_data(pair: Pair) -> bytes:
    return b"\x00\x00\x01\xb2" + _cc_data(pair)


def _cc_data(pair: Pair) -> bytes:
    """One pair of the first field. Parity and marker bits leave no zeros that would look like a start code."""
    return b"GA94\x03\x41\xff\xfc" + bytes(map(_odd, pair)) + b"\xff"


def _odd(letter: int) -> int:
    return letter | (0x80 if letter.bit_count() % 2 == 0 else 0)
