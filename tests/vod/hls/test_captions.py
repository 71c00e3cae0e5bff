"""Closed captions stay in the pictures through the filters and the encoder, across spans that are made apart."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.captions import captioned
from tests.vod.hls.spans import FILM, encoded, pipe, target
from vod.hls.cutter import cut_video
from vod.hls.encode import Span
from vod.storage import INIT_SECTION, segment_name

SPANS = (Span(first=1, last=2), Span(first=0, last=0))
# The second is loaded in one segment and shown in the next, where another process begins.
LINES = [(1.0, 1.4, "Is anybody there?"), (2.0, 4.0, "Nobody"), (5.0, 5.6, "Then who is that?")]
CUE = re.compile(r"00:00:([\d,]+) --> 00:00:([\d,]+)\n<font[^>]*>{.an7}(.*)</font>")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="scaled"),
        pytest.param({"interlaced": True}, id="deinterlaced"),
        pytest.param({"transfer": "pq"}, id="tone-mapped"),
    ],
)
async def test_an_encoded_rung_says_what_its_original_said(changes: dict[str, Any], tmp_path: Path) -> None:
    assert FILM.video is not None
    plan = replace(FILM, video=replace(FILM.video, **changes))
    original = captioned("spans.mp4", LINES, seconds=6)
    for span in SPANS:
        await cut_video(pipe(encoded(plan, "720p", span, original)), target(tmp_path, plan.grid("720p"), span))
    whole = tmp_path / "whole.mp4"
    parts = (INIT_SECTION, *(segment_name(number) for number in range(3)))
    whole.write_bytes(b"".join((tmp_path / part).read_bytes() for part in parts))
    assert said(whole) == LINES


def said(path: Path) -> list[tuple[float, float, str]]:
    reader = ("-f", "lavfi", "-i", f"movie={path}[out0+subcc]", "-map", "0:s", "-f", "srt", "-")
    text = subprocess.run(("ffmpeg", "-v", "error", *reader), check=True, capture_output=True, text=True).stdout
    return [
        (float(start.replace(",", ".")), float(end.replace(",", ".")), words) for start, end, words in CUE.findall(text)
    ]
