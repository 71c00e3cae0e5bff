"""Originals that players take, in containers that nothing can be handed on from in place: repacked, never encoded."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from tests.clips import clips_folder, make
from tests.worker.conftest import Yard
from tests.worker.office import row_of, storage_of
from tests.worker.reel import context_for, end, open_jobs
from tests.worker.test_copies import frames
from tests.worker.test_probing import add_original
from vod.catalog import jobs
from vod.catalog.models import Job, JobKind, MediaStatus
from vod.config import FfmpegSection
from vod.containers.flv import MOST_TAGS, settings_change
from vod.ffmpeg.process import Launcher
from vod.hls.plan import REMUX_LANE, Plan
from vod.hls.policy import evictable_rungs, kept_lanes
from vod.hls.progress import load_plan
from vod.hls.verify import verify_rendition
from worker import encoding, probing
from worker.verifying import verify_decodes

SECONDS = 20
PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=192x108:rate=25:duration={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "50", "-sc_threshold", "0", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-b:a", "64k")

REPACKED = {
    "plain.ts": X264,
    "film.flv": X264,
    "no-b-frames.ts": (*X264, "-bf", "0"),
    "camera.m2ts": (*X264, "-mpegts_m2ts_mode", "1"),
    "vfr.ts": ("-vf", "select='lt(mod(n,10),6)'", "-fps_mode", "vfr", *X264),
}
PACKET_BYTES, BURST_PACKETS = 188, 12
CUT_OFF_BYTES = 5000  # of the recording's end, in the middle of a picture
ENCODED = {
    "open.ts": (*X264, "-x264-params", "open-gop=1:keyint=50:bframes=3:scenecut=0"),
    "sparse.ts": (*X264, "-g", "1000"),
    "interlaced.ts": (*X264, "-flags", "+ilme+ildct", "-x264-params", "tff=1"),
    "ten-bit.ts": (*X264, "-pix_fmt", "yuv420p10le"),
    "mpeg2.ts": ("-c:v", "mpeg2video"),
    "no-times.avi": X264,
}
# It has keyframes of which none but the first is a picture that a decoder may begin at: a refresh that wanders.
WANDERING = (*X264, "-bf", "0", "-x264-params", "intra-refresh=1:keyint=50:bframes=0")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


@cache
def original(name: str, coding: tuple[str, ...]) -> Path:
    path = clips_folder() / f"remuxed-{name}"
    make(*PICTURE, *SOUND, *coding, *AAC, str(path))
    return path


async def plan_film(yard: Yard, launcher: Launcher, name: str, coding: tuple[str, ...]) -> tuple[UUID, Plan]:
    film = add_original(yard, original(name, coding))
    return film, await probe(yard, launcher, film)


async def probe(yard: Yard, launcher: Launcher, film: UUID) -> Plan:
    job = yard.database.unit(jobs.add, film, JobKind.PROBE)
    await probing.run(job, context_for(yard, launcher, job))
    end(yard, job)
    return load_plan(storage_of(yard), film, row_of(yard, film).plan_digest or "")


async def remux(yard: Yard, launcher: Launcher, film: UUID, first: int, last: int) -> None:
    yard.database.unit(lambda: Job.delete().where(Job.kind == JobKind.ENCODE).execute())
    job = yard.database.unit(
        jobs.add, film, JobKind.ENCODE, lane=REMUX_LANE, first_segment=first, last_segment=last, priority=jobs.LADDER
    )
    try:
        await encoding.run(job, context_for(yard, launcher, job))
    finally:
        end(yard, job)


@pytest.mark.parametrize("name", REPACKED)
async def test_a_player_sees_the_original_s_frames_at_their_times(
    launcher: Launcher, yard: Yard, tmp_path: Path, name: str
) -> None:
    """Made segment by segment, in any order: each process begins and ends where it is told to."""
    film, plan = await plan_film(yard, launcher, name, REPACKED[name])
    folder = storage_of(yard).rendition(film, plan.digest, "original")
    numbers = list(range(plan.grid("original").count))
    assert len(numbers) > 2
    random.Random(5).shuffle(numbers)
    for number in numbers:
        await remux(yard, launcher, film, number, number)
    verify_rendition(folder, plan, "original")
    await verify_decodes(launcher, folder, plan, "original")
    whole = tmp_path / "whole.mp4"
    whole.write_bytes(b"".join(path.read_bytes() for path in (folder / "init.mp4", *sorted(folder.glob("*.m4s")))))
    wanted = frames(original(name, REPACKED[name]), "v")
    shift = float(plan.start_seconds)
    found = [(round(time + shift, 4), content) for time, content in frames(whole, "v")]
    assert [content for _, content in found] == [content for _, content in wanted]
    assert max(abs(ours - its) for (ours, _), (its, _) in zip(found, wanted, strict=True)) < 0.0006


async def test_all_of_it_in_one_span_is_the_same(launcher: Launcher, yard: Yard) -> None:
    film, plan = await plan_film(yard, launcher, "plain.ts", REPACKED["plain.ts"])
    folder = storage_of(yard).rendition(film, plan.digest, "original")
    last = plan.grid("original").count - 1
    await remux(yard, launcher, film, 0, last)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.glob("*.m4s"):
        path.unlink()
    for number in range(last + 1):
        await remux(yard, launcher, film, number, number)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


@pytest.mark.parametrize("name", ENCODED)
async def test_what_players_should_not_get_is_encoded(launcher: Launcher, yard: Yard, name: str) -> None:
    _, plan = await plan_film(yard, launcher, name, ENCODED[name])
    assert plan.pictures == plan.rungs != ()


async def test_a_film_is_planned_anew_where_its_keyframes_turn_out_to_be_none(launcher: Launcher, yard: Yard) -> None:
    film, plan = await plan_film(yard, launcher, "wandering.ts", WANDERING)
    assert REMUX_LANE in plan.lanes
    await remux(yard, launcher, film, 0, plan.grid("original").count - 1)
    assert len(open_jobs(yard, film, JobKind.PROBE)) == 1
    plan = await probe(yard, launcher, film)
    assert plan.pictures == plan.rungs != ()


def damaged() -> Path:
    """A burst of what a bad aerial lets through, in the middle of the film."""
    path = clips_folder() / "remuxed-damaged.ts"
    content = bytearray(original("plain.ts", REPACKED["plain.ts"]).read_bytes())
    middle = len(content) // 2 // PACKET_BYTES * PACKET_BYTES
    for packet in range(middle, middle + BURST_PACKETS * PACKET_BYTES, PACKET_BYTES):
        content[packet + 20 : packet + PACKET_BYTES] = random.Random(packet).randbytes(PACKET_BYTES - 20)
    path.write_bytes(content)
    return path


def changing() -> Path:
    """Two recordings in one file, of one size; what the second is coded with is told in the middle of the stream."""
    path = clips_folder() / "remuxed-changing.ts"
    parts = []
    for number, settings in enumerate(("cabac=1", "cabac=0:ref=5")):
        part = path.with_name(f"{number}-{path.name}")
        moved = ("-output_ts_offset", str((SECONDS + 1) * number))
        make(*PICTURE, *SOUND, *X264, "-x264-params", settings, *AAC, *moved, str(part))
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))
    return path


@pytest.mark.parametrize("recording", [damaged, changing])
async def test_what_a_player_could_not_decode_in_the_middle_is_encoded(
    launcher: Launcher, yard: Yard, recording: Callable[[], Path]
) -> None:
    film = add_original(yard, recording())
    plan = await probe(yard, launcher, film)
    assert REMUX_LANE in plan.lanes
    await remux(yard, launcher, film, 0, plan.grid("original").count - 1)
    assert len(open_jobs(yard, film, JobKind.PROBE)) == 1


async def test_of_a_recording_that_was_cut_off_only_the_last_picture_is_left_out(
    launcher: Launcher, yard: Yard, tmp_path: Path
) -> None:
    cut_off = tmp_path / "cut-off.ts"
    cut_off.write_bytes(original("no-b-frames.ts", REPACKED["no-b-frames.ts"]).read_bytes()[:-CUT_OFF_BYTES])
    film = add_original(yard, cut_off)
    plan = await probe(yard, launcher, film)
    last = plan.grid("original").count - 1
    await remux(yard, launcher, film, 0, last)
    assert open_jobs(yard, film, JobKind.PROBE) == []
    folder = storage_of(yard).rendition(film, plan.digest, "original")
    verify_rendition(folder, plan, "original")
    await verify_decodes(launcher, folder, plan, "original")


def test_flash_video_whose_settings_change_is_told_apart(tmp_path: Path) -> None:
    film = original("film.flv", REPACKED["film.flv"]).read_bytes()
    same, changed = tmp_path / "same.flv", tmp_path / "changed.flv"
    tag, settings = _settings_tag(film)
    same.write_bytes(film + tag + settings + bytes(4))
    changed.write_bytes(film + tag + settings[:-1] + b"\xff" + bytes(4))
    assert not settings_change(same)
    assert settings_change(changed)


def _settings_tag(film: bytes) -> tuple[bytes, bytes]:
    """The first of them: header and content."""
    begin = film.index(bytes((0x17, 0, 0, 0, 0))) - 11
    size = int.from_bytes(film[begin + 1 : begin + 4])
    return film[begin : begin + 16], film[begin + 16 : begin + 11 + size]


def test_flash_video_of_nothing_but_empty_tags_is_given_up(tmp_path: Path) -> None:
    empty = tmp_path / "empty.flv"
    with empty.open("wb") as file:
        file.write(b"FLV\x01\x05" + (9).to_bytes(4) + bytes(4))
        file.truncate(15 * (MOST_TAGS + 10))
    with pytest.raises(ValueError, match="more tags"):
        settings_change(empty)


async def test_originals_are_not_repacked_where_they_are_not_to_be_handed_on(launcher: Launcher, yard: Yard) -> None:
    film = add_original(yard, original("plain.ts", REPACKED["plain.ts"]))
    job = yard.database.unit(jobs.add, film, JobKind.PROBE)
    await probing.run(job, context_for(yard, launcher, job, hls={"copy_originals": False}))
    plan = load_plan(storage_of(yard), film, row_of(yard, film).plan_digest or "")
    assert plan.pictures == plan.rungs != ()


async def test_its_beginning_is_made_first_and_can_be_asked_for_at_once(launcher: Launcher, yard: Yard) -> None:
    film, plan = await plan_film(yard, launcher, "plain.ts", REPACKED["plain.ts"])
    assert storage_of(yard).init_section(film, plan.digest, "original").exists()
    head = [job for job in open_jobs(yard, film, JobKind.ENCODE) if job.lane == REMUX_LANE and job.first_segment == 0]
    assert [(job.last_segment, job.is_urgent) for job in head] == [(0, True)]
    await remux(yard, launcher, film, 0, 0)
    assert f"{plan.digest}/original.m3u8" in storage_of(yard).master(film).read_text()
    assert row_of(yard, film).status == MediaStatus.PROCESSING


async def test_it_takes_room_and_so_it_is_a_cache(launcher: Launcher, yard: Yard) -> None:
    _, plan = await plan_film(yard, launcher, "plain.ts", REPACKED["plain.ts"])
    assert "original" in {picture.name for picture in evictable_rungs(plan)}
    assert REMUX_LANE in kept_lanes(plan, "eager")
    assert REMUX_LANE not in kept_lanes(plan, "on-demand") or plan.preview is None


async def test_a_small_film_of_which_nothing_less_is_made_is_there_on_demand_too(
    launcher: Launcher, yard: Yard
) -> None:
    _, plan = await plan_film(yard, launcher, "plain.ts", REPACKED["plain.ts"])
    assert plan.preview is None
    assert REMUX_LANE in kept_lanes(plan, "on-demand")
