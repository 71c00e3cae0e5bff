"""The pages as a browser gets them: who sees which, what stands in them, and that text stays text."""

from __future__ import annotations

from html.parser import HTMLParser
from uuid import UUID, uuid4

import pytest

from server.headers import CONTENT_SECURITY_POLICY
from server.keys import DATABASE, STORAGE
from server.setup_code import ensure
from tests.server.conftest import PASSWORD, AddFilm, House, Person
from vod.catalog import watching
from vod.catalog.models import Episode, MediaFile, Movie, Series
from vod.catalog.naming import EpisodeTitling, MovieTitling

HTML = {"Accept": "text/html"}
FOR_USERS = ["/", "/upload", "/jobs", "/admin/keys"]
FOR_ADMINISTRATORS = ["/admin/users"]

HOSTILE = [
    pytest.param("<script>alert(1)</script>", id="script"),
    pytest.param('"><img src=x onerror=alert(1)>', id="out of a double-quoted attribute"),
    pytest.param("' onmouseover='alert(1)", id="out of a single-quoted attribute"),
    pytest.param("javascript:alert(1)", id="javascript link"),
    pytest.param("</title><script>alert(1)</script>", id="out of the title"),
    pytest.param("</textarea><svg/onload=alert(1)>", id="svg"),
    pytest.param("{{ 7 * 7 }}{% raw %}", id="template language"),
    pytest.param("<!-- <iframe srcdoc='<script>alert(1)</script>'>", id="comment and frame"),
    pytest.param("\u202egnp.exe\u2066 film", id="bidirectional override"),
    pytest.param("&lt;b&gt; &amp; &#60;i&#62;", id="already escaped"),
]


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    def values(self, attribute: str) -> list[str]:
        return [value for name, value in self.attributes if name == attribute]

    @property
    def text(self) -> str:
        return " ".join(word for word in self.words if word)


async def read(person: Person, path: str, status: int = 200) -> Page:
    answer = await person.get(path, headers=HTML)
    assert answer.status == status, path
    return Page(await answer.text())


async def make_ready(house: House, media_id: UUID, **columns: object) -> None:
    values = {"duration": 600.0, "status": "READY", "playable_at": 1.0} | columns
    await house.app[DATABASE].run(lambda: MediaFile.update(**values).where(MediaFile.id == media_id).execute())


# ---- who sees what ----


async def test_before_the_set_up_every_way_leads_there(house: House) -> None:
    visitor = await house.visitor(**HTML)
    for path in ("/", "/login"):
        assert (await visitor.get(path)).headers["Location"] == "/setup"


async def test_the_set_up_code_makes_the_first_account_and_signs_it_in(house: House) -> None:
    visitor = await house.visitor(Origin=house.origin, **HTML)
    form = {"code": ensure(house.app[STORAGE]), "name": "Ada", "password": PASSWORD}
    assert (await visitor.post("/setup", data=form)).headers["Location"] == "/"
    assert "The screen is waiting." in (await read(visitor, "/")).text
    assert (await visitor.get("/setup")).headers["Location"] == "/login"


async def test_a_wrong_set_up_code_is_said_and_the_form_is_kept_but_for_the_password(house: House) -> None:
    visitor = await house.visitor(Origin=house.origin, **HTML)
    form = {"code": "WRONG", "name": "Ada", "password": PASSWORD}
    answer = await visitor.post("/setup", data=form)
    page = Page(await answer.text())
    assert answer.status == 403
    assert "The set-up code is wrong." in page.text
    assert {"WRONG", "Ada"} <= set(page.values("value"))
    assert PASSWORD not in page.source


@pytest.mark.parametrize("path", [*FOR_USERS, *FOR_ADMINISTRATORS, f"/watch/{uuid4()}", "/movies/1", "/series/1"])
async def test_a_stranger_is_sent_to_sign_in_and_comes_back(house: House, admin: Person, path: str) -> None:
    visitor = await house.visitor(**HTML)
    answer = await visitor.get(path)
    assert (answer.status, answer.headers["Location"]) == (303, f"/login?next={path}")


async def test_signing_in_leads_back_but_never_to_another_host(house: House, admin: Person) -> None:
    for wanted, target in [
        ("/jobs", "/jobs"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil", "/"),
    ]:
        visitor = await house.visitor(Origin=house.origin, **HTML)
        form = {"name": "Ada", "password": PASSWORD, "next": wanted}
        assert (await visitor.post("/login", data=form)).headers["Location"] == target


async def test_a_wrong_password_is_said_without_saying_which(house: House, admin: Person) -> None:
    visitor = await house.visitor(Origin=house.origin, **HTML)
    answer = await visitor.post("/login", data={"name": "Ada", "password": "wrong", "next": "/jobs"})
    page = Page(await answer.text())
    assert answer.status == 401
    assert "The name or the password is wrong." in page.text
    assert {"Ada", "/jobs"} <= set(page.values("value"))


async def test_signing_out_ends_the_session(house: House, user: Person) -> None:
    token = await house.csrf_token(user)
    assert (await user.post("/logout", data={"csrf": token})).headers["Location"] == "/login"
    assert (await user.get("/", headers=HTML)).headers["Location"].startswith("/login")


async def test_signing_out_everywhere_ends_the_sessions_of_all_browsers(house: House, user: Person) -> None:
    other = await house.browser("Uwe")
    form = {"csrf": await house.csrf_token(user), "everywhere": "yes"}
    assert (await user.post("/logout", data=form)).headers["Location"] == "/login"
    assert (await other.get("/", headers=HTML)).headers["Location"].startswith("/login")


@pytest.mark.parametrize("path", FOR_USERS)
async def test_a_user_sees_the_pages_for_users(user: Person, path: str) -> None:
    page = await read(user, path)
    assert "Uwe" in page.text
    assert page.values("aria-label").count("Main") == 1


@pytest.mark.parametrize("path", FOR_ADMINISTRATORS)
async def test_only_an_administrator_sees_the_pages_for_administrators(admin: Person, user: Person, path: str) -> None:
    assert (await admin.get(path, headers=HTML)).status == 200
    assert (await read(user, path, status=403)).text.count("This door is closed to you.") > 0


async def test_pages_are_never_stored_and_carry_the_policy(user: Person) -> None:
    answer = await user.get("/", headers=HTML)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


# ---- what stands in them ----


async def test_films_and_series_stand_on_their_own_shelves(house: House, user: Person, add_film: AddFilm) -> None:
    await add_film(MovieTitling(title="Night Train", release_date="2021-03-01"))
    for episode in (1, 2):
        await add_film(EpisodeTitling(series="Kitchen Stories", season=1, episode=episode, title="Bread"))
    text = (await read(user, "/")).text
    assert "Kitchen Stories Kitchen Stories 2 episodes" in text
    assert "Night Train 2021" in text
    assert "Waiting its turn" in text


async def test_a_search_shows_only_what_it_finds(house: House, user: Person, add_film: AddFilm) -> None:
    await add_film(MovieTitling(title="Night Train"))
    await add_film(MovieTitling(title="Ostsee 100 %"))
    assert "Ostsee" not in (await read(user, "/?q=train")).text
    assert "Night Train" not in (await read(user, "/?q=100 %25")).text
    assert "Nothing called “ nothing ”" in (await read(user, "/?q=nothing")).text


async def test_what_was_begun_can_be_continued_by_whoever_began_it(
    house: House, admin: Person, user: Person, add_film: AddFilm
) -> None:
    media_id = await add_film(MovieTitling(title="Night Train"))
    await make_ready(house, media_id)
    await house.app[DATABASE].run(watching.remember, 2, media_id, 90.0, 1.0)
    assert "Night Train 1:30 of 10:00" in (await read(user, "/")).text
    assert "Continue watching" not in (await read(admin, "/")).text
    assert (await read(user, f"/watch/{media_id}")).values("data-position") == ["90.0"]


async def test_the_pages_of_a_film_and_of_a_series_lead_to_the_player(
    house: House, user: Person, add_film: AddFilm
) -> None:
    film = await add_film(MovieTitling(title="Night Train"))
    episode = await add_film(EpisodeTitling(series="Kitchen Stories", season=2, episode=3))
    assert f"/watch/{film}" in (await read(user, "/movies/1")).values("href")
    series = await read(user, "/series/1")
    assert f"/watch/{episode}" in series.values("href")
    assert "Season 2" in series.text
    assert "/series/1" in (await read(user, f"/watch/{episode}")).values("href")


async def test_what_a_film_or_a_series_is_about_is_kept_in_its_own_lines(
    house: House, user: Person, add_film: AddFilm
) -> None:
    film = await add_film(MovieTitling(title="Night Train"))
    await add_film(EpisodeTitling(series="Kitchen Stories", season=2, episode=3))
    words = {"description": "Two strangers.\nOne <night>."}
    assert (await user.ask("PATCH", f"/media-files/{film}", json=words)).status == 200
    assert (await user.ask("PATCH", "/api/series/1", json=words)).status == 204
    for path in (f"/watch/{film}", "/movies/1", "/series/1"):
        assert words["description"] in (await read(user, path)).text
    assert (await user.ask("PATCH", "/api/series/2", json=words)).status == 404


@pytest.mark.parametrize("path", ["/movies/1", "/series/1", f"/watch/{uuid4()}", "/watch/x", "/no/such/page"])
async def test_what_is_not_there_has_a_page_of_its_own(user: Person, path: str) -> None:
    assert "This reel is not on the shelf." in (await read(user, path, status=404)).text


async def test_the_chosen_appearance_is_in_the_page_before_any_script_runs(user: Person) -> None:
    for chosen, shown in [("dark", ["dark"]), ("light", ["light"]), ("<x>", [])]:
        answer = await user.get("/", headers=HTML | {"Cookie": f"theme={chosen}; homereel_session={user.session_id}"})
        assert Page(await answer.text()).values("data-theme") == shown


# ---- text stays text ----


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_a_hostile_title_stays_text_on_every_page(
    house: House, user: Person, add_film: AddFilm, hostile: str
) -> None:
    plain = await add_film(MovieTitling(title="Plain"), name="plain.mp4")
    await add_film(EpisodeTitling(series="Plain", season=1, episode=1, title="Plain"))
    before = {path: await read(user, path) for path in ("/", "/movies/1", "/series/1", f"/watch/{plain}")}
    await house.app[DATABASE].run(_rename_everything, hostile)
    for path, innocent in before.items():
        page = await read(user, path)
        assert page.elements == innocent.elements
        assert [name for name, _ in page.attributes] == [name for name, _ in innocent.attributes]
        assert page.values("href") == innocent.values("href")
        assert not set(page.source) & set("\u202e\u2066\u2069\x1b")
        if "\u202e" not in hostile:
            assert hostile in page.text


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_a_hostile_user_name_and_search_stay_text(house: House, admin: Person, hostile: str) -> None:
    visitor = await house.visitor(Origin=house.origin, **HTML)
    form = {"name": hostile, "password": "wrong", "next": hostile}
    again = Page(await (await visitor.post("/login", data=form)).text())
    assert "/" in again.values("value")
    found = await admin.get("/", headers=HTML, params={"q": hostile})
    page = Page(await found.text())
    for one in (again, page):
        assert not {"img", "iframe", "textarea"} & set(one.elements)
        assert not [name for name, _ in one.attributes if name.startswith("on")]


def _rename_everything(title: str) -> None:
    for record in (Movie, Series, Episode):
        record.update(title=title).execute()


# ---- stills and static files ----


async def test_a_still_is_for_those_who_are_signed_in_and_kept_privately(
    house: House, user: Person, add_film: AddFilm
) -> None:
    media_id = await add_film()
    url = f"/artwork/{media_id}/poster.jpg"
    assert (await user.get(url)).status == 404
    path = house.app[STORAGE].artwork(media_id, "poster.jpg")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    answer = await user.get(url)
    assert (answer.status, answer.content_type) == (200, "image/jpeg")
    assert answer.headers["Cache-Control"].startswith("private")
    assert (await (await house.visitor()).get(url)).status == 401


@pytest.mark.parametrize(
    ("path", "kind"),
    [("js/watch.js", "text/javascript"), ("css/base.css", "text/css"), ("img/icons.svg", "image/svg+xml")],
)
async def test_static_files_are_typed_and_asked_for_anew(house: House, path: str, kind: str) -> None:
    visitor = await house.visitor()
    first = await visitor.get(f"/static/{path}")
    assert (first.status, first.content_type, first.headers["Cache-Control"]) == (200, kind, "no-cache")
    again = await visitor.get(f"/static/{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304


async def test_fonts_are_kept_by_the_browser(house: House) -> None:
    visitor = await house.visitor()
    answer = await visitor.get("/static/vendor/fonts/alegreya-latin-wght-normal.woff2")
    assert (answer.status, answer.content_type) == (200, "font/woff2")
    assert "max-age" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "js", "js/%00", "nothing.js", "a" * 5000]
)
async def test_nothing_outside_the_static_folder_is_served(house: House, path: str) -> None:
    visitor = await house.visitor()
    assert (await visitor.get(f"/static/{path}")).status == 404
