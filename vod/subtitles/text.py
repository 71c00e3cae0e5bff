"""From bytes to lines: which encoding a subtitle file is in, and no character that could harm a page or a terminal."""

from __future__ import annotations

import codecs
import re

from vod.subtitles.cues import SubtitlesRefused

# Typeset ASS reaches a few MiB; fonts embedded in a script are left out after reading, so they need room.
LARGEST_BYTES = 32 << 20

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# C0 and C1 controls, line separators, and the two overrides that show a text in another order than it is stored
# (Trojan Source). Embeddings and isolates stay: Arabic and Hebrew subtitles need them.
HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e\ufeff\ufff9-\ufffb]")
LINE_ENDS = re.compile(r"\r\n?")


def decoded(data: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else Windows-1252, what old Western files are in.

    Raises SubtitlesRefused for what is no text.
    """
    if len(data) > LARGEST_BYTES:
        raise SubtitlesRefused(f"Subtitles of more than {LARGEST_BYTES >> 20} MiB are not taken.")
    text = _decoded(data)
    if "\0" in text:
        raise SubtitlesRefused("This is no text file.")
    return LINE_ENDS.sub("\n", HARMFUL.sub("", text))


def _decoded(data: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
