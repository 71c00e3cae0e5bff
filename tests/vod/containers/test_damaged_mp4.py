"""A damaged film is read or refused; it never costs memory or time, or another error than the two that are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vod.hls.copied import BASE, original
from vod.containers.mp4 import read_tracks
from vod.containers.samples import IndexedTrack, NotCopyable

FILMS = (BASE, "fragments.mp4", "quicktime.mov", "vfr.mp4")
VALUES = (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"\xff" * 8)
PATCHES = st.lists(st.tuples(st.integers(0, 1 << 20), st.sampled_from(VALUES)), min_size=1, max_size=8)


@pytest.mark.parametrize("name", FILMS)
@given(patches=PATCHES, cut=st.integers(0, 1 << 21))
@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_in_the_headers(name: str, patches: list[tuple[int, bytes]], cut: int, tmp_path: Path) -> None:
    content = bytearray(original(name).read_bytes())
    moov = content.index(b"moov") - 4
    size = int.from_bytes(content[moov : moov + 4])
    for position, value in patches:
        at = moov + position % (size + 200)
        content[at : at + len(value)] = value
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content[: cut if cut < len(content) else None])
    for track in tracks_of(path):
        if track.samples:
            ends = map(sum, zip(track.samples.offsets, track.samples.sizes, strict=True))
            assert max(ends) <= path.stat().st_size
            assert min(track.samples.offsets) >= 0


def tracks_of(path: Path) -> list[IndexedTrack]:
    try:
        return read_tracks(path)
    except NotCopyable:
        return []
