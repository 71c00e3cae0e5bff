"""Which encoding a subtitle file is in, and what is taken out of it before anybody reads it."""

from __future__ import annotations

import codecs

import pytest

from vod.subtitles.cues import SubtitlesRefused
from vod.subtitles.text import LARGEST_BYTES, decoded

LINE = "Señor Müller – “œuvre”"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(LINE.encode(), id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + LINE.encode(), id="utf-8 with its mark"),
        pytest.param(codecs.BOM_UTF16_LE + LINE.encode("utf-16-le"), id="utf-16 little"),
        pytest.param(codecs.BOM_UTF16_BE + LINE.encode("utf-16-be"), id="utf-16 big"),
        pytest.param(LINE.encode("cp1252"), id="windows-1252"),
    ],
)
def test_a_file_is_read_in_the_encoding_it_is_in(data: bytes) -> None:
    assert decoded(data) == LINE


def test_every_way_to_end_a_line_is_one() -> None:
    assert decoded(b"a\r\nb\rc\nd") == "a\nb\nc\nd"


def test_controls_and_overrides_of_direction_are_taken_out_and_arabic_stays() -> None:
    assert decoded("a\x07\x1b[31m\u202eb\u2066\u0645\u2069\ufeff".encode()) == "a[31mb\u2066\u0645\u2069"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(SubtitlesRefused, match="no text file"):
        decoded(b"\x1aE\xdf\xa3\0\0\0")


def test_more_bytes_than_any_script_has_are_refused_unread() -> None:
    with pytest.raises(SubtitlesRefused, match="MiB"):
        decoded(bytes(LARGEST_BYTES + 1))
