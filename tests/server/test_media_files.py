from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from server.keys import DATABASE, STORAGE
from server.media_files import TitleChange, retitled
from tests.server.conftest import AddFilm, House, Person, PlanFilm
from vod.catalog import jobs, media_files
from vod.catalog.naming import EpisodeTitling, MovieTitling, Titling
from vod.errors import Invalid
from vod.storage import publish

EPISODE = EpisodeTitling(series="Dark", season=1, episode=2, title="Lies")
MOVIE = MovieTitling(title="Metropolis", release_date="1927")


async def test_a_film_just_uploaded_has_no_manifest_yet(user: Person, add_film: AddFilm) -> None:
    film = await add_film(MOVIE)
    shown = await (await user.get(f"/media-files/{film}")).json()
    assert (shown["id"], shown["status"], shown["playable"]) == (str(film), "UPLOADED", False)
    assert (shown["manifestUrl"], shown["playUrl"]) == (None, None)
    assert (shown["progress"], shown["renditions"], shown["errorMessage"]) == ({}, [], None)
    assert (shown["kind"], shown["title"], shown["releaseDate"]) == ("movie", "Metropolis", "1927")


async def test_progress_is_what_the_disk_says(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    plan = await plan_film(film)
    publish(house.app[STORAGE].segment(film, plan.digest, "720p", 0), b"pictures")
    shown = await (await user.get(f"/media-files/{film}")).json()
    assert (shown["status"], shown["duration"], shown["progress"]) == ("PROCESSING", 24.0, {"ladder": 0.25})
    assert shown["renditions"] == [
        {
            "name": "720p",
            "type": "video",
            "lane": "ladder",
            "width": 1280,
            "height": 720,
            "language": None,
            "label": None,
            "complete": False,
            "available": True,
            "progress": 0.25,
            "segmentsDone": 1,
            "segmentsTotal": 4,
        }
    ]


async def test_the_manifest_of_a_playable_film_opens_with_its_own_token(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    await plan_film(film)
    await house.app[DATABASE].run(media_files.mark_playable, film)
    publish(house.app[STORAGE].master(film), b"#EXTM3U\n")
    shown = await (await user.get(f"/media-files/{film}")).json()
    answer = await (await house.visitor()).get(shown["manifestUrl"])
    assert (answer.status, await answer.text()) == (200, "#EXTM3U\n")


async def test_links_stay_the_same_from_one_look_to_the_next(house: House, user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    await house.app[DATABASE].run(media_files.mark_playable, film)
    first, second = [await (await user.get(f"/media-files/{film}")).json() for _ in range(2)]
    assert first["manifestUrl"] == second["manifestUrl"]  # a player that reloads keeps its cache


async def test_the_original_is_offered_under_a_name_that_every_disk_can_hold(user: Person, add_film: AddFilm) -> None:
    film = await add_film(MovieTitling(title="Face/Off: <Extended>"))
    shown = await (await user.get(f"/media-files/{film}")).json()
    assert shown["originalUrl"].endswith("/Face%20Off%20Extended.mp4")


async def test_the_list_is_paged_newest_first(user: Person, add_film: AddFilm) -> None:
    films = [str(await add_film()) for _ in range(5)]
    seen, cursor = [], ""
    while True:
        page = await (await user.get(f"/media-files?limit=2{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == films[::-1]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("q=metro", ["Metropolis"]),
        ("q=dark", ["Lies"]),
        ("kind=episode", ["Lies"]),
        ("kind=movie", ["Metropolis"]),
        ("status=READY", []),
        ("status=UPLOADED&kind=movie", ["Metropolis"]),
        ("q=%25", []),
    ],
)
async def test_the_list_is_filtered(user: Person, add_film: AddFilm, query: str, titles: list[str]) -> None:
    await add_film(MOVIE)
    await add_film(EPISODE)
    page = await (await user.get(f"/media-files?{query}")).json()
    assert [item["title"] for item in page["items"]] == titles


@pytest.mark.parametrize(
    ("current", "change", "titling"),
    [
        pytest.param(MOVIE, {"title": "  M \n "}, replace(MOVIE, title="M"), id="a title, tidied"),
        pytest.param(MOVIE, {"releaseDate": "1931-05-11"}, replace(MOVIE, release_date="1931-05-11"), id="a date"),
        pytest.param(MOVIE, {"releaseDate": ""}, replace(MOVIE, release_date=None), id="no date"),
        pytest.param(MOVIE, {}, MOVIE, id="nothing"),
        pytest.param(
            MOVIE,
            {"description": " One.\r\n\n\nTwo.\x1b "},
            replace(MOVIE, description="One.\n\nTwo."),
            id="what it is about",
        ),
        pytest.param(EPISODE, {"episode": 3}, replace(EPISODE, episode=3), id="an episode's number"),
        pytest.param(EPISODE, {"title": ""}, replace(EPISODE, title=""), id="an episode without a title"),
        pytest.param(EPISODE, {"kind": "movie", "title": "Lies"}, MovieTitling(title="Lies"), id="becomes a movie"),
        pytest.param(
            MOVIE,
            {"series": "Dark", "season": 0, "episode": 1},
            EpisodeTitling(series="Dark", season=0, episode=1),
            id="becomes an episode",
        ),
    ],
)
def test_only_what_is_given_changes(current: Titling, change: dict[str, object], titling: Titling) -> None:
    assert retitled(current, TitleChange.model_validate(change), "film.mp4") == titling


@pytest.mark.parametrize(
    ("current", "change"),
    [
        pytest.param(MOVIE, {"title": " \n"}, id="a movie without a title"),
        pytest.param(MOVIE, {"series": "Dark", "season": 1}, id="an episode without a number"),
        pytest.param(EPISODE, {"series": ""}, id="an episode without a series"),
        pytest.param(EPISODE, {"description": "x"}, id="an episode with a description of its own"),
    ],
)
def test_a_title_that_is_none_is_refused(current: Titling, change: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        retitled(current, TitleChange.model_validate(change), "film.mp4")


async def test_a_film_is_renamed(user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    answer = await user.ask("PATCH", f"/media-files/{film}", json={"title": "M", "releaseDate": "1931"})
    assert (answer.status, (await answer.json())["title"]) == (200, "M")


@pytest.mark.parametrize("date", ["1931-13", "31", "yesterday", "1931-05-32"])
async def test_a_date_that_is_none_is_refused(user: Person, add_film: AddFilm, date: str) -> None:
    film = await add_film()
    assert (await user.ask("PATCH", f"/media-files/{film}", json={"releaseDate": date})).status == 400


async def test_deleting_takes_the_bytes_and_every_row(
    house: House, user: Person, add_film: AddFilm, plan_film: PlanFilm
) -> None:
    film = await add_film()
    await plan_film(film)
    storage = house.app[STORAGE]
    publish(storage.original(film, "mp4"), b"film")
    assert (await user.ask("DELETE", f"/media-files/{film}")).status == 204
    assert not storage.hls(film).exists() and not storage.original(film, "mp4").exists()
    assert (await user.get(f"/media-files/{film}")).status == 404
    assert await house.app[DATABASE].run(jobs.counts) == {}
    assert (await user.ask("DELETE", f"/media-files/{film}")).status == 404


async def test_a_cancelled_film_says_so_and_can_be_tried_again(user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    assert await (await user.post(f"/media-files/{film}/cancel")).json() == {"jobs": 1}
    shown = await (await user.get(f"/media-files/{film}")).json()
    assert (shown["status"], shown["errorMessage"]) == ("FAILED", jobs.CANCELLED)
    assert await (await user.post(f"/media-files/{film}/retry")).json() == {"jobs": 1}
    (job,) = (await (await user.get("/api/jobs?state=open")).json())["items"]
    assert (job["mediaFileId"], job["kind"], job["state"]) == (str(film), "probe", "PENDING")


@pytest.mark.parametrize("verb", ["retry", "cancel"])
async def test_there_is_nothing_to_do_to_a_film_that_is_not_there(user: Person, verb: str) -> None:
    assert (await user.post(f"/media-files/{UUID(int=1)}/{verb}")).status == 404


async def test_a_job_that_cannot_exist_is_no_place_in_their_list(user: Person) -> None:
    answer = await user.get(f"/api/jobs?cursor={2**63}")
    assert (answer.status, (await answer.json())["code"]) == (400, "invalid-request")
