"""SubRip and WebVTT as people have them, broken ones included."""

from __future__ import annotations

import pytest

from vod.subtitles import cues
from vod.subtitles.cues import Cue, SubtitlesRefused
from vod.subtitles.srt import read_srt, read_webvtt


def texts(found: list[Cue]) -> list[tuple[int, int, str]]:
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in found]


def test_a_plain_file_is_read() -> None:
    srt = "1\n00:00:01,500 --> 00:00:02,750\nHello\nyou\n\n2\n01:00:00,000 --> 01:00:01,000\nBye\n"
    assert texts(read_srt(srt)) == [(1500, 2750, "Hello\nyou"), (3_600_000, 3_601_000, "Bye")]


@pytest.mark.parametrize(
    "srt",
    [
        pytest.param("00:00:01,000 --> 00:00:02,000\na\n\n00:00:03,000 --> 00:00:04,000\nb", id="no numbers"),
        pytest.param(
            "1\n00:00:01.000 --> 00:00:02.000\na\n2\n00:00:03,0 --> 00:00:04,0\nb", id="no blank line, points"
        ),
        pytest.param("\n\n7\n0:0:1,0 --> 0:0:2,0 X1:10 X2:20\na\n\n\n\n7\n0:0:3,0-->0:0:4,0\nb\n\n", id="sloppy times"),
        pytest.param(
            "x\n1\n00:00:01,000 --> 00:00:02,000\na\n\nlost\n\n2\n00:00:03,000 --> 00:00:04,000\nb", id="junk"
        ),
    ],
)
def test_a_sloppy_file_is_read_all_the_same(srt: str) -> None:
    assert texts(read_srt(srt)) == [(1000, 2000, "a"), (3000, 4000, "b")]


@pytest.mark.parametrize("text", ["", "\n\n\n", "#EXTM3U\nfile:///etc/passwd\n", "1\n00:00 --> 00:01\nx", "--> -->"])
def test_what_is_no_subrip_has_no_cue(text: str) -> None:
    assert read_srt(text) == []


def test_a_number_that_is_said_stays() -> None:
    assert texts(read_srt("1\n00:00:01,000 --> 00:00:02,000\n42\n\n2\n00:00:03,000 --> 00:00:04,000\nb"))[0][2] == "42"


def test_webvtt_keeps_settings_and_drops_styles_regions_and_notes() -> None:
    vtt = (
        "WEBVTT - a title\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n"
        "STYLE\n::cue { background: url(http://evil) }\n\nREGION\nid:fred\n\nNOTE a --> b\nnothing\n\n"
        "intro\n00:01.000 --> 00:02.000 line:10% region:fred\n<v Fred>Hi & <b>bye</b>\n\n"
    )
    (cue,) = read_webvtt(vtt)
    assert cue == Cue(start_ms=1000, end_ms=2000, text="Hi &amp; <b>bye</b>", settings="line:10%")


def test_a_file_with_more_cues_than_any_film_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cues, "MOST_CUES", 2)
    with pytest.raises(SubtitlesRefused, match="more than 2"):
        read_srt("00:00:01,000 --> 00:00:02,000\na\n\n" * 3)
