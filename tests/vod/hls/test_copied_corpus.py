"""The copy lane on other people's files: each is handed on frame for frame, or there is a known reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vod.ffmpeg.corpus import MEDIA, good, manifest
from tests.vod.hls.copied import copy_pictures, frames, start_of, write_copy
from tests.vod.hls.test_virtual import assert_same, moved
from vod.containers.mp4 import read_tracks
from vod.containers.samples import NotCopyable

REASONS = {
    "mp4_h264_hi10p.mp4": "not 4:2:0 with 8 bits",
}
FILES = sorted(
    name for name, row in manifest().items() if row["container"] == "mov/mp4" and "h264" in row["vcodec"] and good(row)
)


@pytest.mark.parametrize("name", FILES)
def test_a_copy_is_the_original_frame_for_frame(name: str, tmp_path: Path) -> None:
    path = MEDIA / name
    tracks = read_tracks(path)
    index = next(one.track.index for one in tracks if one.track.kind == "video")
    if name in REASONS:
        with pytest.raises(NotCopyable, match=REASONS[name]):
            copy_pictures(path, index=index)
        return
    copied = copy_pictures(path, index=index)
    copy = write_copy(path, copied, tmp_path / "copy.mp4")
    assert_same(frames(copy, "v"), moved(frames(path, str(index)), start_of(tracks)), copied)
