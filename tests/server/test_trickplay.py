"""Stills and chapters as callers get them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from server.keys import DATABASE, STORAGE
from tests.server.conftest import AddFilm, House, Person, PlanFilm
from vod.catalog.models import MediaFile
from vod.hls.plan import Plan
from vod.storage import make_folder, publish

INDEX = b"WEBVTT\n\n00:00:00.000 --> 00:00:10.000\nsheet-00.jpg#xywh=0,0,160,90\n"


def publish_stills(house: House, film: UUID, plan: Plan) -> None:
    storage = house.app[STORAGE]
    make_folder(storage.trickplay(film, plan.digest))
    publish(storage.trickplay(film, plan.digest) / "sheet-00.jpg", b"\xff\xd8 a sheet")
    publish(storage.stills(film, plan.digest), INDEX)


async def shown(user: Person, film: UUID) -> Any:
    return await (await user.get(f"/media-files/{film}")).json()


async def test_stills_have_no_address_before_they_are_there(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    before = await shown(user, film)
    assert (before["hasTrickplay"], before["trickplayUrl"]) == (False, None)
    publish_stills(house, film, await plan_film(film))
    assert (await shown(user, film))["hasTrickplay"]


async def test_stills_are_for_whoever_holds_the_token(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    publish_stills(house, film, await plan_film(film))
    url = (await shown(user, film))["trickplayUrl"]
    stranger = await house.visitor()
    index = await stranger.get(url)
    assert (index.status, index.content_type, await index.read()) == (200, "text/vtt", INDEX)
    sheet = await stranger.get(url.replace("stills.vtt", "sheet-00.jpg"))
    assert (sheet.status, sheet.content_type) == (200, "image/jpeg")
    assert "immutable" in sheet.headers["Cache-Control"]
    token = url.split("/")[4]
    assert (await stranger.get(url.replace(token, token[:-1] + "!"))).status == 403
    assert (await stranger.get(url.replace("stills.vtt", "sheet-01.jpg"))).status == 404


async def test_chapters_are_those_of_the_probe(house: House, user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    assert (await shown(user, film))["chapters"] == []
    chapter = {"start_seconds": 1.5, "end_seconds": 60.0, "title": "<b>One"}

    def probed() -> None:
        MediaFile.update(probe={"chapters": [chapter]}).where(MediaFile.id == film).execute()

    await house.app[DATABASE].run(probed)
    assert (await shown(user, film))["chapters"] == [{"start": 1.5, "end": 60.0, "title": "<b>One"}]
