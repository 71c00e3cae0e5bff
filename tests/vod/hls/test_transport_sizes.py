"""Pictures of which a transport segment would be refused are not listed in the first place."""

from __future__ import annotations

from array import array
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from tests.vod.hls.builders import make_plan, make_video
from vod.hls.index_writing import encode
from vod.hls.plan import CopiedRung, Plan
from vod.hls.segment_index import VirtualSegment
from vod.hls.transport_sizes import too_large
from vod.storage import Storage

FILM = UUID("11111111-1111-4111-8111-111111111111")
MEBIBYTE = 1 << 20
CAMERA = frozenset({"original"})


def plan_of(expected_bps: int) -> Plan:
    """Segments of six seconds."""
    copied = CopiedRung(
        name="original", stream_index=0, width=3840, height=2160, codec="avc1.640033", expected_bps=expected_bps
    )
    return make_plan(video=replace(make_video(), copied=copied))


def written(root: Path, plan: Plan, sizes: list[int]) -> Storage:
    storage = Storage(root)
    path = storage.segment_index(FILM, plan.digest, "original")
    path.parent.mkdir(parents=True)
    segments = [VirtualSegment(head=b"", offsets=array("Q", [0]), lengths=array("I", [size])) for size in sizes]
    path.write_bytes(encode(segments, max(sizes)))
    return storage


@pytest.mark.parametrize(
    ("mebibytes", "expected"),
    [
        pytest.param([1, 60, 1], frozenset(), id="as large as one may be"),
        pytest.param([1, 61, 1], CAMERA, id="one of them is larger"),
    ],
)
def test_the_largest_segment_counts_whatever_was_expected(
    tmp_path: Path, mebibytes: list[int], expected: frozenset[str]
) -> None:
    for expected_bps in (1, 1_000_000_000):
        plan = plan_of(expected_bps)
        storage = written(tmp_path / str(expected_bps), plan, [size * MEBIBYTE for size in mebibytes])
        assert too_large(storage, FILM, plan) == expected


@pytest.mark.parametrize(
    ("megabits", "expected"),
    [pytest.param(40, frozenset(), id="a Blu-ray"), pytest.param(50, CAMERA, id="a camera")],
)
def test_twice_the_films_rate_counts_where_segments_are_not_known_yet(
    tmp_path: Path, megabits: int, expected: frozenset[str]
) -> None:
    assert too_large(Storage(tmp_path), FILM, plan_of(megabits * 1_000_000)) == expected


def test_what_is_encoded_here_never_is(tmp_path: Path) -> None:
    assert too_large(Storage(tmp_path), FILM, make_plan()) == frozenset()
