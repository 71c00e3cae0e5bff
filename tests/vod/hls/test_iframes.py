"""Keyframes of a real rendition: found by their headers, listed by byte range, and put together as a reel."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import m3u8
import pytest

from tests.clips import decoded_times
from tests.vod.hls.builders import make_plan, make_rung, make_video
from tests.vod.hls.media import FRAME, NON_SYNC, avc1_entry, init, segment, write_fragments
from vod.hls.codecs import codec_string
from vod.hls.grid import Grid
from vod.hls.iframes import (
    iframe_playlist_name,
    list_iframes,
    measure_iframes,
    render_iframe_playlist,
)
from vod.hls.keyframes import Keyframe, read_keyframes, write_reel
from vod.storage import Storage, make_folder, segment_name

# Six seconds, a keyframe every second, cut every two.
PICTURES = "-f lavfi -i testsrc2=s=64x48:r=25 -c:v libx264 -bf 2 -g 25 -sc_threshold 0"
RUNG = make_rung(name="240p", width=64, height=48)
PLAN = make_plan(video=make_video(timescale=12_800, cuts=(0, 12_800, 25_600, 38_400), frame_count=75, rungs=(RUNG,)))
GRID = PLAN.grid("240p")


@pytest.fixture(scope="module")
def rendition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan") / "240p"
    folder.mkdir()
    write_fragments(folder, PICTURES, "3")
    return folder


def decoded(content: bytes, tmp_path: Path) -> list[int]:
    path = tmp_path / "piece.mp4"
    path.write_bytes(content)
    return decoded_times(path)


def test_keyframes_are_found_where_they_are(rendition: Path) -> None:
    found = read_keyframes(rendition, GRID)
    assert [keyframe.segment for keyframe in found] == [0, 1, 2]
    assert [round(keyframe.time / 12_800) for keyframe in found] == [0, 1, 2]


def test_a_keyframe_inside_a_segment_is_found_too(tmp_path: Path) -> None:
    (tmp_path / "init.mp4").write_bytes(init(avc1_entry()))
    whole = segment(0, shown=(0, FRAME, 2 * FRAME), media=b"aabbcc")
    second = whole.index(NON_SYNC.to_bytes(4))
    (tmp_path / segment_name(0)).write_bytes(whole[:second] + (0x02000000).to_bytes(4) + whole[second + 4 :])
    keyframes = read_keyframes(tmp_path, Grid(25_000, (0, 3 * FRAME)))
    assert [(keyframe.time, keyframe.size) for keyframe in keyframes] == [(0, 2), (FRAME, 2)]
    assert whole[keyframes[1].offset :][:2] == b"bb"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0\0\0\x08free", id="no moof"),
        pytest.param(segment(0)[:-5], id="a torn mdat"),
        pytest.param(b"\0\0\0\x10styp" + bytes(4), id="a torn header"),
        pytest.param(b"\xff\xff\xff\xffmoof" + bytes(64), id="a moof without an end"),
    ],
)
def test_a_torn_segment_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "init.mp4").write_bytes(init(avc1_entry()))
    (tmp_path / segment_name(0)).write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_keyframes(tmp_path, Grid(25_000, (0, 3 * FRAME)))


def test_a_segment_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "init.mp4").write_bytes(init(avc1_entry()))
    with pytest.raises(FileNotFoundError):
        read_keyframes(tmp_path, Grid(25_000, (0, 3 * FRAME)))


def test_a_reel_shows_its_keyframes_at_their_times(rendition: Path, tmp_path: Path) -> None:
    found = read_keyframes(rendition, GRID)
    write_reel(tmp_path / "reel.mp4", rendition, [found[0], found[2]])
    assert decoded_times(tmp_path / "reel.mp4") == [found[0].time, found[2].time]


def test_a_reel_of_many_keyframes_keeps_them_all(rendition: Path, tmp_path: Path) -> None:
    first = read_keyframes(rendition, GRID)[0]
    many = [Keyframe(time=n * 100, segment=0, fragment=0, offset=first.offset, size=first.size) for n in range(120)]
    write_reel(tmp_path / "reel.mp4", rendition, many)
    assert decoded_times(tmp_path / "reel.mp4") == [keyframe.time for keyframe in many]


def test_each_listed_range_is_one_picture(rendition: Path, tmp_path: Path) -> None:
    playlist = m3u8.loads(render_iframe_playlist(PLAN, "240p", read_keyframes(rendition, GRID)))
    init_section = (rendition / "init.mp4").read_bytes()
    for listed in playlist.segments:
        length, _, start = listed.byterange.partition("@")
        content = (rendition.parent / listed.uri).read_bytes()[int(start) :][: int(length)]
        assert content[4:8] == b"moof"
        assert len(decoded(init_section + content, tmp_path)) == 1


def test_the_playlist_says_what_it_is(rendition: Path) -> None:
    text = render_iframe_playlist(PLAN, "240p", read_keyframes(rendition, GRID))
    playlist = m3u8.loads(text)
    assert playlist.is_i_frames_only and playlist.is_endlist and playlist.playlist_type == "vod"
    assert int(playlist.version) >= 6
    assert [one.uri for one in playlist.segments] == [f"240p/{segment_name(n)}" for n in range(3)]
    assert [one.duration for one in playlist.segments] == [1, 1, 1]
    assert {one.init_section.uri for one in playlist.segments} == {"240p/init.mp4"}
    assert playlist.target_duration >= max(one.duration for one in playlist.segments)


def test_a_segment_without_a_keyframe_cannot_be_listed(rendition: Path) -> None:
    with pytest.raises(ValueError, match="no keyframe"):
        render_iframe_playlist(PLAN, "240p", read_keyframes(rendition, GRID)[:2])


def test_rates_are_those_of_the_ranges(rendition: Path, tmp_path: Path) -> None:
    text = render_iframe_playlist(PLAN, "240p", read_keyframes(rendition, GRID))
    (tmp_path / "i.m3u8").write_text(text)
    measured = measure_iframes(tmp_path / "i.m3u8", rendition, PLAN, "240p")
    sizes = [int(one.byterange.partition("@")[0]) for one in m3u8.loads(text).segments]
    assert measured.average_bps == pytest.approx(sum(sizes) * 8 / 3, abs=1)
    assert measured.average_bps <= measured.peak_bps <= max(sizes) * 8
    assert measured.codec == codec_string((rendition / "init.mp4").read_bytes())


def test_the_multivariant_playlist_lists_what_is_there(rendition: Path, tmp_path: Path) -> None:
    storage, film = Storage(tmp_path), uuid4()
    folder = storage.plan_folder(film, PLAN.digest)
    make_folder(folder)
    (folder / "240p").symlink_to(rendition)
    assert list_iframes(storage, film, PLAN, "") == ""
    text = render_iframe_playlist(PLAN, "240p", read_keyframes(rendition, GRID))
    storage.media_playlist(film, PLAN.digest, iframe_playlist_name("240p")).write_text(text)
    master = m3u8.loads("#EXTM3U\n" + list_iframes(storage, film, PLAN, f"{PLAN.digest}/"))
    (listed,) = master.iframe_playlists
    assert listed.uri == f"{PLAN.digest}/240p-iframes.m3u8"
    assert listed.iframe_stream_info.resolution == (64, 48)
    assert listed.iframe_stream_info.codecs.startswith("avc1.")
    assert listed.iframe_stream_info.bandwidth >= listed.iframe_stream_info.average_bandwidth > 0
