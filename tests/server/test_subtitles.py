"""Subtitle files beside a film, as people and programs add, list and remove them."""

from __future__ import annotations

import dataclasses
import re
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from aiohttp import FormData

from server.keys import DATABASE, STORAGE
from server.subtitles import LARGEST_FILE_BYTES
from tests.server.conftest import AddFilm, House, Person, PlanFilm
from vod.catalog import jobs, media_files
from vod.catalog.models import JobKind
from vod.hls.plan import Plan, SubtitlePlan
from vod.hls.sidecars import stored_sidecars
from vod.hls.subtitle_files import mark_empty, publish_cues
from vod.storage import make_folder, publish
from vod.subtitles.cues import Cue

SRT = b"1\n00:00:01,000 --> 00:00:02,000\n<i>Hoi</i> & <script>alert(1)</script>\n"
ASS = b"[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,{\\an8}Hoi\n"


def form(content: bytes, name: str = "film.nl.srt", **fields: str) -> FormData:
    data = FormData()
    for key, value in fields.items():
        data.add_field(key, value)
    data.add_field("file", content, filename=name)
    return data


async def add(user: Person, film: UUID, data: FormData) -> tuple[int, dict[str, Any]]:
    answer = await user.post(f"/media-files/{film}/subtitles", data=data)
    return answer.status, await answer.json()


async def listed(user: Person, film: UUID) -> list[dict[str, Any]]:
    answer = await user.get(f"/media-files/{film}/subtitles")
    assert answer.status == 200
    items: list[dict[str, Any]] = (await answer.json())["items"]
    return items


async def test_a_file_is_cleaned_stored_and_a_worker_asked_to_publish_it(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    await plan_film(film)
    status, shown = await add(user, film, form(SRT, language="dut", label="Voor oma", hearingImpaired="true"))
    assert status == 201
    assert (shown["language"], shown["label"], shown["kind"], shown["url"]) == ("nl", "Voor oma", "text", None)
    assert (shown["forced"], shown["hearingImpaired"]) == (False, True)
    storage = house.app[STORAGE]
    (sidecar,) = stored_sidecars(storage, film)
    text = storage.sidecar(film, sidecar.id, "vtt").read_text()
    assert "<i>Hoi</i> &amp; alert(1)" in text and "script" not in text
    open_jobs = await house.app[DATABASE].read(jobs.open_jobs, film)
    assert [job.kind for job in open_jobs if job.lane == "sidecars"] == [JobKind.SUBTITLES]


async def test_without_a_label_it_is_called_by_its_language(user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    _, shown = await add(user, film, form(SRT, language="fr", forced="on", label=""))
    assert (shown["label"], shown["forced"]) == ("Français", True)
    assert [item["id"] for item in await listed(user, film)] == [shown["id"]]


async def test_ass_keeps_its_styling(house: House, user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    status, shown = await add(user, film, form(ASS, "signs.ASS"))
    assert (status, shown["kind"]) == (201, "ass")
    assert "{\\an8}Hoi" in house.app[STORAGE].sidecar(film, UUID(shown["id"]), "ass").read_text()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        pytest.param(form(b"not a cue in it"), 422, "subtitles-unusable", id="no cue"),
        pytest.param(form(b"\x1aE\xdf\xa3\0\0", "x.srt"), 422, "subtitles-unusable", id="a film"),
        pytest.param(form(SRT, "x.sub"), 422, "subtitles-unusable", id="another format"),
        pytest.param(form(SRT, "../../etc/passwd"), 422, "subtitles-unusable", id="no extension"),
        pytest.param(form(SRT, language="klingonese!"), 400, "invalid-request", id="no language"),
        pytest.param(form(SRT, colour="red"), 400, "invalid-request", id="an unknown field"),
        pytest.param(form(SRT, label="x" * 101), 400, "invalid-request", id="a long label"),
        pytest.param(form(b"x" * (LARGEST_FILE_BYTES + 1)), 413, "upload-too-large", id="too large"),
        pytest.param({"language": "en"}, 415, "unsupported-body", id="no form of parts"),
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_reason(
    house: House, user: Person, add_film: AddFilm, data: Any, status: int, code: str
) -> None:
    film = await add_film()
    answered, shown = await add(user, film, data)
    assert (answered, shown["code"]) == (status, code)
    assert stored_sidecars(house.app[STORAGE], film) == []


async def test_a_form_without_a_file_is_refused(user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    data = FormData({"language": "en"})
    data.add_field("label", "x", content_type="text/plain")
    answered, shown = await add(user, film, data)
    assert (answered, shown["code"]) == (400, "invalid-request")


@pytest.mark.parametrize("name", ["../../../evil.srt", "..%2f..%2fevil.srt", "a\\b\\c.srt", "/etc/cron.d/x.srt"])
async def test_the_files_name_never_becomes_a_path(house: House, user: Person, add_film: AddFilm, name: str) -> None:
    film = await add_film()
    status, _ = await add(user, film, form(SRT, name))
    assert status == 201
    folder = house.app[STORAGE].sidecars(film)
    assert all(re.fullmatch(r"[0-9a-f-]{36}\.(vtt|json)", path.name) for path in folder.iterdir())
    assert not list(folder.parents[1].rglob("*evil*"))


async def test_a_removed_file_is_gone_and_a_worker_told(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    await plan_film(film)
    _, shown = await add(user, film, form(SRT))
    gone = await user.ask("DELETE", f"/media-files/{film}/subtitles/{shown['id']}")
    again = await user.ask("DELETE", f"/media-files/{film}/subtitles/{shown['id']}")
    assert (gone.status, again.status) == (204, 404)
    assert await listed(user, film) == [] and list(house.app[STORAGE].sidecars(film).iterdir()) == []


async def test_deleting_the_film_deletes_its_files(house: House, user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    await add(user, film, form(SRT))
    await user.ask("DELETE", f"/media-files/{film}")
    assert not house.app[STORAGE].sidecars(film).exists()


async def test_nobody_adds_subtitles_to_a_film_that_is_not_there_or_without_signing_in(
    house: House, user: Person, add_film: AddFilm
) -> None:
    status, shown = await add(user, UUID(int=1), form(SRT))
    assert (status, shown["code"]) == (404, "not-found")
    film = await add_film()
    stranger = await house.visitor(Origin=house.origin)
    assert (await add(stranger, film, form(SRT)))[0] == 401


async def subtitled(house: House, film: UUID, plan: Plan) -> Plan:
    """The same film with one English track, made."""
    track = SubtitlePlan(
        name="subs-eng",
        stream_index=2,
        kind="text",
        codec="subrip",
        language="en",
        label="English",
        default=True,
        forced=False,
        hearing_impaired=False,
    )
    found, storage = dataclasses.replace(plan, subtitles=(track,)), house.app[STORAGE]
    make_folder(storage.plan_folder(film, found.digest))
    publish(storage.plan(film, found.digest), found.to_json().encode())
    publish_cues(storage, film, found, "subs-eng", [Cue(start_ms=1000, end_ms=2000, text="Hi")])
    await house.app[DATABASE].run(
        media_files.mark_processing, film, probe={}, duration=24.0, width=1, height=1, digest=found.digest
    )
    return found


async def test_a_track_in_which_nobody_says_anything_is_not_shown(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    plan = dataclasses.replace(await plan_film(film), segment_seconds=Fraction(5))  # another digest
    found = await subtitled(house, film, plan)
    storage = house.app[STORAGE]
    storage.media_playlist(film, found.digest, "subs-eng").unlink()
    mark_empty(storage, film, found, "subs-eng")
    assert await listed(user, film) == []


async def test_tracks_of_the_original_come_with_links_that_work_and_show_nothing_by_themselves(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    await subtitled(house, film, await plan_film(film))
    (shown,) = await listed(user, film)
    assert (shown["id"], shown["name"], shown["default"], shown["kind"]) == (None, "subs-eng", True, "text")
    anybody = await house.visitor()
    answer = await anybody.get(shown["url"])
    assert (answer.status, answer.content_type, answer.charset) == (200, "text/vtt", "utf-8")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert (await answer.text()).endswith("00:00:01.000 --> 00:00:02.000\nHi\n")
    segment = await anybody.get(shown["url"].replace("whole", "00000"))
    assert "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000" in await segment.text()
