"""One rendition is written by hand and right; each case then spoils one thing and expects it to be named.

Two more renditions come from a real ffmpeg, so that the reader is not only held against our own writer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vod.hls.builders import make_audio, make_plan, make_rung, make_video
from tests.vod.hls.media import (
    FRAME,
    NON_SYNC,
    avc1_entry,
    edit_list,
    init,
    mp4a_entry,
    segment,
    write_fragments,
)
from vod.containers.boxes import box
from vod.errors import OutputRefused
from vod.hls.plan import Plan
from vod.hls.verify import verify_rendition

CUTS = (0, 3 * FRAME, 6 * FRAME)
RUNG = make_rung(width=64, height=48)
FILM = make_plan(
    video=make_video(timescale=25_000, cuts=CUTS, frame_count=6, rungs=(RUNG,)), audio=(make_audio(cuts=(0, 2048)),)
)
JITTERY = make_plan(
    video=make_video(timescale=25_000, cuts=CUTS, frame_count=6, rungs=(RUNG,), tolerance_ticks=FRAME // 2)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "init.mp4").write_bytes(init(avc1_entry()))
    (tmp_path / "00000.m4s").write_bytes(segment(0))
    (tmp_path / "00001.m4s").write_bytes(segment(3 * FRAME))
    return tmp_path


def test_a_right_rendition_is_accepted(folder: Path) -> None:
    verify_rendition(folder, FILM, "720p")


def test_what_a_killed_worker_left_aside_is_no_fault(folder: Path) -> None:
    (folder / ".00001.m4s.123.0a1b2c3d.part").write_bytes(b"half")
    verify_rendition(folder, FILM, "720p")


@pytest.mark.parametrize(
    ("file_name", "content", "complaint"),
    [
        pytest.param("00001.m4s", None, "it is missing", id="a missing segment"),
        pytest.param("init.mp4", None, "init section of 720p is missing", id="a missing init section"),
        pytest.param("00000.m4s", b"", "it is empty", id="an empty segment"),
        pytest.param("00002.m4s", b"x", "00002.m4s of 720p is not in the plan", id="a segment too many"),
        pytest.param("init.mp4", b"junk", "init section of 720p: box header", id="an init section of junk"),
        pytest.param("init.mp4", init(avc1_entry(), tracks=2), "one track", id="two tracks"),
        pytest.param("init.mp4", init(avc1_entry(), timescale=90_000), "90000 times", id="another clock"),
        pytest.param("init.mp4", init(avc1_entry(), edits=edit_list(1024)), r"\[1024\]", id="a moving edit list"),
        pytest.param("init.mp4", init(avc1_entry(128, 96)), "its picture is 128x96", id="another picture size"),
        pytest.param("00001.m4s", segment(3 * FRAME)[:-1], "Segment 1 of 720p: box", id="a cut file"),
        pytest.param("00001.m4s", segment(3 * FRAME) * 2, "a second", id="two fragments"),
        pytest.param("00001.m4s", box(b"mdat", b"abcdef"), "made of 'mdat'", id="no moof"),
        pytest.param("00001.m4s", segment(3 * FRAME, version=0), "trun is not of version 1", id="an unsigned trun"),
        pytest.param("00001.m4s", segment(3 * FRAME, media=b"abc"), "not in its mdat", id="samples beyond the mdat"),
        pytest.param("00001.m4s", segment(3 * FRAME, shown=(), media=b""), "no sample", id="no samples"),
        pytest.param("00001.m4s", segment(0), "starts at 0, not at 3000", id="a timeline that jumps back"),
        pytest.param("00000.m4s", segment(1), "decoded from 1, not from 0", id="one tick late"),
        pytest.param("00001.m4s", segment(3 * FRAME, duration=999), "lasts 2997 ticks", id="a duration too short"),
        pytest.param("00001.m4s", segment(3 * FRAME, first_flags=NON_SYNC), "keyframe", id="no keyframe first"),
        pytest.param("00001.m4s", segment(3 * FRAME, shown=(0, 1000, 1000)), "one time", id="a doubled frame"),
        pytest.param("00000.m4s", segment(0, shown=(0, 3000, 1000)), "outside", id="a frame of the next one"),
        pytest.param("00000.m4s", segment(0, shown=(-1, 2000, 1000)), "from -1", id="a frame before the film"),
    ],
)
def test_a_fault_is_named(folder: Path, file_name: str, content: bytes | None, complaint: str) -> None:
    (folder / file_name).unlink(missing_ok=True)
    if content is not None:
        (folder / file_name).write_bytes(content)
    with pytest.raises(OutputRefused, match=complaint) as refusal:
        verify_rendition(folder, FILM, "720p")
    assert str(folder) not in refusal.value.detail


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputRefused, match="no folder of 720p"):
        verify_rendition(tmp_path / "720p", FILM, "720p")


def test_times_of_a_jittery_original_may_lie_half_a_frame_before_the_cut(folder: Path) -> None:
    (folder / "00001.m4s").write_bytes(segment(3 * FRAME, shown=(-500, 1999, 1000)))
    verify_rendition(folder, JITTERY, "720p")
    (folder / "00001.m4s").write_bytes(segment(3 * FRAME, shown=(-501, 1999, 1000)))
    with pytest.raises(OutputRefused, match="shown from 2499"):
        verify_rendition(folder, JITTERY, "720p")


def test_the_first_picture_may_come_after_the_first_sound(folder: Path) -> None:
    (folder / "00000.m4s").write_bytes(segment(0, shown=(900, 2500, 1700)))
    verify_rendition(folder, FILM, "720p")


def test_the_last_segment_may_show_a_frame_that_the_container_hid(folder: Path) -> None:
    (folder / "00001.m4s").write_bytes(segment(3 * FRAME, shown=(0, 3500, 1000)))
    verify_rendition(folder, FILM, "720p")


def test_half_of_the_frames_shown_for_twice_as_long_are_no_rendition(folder: Path) -> None:
    (folder / "00000.m4s").write_bytes(segment(0, shown=(0,), duration=3 * FRAME, media=b"ab"))
    verify_rendition(folder, FILM, "720p")  # four of six: what a decoder leaves out of a damaged original
    (folder / "00001.m4s").write_bytes(segment(3 * FRAME, shown=(0,), duration=3 * FRAME, media=b"ab"))
    with pytest.raises(OutputRefused, match="Segment 0 of 720p: it has 1 frames of about 3"):
        verify_rendition(folder, FILM, "720p")


def test_sound_needs_no_keyframe_flag_and_is_exact_to_the_sample(tmp_path: Path) -> None:
    (tmp_path / "init.mp4").write_bytes(init(mp4a_entry(), timescale=48_000))
    (tmp_path / "00000.m4s").write_bytes(segment(0, shown=(0, 1024), duration=1024, first_flags=NON_SYNC))
    verify_rendition(tmp_path, FILM, "audio-eng")
    (tmp_path / "00000.m4s").write_bytes(segment(0, shown=(0, 1023), duration=1023))
    with pytest.raises(OutputRefused, match="lasts 2046 ticks, not 2048"):
        verify_rendition(tmp_path, FILM, "audio-eng")


def test_a_rendition_made_by_a_real_encoder_is_accepted(tmp_path: Path) -> None:
    plan = make_plan(video=make_video(timescale=12_800, cuts=(0, 25_600, 51_200), frame_count=100, rungs=(RUNG,)))
    write_fragments(tmp_path, "-f lavfi -i testsrc2=s=64x48:r=25 -c:v libx264 -bf 2 -g 50 -sc_threshold 0", "4")
    verify_rendition(tmp_path, plan, "720p")


def test_a_rendition_that_is_not_planned_has_no_rules(folder: Path) -> None:
    plan: Plan = FILM
    with pytest.raises(KeyError):
        verify_rendition(folder, plan, "1080p")
