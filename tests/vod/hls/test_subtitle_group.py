"""EXT-X-MEDIA of subtitles (hls-rules.md 28, RFC 8216 4.3.4.1)."""

from __future__ import annotations

import re

from vod.hls.subtitle_group import render_subtitle_group
from vod.hls.subtitles import SubtitleTrack


def track(name: str, **facts: object) -> SubtitleTrack:
    known = {"language": "en", "label": name, "default": False, "forced": False, "hearing_impaired": False}
    return SubtitleTrack(name=name, **(known | facts))  # type: ignore[arg-type]


def attributes(line: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in re.findall(r'([A-Z-]+)=("[^"]*"|[^",]+)', line)}


def test_the_default_comes_first_and_is_picked_automatically() -> None:
    first, second = (attributes(line) for line in render_subtitle_group([track("a"), track("b", default=True)], "x/"))
    assert (first["NAME"], first["DEFAULT"], first["AUTOSELECT"], first["URI"]) == ("b", "YES", "YES", "x/b.m3u8")
    assert (second["NAME"], second["DEFAULT"], second["AUTOSELECT"]) == ("a", "NO", "NO")


def test_what_a_player_can_tell_apart_is_each_picked_automatically() -> None:
    tracks = [track("a"), track("b", forced=True), track("c", hearing_impaired=True), track("d", language="fr")]
    lines = [attributes(line) for line in render_subtitle_group(tracks, "")]
    assert [line["AUTOSELECT"] for line in lines] == ["YES"] * 4
    assert [line["FORCED"] for line in lines] == ["NO", "YES", "NO", "NO"]
    assert "CHARACTERISTICS" in lines[2] and "CHARACTERISTICS" not in lines[0]


def test_there_is_one_default_at_most() -> None:
    lines = render_subtitle_group([track("a", default=True), track("b", default=True)], "")
    assert ["DEFAULT=YES" in line for line in lines] == [True, False]


def test_a_label_cannot_end_its_attribute() -> None:
    (line,) = render_subtitle_group([track("a", label='x",URI="http://evil\n#EXT')], "")
    assert attributes(line)["URI"] == "a.m3u8" and "\n" not in line
