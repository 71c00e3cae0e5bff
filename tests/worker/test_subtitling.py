"""The subtitles job on real films: what lies on the disk, and what the master playlist says of it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from uuid import UUID

import pytest

from tests.clips import clips_folder, make
from tests.vod.ffmpeg import corpus
from tests.vod.hls.media import avc1_entry, init, mp4a_entry
from tests.worker.conftest import Yard
from tests.worker.office import add_planned_film, assignment, storage_of
from tests.worker.subtitled import SOUND, TRUE_TYPE, broadcast_film, subtitled_film
from vod.catalog.models import JobKind
from vod.config import FfmpegSection
from vod.ffmpeg.probe import probe
from vod.ffmpeg.process import Launcher
from vod.hls.plan import Plan
from vod.hls.planning import make_plan
from vod.hls.sidecars import Facts, add_sidecar, remove_sidecar
from vod.storage import segment_name
from vod.subtitles.cues import Cue
from vod.subtitles.srt import read_webvtt
from worker import subtitling
from worker.probing import plan_settings


@pytest.fixture
async def launcher() -> Launcher:
    started = Launcher(FfmpegSection())
    await started.start()
    return started


async def planned(yard: Yard, launcher: Launcher, original: Path) -> tuple[UUID, Plan]:
    plan = make_plan(await probe(launcher, original), plan_settings(yard.config.hls))
    film = add_planned_film(yard, plan)
    shutil.copy(original, storage_of(yard).original(film, "mp4"))
    return film, plan


async def work(yard: Yard, launcher: Launcher, film: UUID) -> None:
    await subtitling.run(*assignment(yard, launcher, film, JobKind.SUBTITLES))


async def subtitled(yard: Yard, launcher: Launcher, original: Path) -> tuple[Path, Plan]:
    """The plan's folder when the job is done."""
    film, plan = await planned(yard, launcher, original)
    put_renditions(yard, film, plan)
    await work(yard, launcher, film)
    return storage_of(yard).plan_folder(film, plan.digest), plan


def put_renditions(yard: Yard, film: UUID, plan: Plan) -> None:
    """Files of the right names: the master lists only what is there."""
    for name in plan.renditions:
        folder = storage_of(yard).rendition(film, plan.digest, name)
        folder.mkdir()
        (folder / "init.mp4").write_bytes(init(mp4a_entry() if name.startswith("audio") else avc1_entry()))
        for number in range(plan.grid(name).count):
            (folder / segment_name(number)).write_bytes(bytes(1000))


def whole(folder: Path, name: str) -> list[tuple[int, int, str]]:
    cues = read_webvtt((folder / name / "whole.vtt").read_text(encoding="utf-8"))
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in cues]


def cues_of_segments(folder: Path, name: str) -> list[list[Cue]]:
    paths = sorted((folder / name).glob("0*.vtt"))
    return [read_webvtt(path.read_text(encoding="utf-8")) for path in paths]


def listed(folder: Path) -> list[str]:
    master = (folder.parent / "master.m3u8").read_text(encoding="utf-8")
    return re.findall(r"TYPE=SUBTITLES.*", master)


async def test_every_text_track_becomes_segments_on_the_films_grid(launcher: Launcher, yard: Yard) -> None:
    folder, _ = await subtitled(yard, launcher, subtitled_film())
    found = [[cue.text for cue in cues] for cues in cues_of_segments(folder, "subs-eng")]
    hello = "<i>Hello</i> &amp; alert(1)"
    assert found == [[hello, "over the cut"], ["over the cut"], ["Bye"]]
    assert whole(folder, "subs-eng") == [(1000, 2500, hello), (5000, 7000, "over the cut"), (13_000, 14_000, "Bye")]
    assert whole(folder, "subs-deu") == [(1000, 2500, "Hallo Welt, schöner Tag")]


async def test_teletext_stays_until_its_page_is_cleared(launcher: Launcher, yard: Yard) -> None:
    folder, plan = await subtitled(yard, launcher, broadcast_film())
    assert [(track.kind, track.language) for track in plan.subtitles] == [("text", "en")]
    # the muxer's own delay is no secret: times count from the film's first picture or sound
    found = [(round(start, -2), round(end, -2), text) for start, end, text in whole(folder, "subs-eng")]
    assert found == [(1000, 2500, "Good evening"), (5000, 7000, "over the cut")]


async def test_the_playlist_covers_the_whole_film_like_every_other(launcher: Launcher, yard: Yard) -> None:
    folder, plan = await subtitled(yard, launcher, subtitled_film())
    playlist = (folder / "subs-eng.m3u8").read_text()
    lengths = [float(found) for found in re.findall(r"#EXTINF:([0-9.]+)", playlist)]
    assert "#EXT-X-TARGETDURATION:6\n" in playlist and "MAP" not in playlist
    assert sum(lengths) == pytest.approx(float(plan.duration_seconds), abs=0.04)
    assert all((folder / name).exists() for name in re.findall(r"^subs.*vtt$", playlist, re.MULTILINE))


async def test_the_master_tells_language_default_forced_and_for_the_deaf(launcher: Launcher, yard: Yard) -> None:
    folder, plan = await subtitled(yard, launcher, subtitled_film())
    assert listed(folder) == [
        f'TYPE=SUBTITLES,GROUP-ID="subs",NAME="{name}",LANGUAGE="{language}",DEFAULT={default},AUTOSELECT=YES,'
        f'FORCED={forced},{deaf}URI="{plan.digest}/{rendition}.m3u8"'
        for name, language, default, forced, deaf, rendition in (
            ("English", "en", "YES", "NO", "", "subs-eng"),
            ("Deutsch (forced)", "de", "NO", "YES", "", "subs-deu"),
            (
                *("English (SDH)", "en", "NO", "NO"),
                'CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,'
                'public.accessibility.describes-music-and-sound",',
                "subs-eng-2",
            ),
            ("日本語", "ja", "NO", "NO", "", "subs-jpn"),
        )
    ]
    master = (folder.parent / "master.m3u8").read_text()
    assert master.count('SUBTITLES="subs"') == master.count("#EXT-X-STREAM-INF")


async def test_styling_is_kept_beside_the_plain_cues(launcher: Launcher, yard: Yard) -> None:
    folder, _ = await subtitled(yard, launcher, subtitled_film())
    assert whole(folder, "subs-jpn") == [(2000, 4000, "A red sign")]
    styled = (folder / "subs-jpn" / "styled.ass").read_text()
    assert "Style: Default,Arial,20,&H0000FFFF" in styled
    assert r"0:00:02.00,0:00:04.00,Default,,0,0,0,,{\an8\c&H0000FF&}A red sign" in styled


async def test_fonts_that_the_original_brings_along_lie_beside_its_subtitles(launcher: Launcher, yard: Yard) -> None:
    folder, _ = await subtitled(yard, launcher, subtitled_film("fonts.mkv", attached=True))
    assert json.loads((folder / "fonts" / "fonts.json").read_text()) == {"fonts": 1}
    # what only calls itself a font is none
    assert [(file.name, file.read_bytes()) for file in (folder / "fonts").glob("*.bin")] == [("0.bin", TRUE_TYPE)]


async def test_pictures_are_kept_as_packets_with_an_index(launcher: Launcher, yard: Yard) -> None:
    folder, _ = await subtitled(yard, launcher, subtitled_film())
    index = json.loads((folder / "subs-fra" / "pictures.json").read_text())
    ((start, end, offset, length),) = index["runs"]
    assert (index["kind"], start, end, offset) == ("pgs", 1000, 3000, 0)
    assert (folder / "subs-fra" / "pictures.bin").stat().st_size == length
    assert not (folder / "subs-fra.m3u8").exists()


async def test_times_count_from_the_films_zero_whenever_the_original_begins(launcher: Launcher, yard: Yard) -> None:
    late = subtitled_film("late.mkv", first_second=10)
    folder, plan = await subtitled(yard, launcher, late)
    assert plan.start_seconds > 9
    found = whole(folder, "subs-eng")
    assert [round(start, -2) for start, _, _ in found] == [1000, 5000, 13_000]
    assert json.loads((folder / "subs-fra" / "pictures.json").read_text())["runs"][0][0] == pytest.approx(1000, abs=50)


async def test_a_second_job_changes_nothing(launcher: Launcher, yard: Yard) -> None:
    film, plan = await planned(yard, launcher, subtitled_film())
    await work(yard, launcher, film)
    folder = storage_of(yard).plan_folder(film, plan.digest)
    before = {path: path.stat().st_ino for path in folder.rglob("*.vtt")}
    await work(yard, launcher, film)
    assert before == {path: path.stat().st_ino for path in folder.rglob("*.vtt")}


async def test_a_track_without_a_line_is_not_listed(launcher: Launcher, yard: Yard) -> None:
    empty = clips_folder() / "empty.srt"
    empty.write_text("1\n00:00:01,000 --> 00:00:02,000\n<i></i>\n")
    original = clips_folder() / "silent.mkv"
    make(*SOUND, "-i", str(empty), "-map", "0", "-map", "1", "-c:a", "aac", "-c:s", "copy", str(original))
    folder, plan = await subtitled(yard, launcher, original)
    assert [track.name for track in plan.subtitles] == ["subs-und"]
    assert not (folder / "subs-und.m3u8").exists() and listed(folder) == []
    assert (folder / "subs-und" / "nothing.json").exists()


async def test_a_track_that_cannot_be_read_does_not_cost_the_others(launcher: Launcher, yard: Yard) -> None:
    """Broadcast pictures on a canvas larger than the encoder is told."""
    folder = clips_folder()
    words, wide, original = folder / "words.srt", folder / "wide.ts", folder / "both.mkv"
    words.write_text("1\n00:00:01,000 --> 00:00:02,000\nstill here\n")
    make("-i", str(corpus.MEDIA / "mkv_sub_vobsub.mkv"), "-map", "0:s", "-c:s", "dvbsub", "-f", "mpegts", str(wide))
    tracks = ("-map", "0", "-map", "1:s", "-map", "2")
    make(*SOUND, "-i", str(wide), "-i", str(words), *tracks, "-c:a", "aac", "-c:s", "copy", str(original))
    below, _ = await subtitled(yard, launcher, original)
    assert [text for _, _, text in whole(below, "subs-und")] == ["still here"]
    assert (below / "subs-eng" / "nothing.json").exists()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        pytest.param("der_mkv_4lang_3sub_font_chap.mkv", {"subs-eng": 546, "subs-fra": 546, "subs-fra-2": 1046}),
        pytest.param("mp4_nasa_speech_subs.mp4", {"subs-eng": 210, "subs-eng-2": 210}),
        pytest.param("mkv_sub_ass.mkv", {"subs-und": 0}),
        pytest.param("mkv_sub_srt.mkv", {"subs-eng": 0}),
    ],
)
async def test_text_tracks_of_the_corpus(launcher: Launcher, yard: Yard, name: str, first: dict[str, int]) -> None:
    folder, _ = await subtitled(yard, launcher, corpus.MEDIA / name)
    assert {path.stem: whole(folder, path.stem)[0][0] for path in folder.glob("subs*.m3u8")} == pytest.approx(first)


async def test_dvd_pictures_of_the_corpus_keep_their_palette(launcher: Launcher, yard: Yard) -> None:
    folder, _ = await subtitled(yard, launcher, corpus.MEDIA / "mkv_sub_vobsub.mkv")
    index = json.loads((folder / "subs-eng" / "pictures.json").read_text())
    assert (index["kind"], index["width"], index["height"], len(index["palette"])) == ("vobsub", 1280, 720, 16)


FACTS = Facts(language="nl", label="Nederlands", forced=False, hearing_impaired=True)


async def test_a_file_beside_the_original_is_published_and_survives_a_new_plan(launcher: Launcher, yard: Yard) -> None:
    film, plan = await planned(yard, launcher, subtitled_film())
    put_renditions(yard, film, plan)
    sidecar = add_sidecar(storage_of(yard), film, b"1\n00:00:01,000 --> 00:00:02,000\nHoi\n", "srt", FACTS, 1.0)
    await work(yard, launcher, film)
    folder = storage_of(yard).plan_folder(film, plan.digest)
    assert whole(folder, sidecar.name) == [(1000, 2000, "Hoi")]
    assert 'NAME="Nederlands",LANGUAGE="nl",DEFAULT=NO,AUTOSELECT=YES' in listed(folder)[-1]
    plan_file = (folder / "plan.json").read_bytes()
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "plan.json").write_bytes(plan_file)
    put_renditions(yard, film, plan)
    await work(yard, launcher, film)
    assert whole(folder, sidecar.name) == [(1000, 2000, "Hoi")]


async def test_a_removed_file_is_listed_no_more(launcher: Launcher, yard: Yard) -> None:
    film, plan = await planned(yard, launcher, subtitled_film())
    put_renditions(yard, film, plan)
    script = b"[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,Hoi\n"
    sidecar = add_sidecar(storage_of(yard), film, script, "ass", FACTS, 1.0)
    await work(yard, launcher, film)
    folder = storage_of(yard).plan_folder(film, plan.digest)
    assert (folder / sidecar.name / "styled.ass").exists()
    remove_sidecar(storage_of(yard), film, sidecar.id)
    await work(yard, launcher, film)
    assert not (folder / sidecar.name).exists()
    assert not any(sidecar.name in line for line in listed(folder)) and len(listed(folder)) == 4
