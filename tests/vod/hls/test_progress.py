"""How far a film is, as the disk has it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from uuid import UUID

import pytest

from tests.vod.hls.builders import frame_cuts, make_audio, make_plan, make_rung, make_video, sample_cuts
from vod.errors import NotFound
from vod.hls.plan import Plan
from vod.hls.policy import kept_lanes
from vod.hls.progress import lane_progress, load_plan, missing_segments, rendition_states
from vod.storage import Storage

FILM = UUID(int=7)
# Two segments of six seconds and one of two.
PLAN = make_plan(
    video=make_video(
        cuts=(*frame_cuts(2), 2 * 144 * 1001 + 48 * 1001),
        rungs=(make_rung(), make_rung(name="480p", width=854, height=480)),
    ),
    audio=(make_audio(cuts=sample_cuts(Fraction(14), segments=3)),),
)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    storage = Storage(tmp_path)
    storage.prepare()
    for name in PLAN.renditions:
        storage.rendition(FILM, PLAN.digest, name).mkdir(parents=True)
    return storage


def put(storage: Storage, rendition: str, *numbers: int, plan: Plan = PLAN) -> None:
    for number in numbers:
        storage.segment(FILM, plan.digest, rendition, number).write_bytes(b"segment")


def test_what_lies_on_disk_is_what_is_there(storage: Storage) -> None:
    put(storage, "720p", 0, 1, 2)
    put(storage, "480p", 1)
    states = rendition_states(storage, FILM, PLAN)
    assert {name: (sorted(state.present), state.total, state.complete) for name, state in states.items()} == {
        "720p": ([0, 1, 2], 3, True),
        "480p": ([1], 3, False),
        "audio-eng": ([], 3, False),
    }


def test_only_whole_segments_of_the_plan_count(storage: Storage) -> None:
    put(storage, "720p", 3, 99)
    folder = storage.rendition(FILM, PLAN.digest, "720p")
    for name in ("init.mp4", ".00000.m4s.123.0a1b2c3d.part", "00000.m4s.part", "notes.m4s"):
        (folder / name).write_bytes(b"no segment")
    assert rendition_states(storage, FILM, PLAN)["720p"].present == frozenset()


def test_a_rendition_without_a_folder_has_nothing(storage: Storage) -> None:
    storage.rendition(FILM, PLAN.digest, "480p").rmdir()
    assert rendition_states(storage, FILM, PLAN)["480p"].present == frozenset()


def test_a_lane_lacks_what_any_of_its_renditions_lacks(storage: Storage) -> None:
    put(storage, "720p", 0, 1)
    put(storage, "480p", 1, 2)
    assert missing_segments(storage, FILM, PLAN, "ladder") == [0, 2]
    assert missing_segments(storage, FILM, PLAN, "audio-0") == [0, 1, 2]


def test_progress_is_the_share_of_the_film_s_time(storage: Storage) -> None:
    assert lane_progress(PLAN, PLAN.lanes, rendition_states(storage, FILM, PLAN)) == {"ladder": 0, "audio-0": 0}
    put(storage, "720p", 0, 1, 2)
    put(storage, "480p", 2)
    put(storage, "audio-eng", 0, 1, 2)
    assert lane_progress(PLAN, PLAN.lanes, rendition_states(storage, FILM, PLAN)) == {
        "ladder": pytest.approx((14 + 2) / 28),
        "audio-0": 1,
    }


def test_progress_counts_only_what_is_made_without_anybody_asking(storage: Storage) -> None:
    put(storage, "480p", 0, 1, 2)
    put(storage, "audio-eng", 0, 1, 2)
    lanes = kept_lanes(PLAN, "on-demand")
    assert lane_progress(PLAN, lanes, rendition_states(storage, FILM, PLAN)) == {"preview": 1, "audio-0": 1}


def test_a_stored_plan_is_found(storage: Storage) -> None:
    storage.plan(FILM, PLAN.digest).write_text(PLAN.to_json(), encoding="utf-8")
    assert load_plan(storage, FILM, PLAN.digest) == PLAN


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="gone"),
        pytest.param("", id="empty"),
        pytest.param("{}", id="of no version"),
        pytest.param('{"version":2}', id="without its fields"),
        pytest.param("[]", id="no record"),
        pytest.param(PLAN.to_json().replace('"version":2', '"version":3'), id="of a later version"),
        pytest.param(PLAN.to_json().replace('"crf":23', '"crf":23,"later":1'), id="with fields of a later one"),
    ],
)
def test_a_plan_that_cannot_be_read_is_not_found(storage: Storage, content: str | None) -> None:
    if content is not None:
        storage.plan(FILM, PLAN.digest).write_text(content, encoding="utf-8")
    with pytest.raises(NotFound, match="no plan"):
        load_plan(storage, FILM, PLAN.digest)


def test_a_digest_that_is_none_finds_nothing(storage: Storage) -> None:
    with pytest.raises(NotFound):
        load_plan(storage, FILM, "")
