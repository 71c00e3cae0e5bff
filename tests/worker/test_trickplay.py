"""Stills of real films: each shows what the film shows at its time, wherever it was taken from."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import m3u8
import numpy as np
import pytest
import pytest_asyncio

from tests.clips import clip, clips_folder, make
from tests.vod.ffmpeg import corpus
from tests.worker.conftest import Yard
from tests.worker.office import storage_of
from tests.worker.winding import COLOUR_SECONDS, COLOURS, RGB, X264, add_film, colours, cues_of, wind
from vod.config import FfmpegSection
from vod.errors import DiskFull, OutputRefused
from vod.ffmpeg.process import Launcher
from vod.hls.iframes import list_iframes
from vod.hls.thumbnails import find_thumbnails

KEYFRAME_SECONDS = 2  # of the rungs


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


@pytest.mark.parametrize("made", [pytest.param(True, id="from a rung"), pytest.param(False, id="from the original")])
async def test_each_still_shows_what_the_film_shows_at_its_time(launcher: Launcher, yard: Yard, made: bool) -> None:
    original = colours("keyed.mp4", "-g", "25", "-keyint_min", "25")
    film, plan = await add_film(yard, launcher, original, made=made)
    await wind(yard, launcher, film)
    cues = cues_of(yard, film, plan)
    assert [cue.colour for cue in cues] == [COLOURS[int(cue.start // COLOUR_SECONDS)] for cue in cues]
    assert {cue.colour for cue in cues} == set(COLOURS)
    assert all(later.start - cue.start <= KEYFRAME_SECONDS for cue, later in pairwise(cues))
    assert (cues[0].start, cues[-1].end) == (0, 24)
    assert all(cue.end == later.start for cue, later in pairwise(cues))


@pytest.mark.parametrize("made", [True, False])
async def test_a_variable_rate_moves_no_still(launcher: Launcher, yard: Yard, made: bool) -> None:
    """Half of the film has a tenth of the frames: whoever counts frames instead of time is seconds off."""
    rare = "select='lt(t,12)+not(mod(n,10))'"
    original = clips_folder() / "rare.mkv"
    keys = ("-force_key_frames", "0,4,8,12,16,20", "-sc_threshold", "0", "-g", "9999")
    make("-i", str(colours()), "-vf", rare, "-fps_mode", "vfr", *X264, *keys, str(original))
    film, plan = await add_film(yard, launcher, original, made=made)
    await wind(yard, launcher, film)
    cues = cues_of(yard, film, plan)
    assert [cue.colour for cue in cues] == [COLOURS[int((cue.start + 0.01) // COLOUR_SECONDS)] for cue in cues]
    assert {cue.colour for cue in cues} == set(COLOURS)


async def test_keyframes_of_the_original_keep_their_own_times(launcher: Launcher, yard: Yard) -> None:
    original = colours("sparse.mkv", "-force_key_frames", "0,4.4,9.8,17", "-sc_threshold", "0", "-g", "9999")
    film, plan = await add_film(yard, launcher, original, made=False)
    await wind(yard, launcher, film)
    cues = cues_of(yard, film, plan)
    assert [cue.start for cue in cues] == [0, 4.4, 9.8, 17]
    assert [cue.colour for cue in cues] == ["red", "lime", "blue", "white"]
    assert find_thumbnails(storage_of(yard), film, plan) is None


async def test_stills_are_listed_for_dash_as_soon_as_they_are_there(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, colours("keyed.mp4", "-g", "25", "-keyint_min", "25"), made=True)
    await wind(yard, launcher, film)
    found = find_thumbnails(storage_of(yard), film, plan)
    assert found is not None
    assert found.tile_microseconds == pytest.approx(1_000_000 * KEYFRAME_SECONDS, abs=10_000)
    assert (found.width, found.height) == (1600, 270)
    assert "thumbnail_tile" in storage_of(yard).dash(film, plan.digest).read_text()


async def test_a_film_held_upright_has_upright_stills(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, clip("rotated.mp4"), made=False)
    await wind(yard, launcher, film)
    assert {cue.picture.size for cue in cues_of(yard, film, plan)} == {(90, 160)}


async def test_wide_pixels_become_square(launcher: Launcher, yard: Yard) -> None:
    original = colours("anamorphic.mkv", "-aspect", "16:9", size="352x288")
    film, plan = await add_film(yard, launcher, original, made=False)
    await wind(yard, launcher, film)
    assert {cue.picture.size for cue in cues_of(yard, film, plan)} == {(160, 90)}


def wide_range() -> Path:
    """SDR pictures that claim to be HDR10: odd to look at, but the same through every tone map."""
    path = clips_folder() / "pq.mp4"
    tags = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    ten_bit = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", *tags)
    make("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2", *ten_bit, str(path))
    return path


@pytest.mark.parametrize("name", ["", "mp4_hevc_hlg10.mp4", "mp4_av1_hdr10.mp4"][: 3 if corpus.MEDIA.is_dir() else 1])
async def test_high_dynamic_range_looks_as_in_the_ladder(launcher: Launcher, yard: Yard, name: str) -> None:
    original = corpus.MEDIA / name if name else wide_range()
    pictures = []
    for made in (True, False):
        film, plan = await add_film(yard, launcher, original, made=made)
        await wind(yard, launcher, film)
        pictures.append(np.asarray(cues_of(yard, film, plan)[0].picture.convert("RGB"), dtype=float))
    assert np.abs(pictures[0] - pictures[1]).mean() < 6
    assert pictures[0].std() > 20


HD_COLOURS = ("-vf", "scale=1280:720:out_color_matrix=bt709:out_range=tv", "-t", "1")


@pytest.mark.parametrize("tags", [("-colorspace", "bt709"), ("-colorspace", "unknown")])
async def test_colours_are_those_of_the_screen(launcher: Launcher, yard: Yard, tags: tuple[str, str]) -> None:
    """JPEG's own matrix is another than that of high definition: lime would turn to grass."""
    original = clips_folder() / f"hd-{tags[1]}.mp4"
    make("-f", "lavfi", "-i", "color=lime:s=1280x720:r=25", *HD_COLOURS, *X264, *tags, str(original))
    for made in (True, False):
        film, plan = await add_film(yard, launcher, original, made=made)
        await wind(yard, launcher, film)
        middle = np.asarray(cues_of(yard, film, plan)[0].picture.convert("RGB"), dtype=float)[45, 80]
        assert np.abs(middle - RGB["lime"]).max() < 10


async def test_a_film_of_one_frame_has_one_still(launcher: Launcher, yard: Yard, tmp_path: Path) -> None:
    original = tmp_path / "one.mp4"
    make("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-frames:v", "1", *X264, str(original))
    for made in (True, False):
        film, plan = await add_film(yard, launcher, original, made=made)
        await wind(yard, launcher, film)
        (cue,) = cues_of(yard, film, plan)
        assert (cue.start, cue.end) == (0, 0.04)


async def test_sound_alone_has_none(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, clip("audio-only.m4a"), made=False)
    await wind(yard, launcher, film)
    assert not storage_of(yard).trickplay(film, plan.digest).exists()


async def test_what_is_there_is_not_made_again(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, clip("no-audio.mp4"), made=False)
    await wind(yard, launcher, film)
    index = storage_of(yard).stills(film, plan.digest)
    before = index.stat().st_ino
    await wind(yard, launcher, film)
    assert index.stat().st_ino == before


async def test_nothing_but_sheets_and_their_index_is_left(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, colours(), made=True)
    folder = storage_of(yard).trickplay(film, plan.digest)
    folder.mkdir()
    (folder / ".reel.1.dead.part").touch()  # of a worker that was killed
    await wind(yard, launcher, film)
    assert sorted(path.name for path in folder.iterdir()) == ["sheet-00.jpg", "stills.vtt"]


async def test_a_damaged_original_is_nobodys_failure(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, clip("no-audio.mp4"), made=False)
    storage_of(yard).original(film, "mp4").write_bytes(b"junk")
    await wind(yard, launcher, film)
    assert not storage_of(yard).stills(film, plan.digest).exists()


async def test_stills_wait_for_room_on_the_disk(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, colours(), made=True)
    with pytest.raises(DiskFull):
        await wind(yard, launcher, film, reserve_bytes=1 << 60)
    assert list(storage_of(yard).trickplay(film, plan.digest).iterdir()) == []


async def test_the_smallest_rung_is_listed_by_its_keyframes(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, colours(), made=True)
    await wind(yard, launcher, film)
    master = m3u8.load(str(storage_of(yard).master(film)))
    (listed,) = master.iframe_playlists
    rung = plan.rungs[-1]
    assert listed.iframe_stream_info.resolution == (rung.width, rung.height)
    playlist = m3u8.load(str(storage_of(yard).hls(film) / listed.uri))
    assert len(playlist.segments) == plan.grid(rung.name).count
    segments = storage_of(yard).plan_folder(film, plan.digest)
    assert all((segments / one.uri).exists() for one in playlist.segments)


async def test_a_repaired_segment_renews_its_list(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, colours(), made=True)
    await wind(yard, launcher, film)
    segment = storage_of(yard).segment(film, plan.digest, plan.rungs[-1].name, 1)
    segment.write_bytes(b"\0\0\0\x08free" + segment.read_bytes())
    assert list_iframes(storage_of(yard), film, plan, "") == ""
    await wind(yard, launcher, film)
    (listed,) = m3u8.load(str(storage_of(yard).master(film))).iframe_playlists
    ranges = [one.byterange for one in m3u8.load(str(storage_of(yard).hls(film) / listed.uri)).segments]
    start = int(ranges[1].partition("@")[2])
    assert segment.read_bytes()[start + 4 : start + 8] == b"moof"


async def test_a_torn_segment_is_our_own_failure(launcher: Launcher, yard: Yard) -> None:
    film, plan = await add_film(yard, launcher, colours(), made=True)
    segment = storage_of(yard).segment(film, plan.digest, plan.rungs[-1].name, 1)
    segment.write_bytes(segment.read_bytes()[:400])
    with pytest.raises(OutputRefused):
        await wind(yard, launcher, film)
    assert not storage_of(yard).stills(film, plan.digest).exists()
