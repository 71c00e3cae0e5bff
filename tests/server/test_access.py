"""Sessions, API keys, forged requests."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from server.access import CSRF_HEADER, SESSION_COOKIE
from server.app import build_app
from server.keys import DATABASE, TOKENS
from tests.server.conftest import PASSWORD, House, Person
from tests.server.running import connection, parse_answer, request_head, running
from vod.catalog import accounts
from vod.catalog.models import Session
from vod.config import Config
from vod.errors import TokenRefused
from vod.tokens import Scope, key_subject, user_subject


async def test_a_wrong_password_and_an_unknown_name_are_refused_in_the_same_words(house: House, user: Person) -> None:
    stranger = await house.visitor()
    wrong = await stranger.post("/login", data={"name": "Uwe", "password": "not the password"})
    unknown = await stranger.post("/login", data={"name": "Nobody", "password": "not the password"})
    assert (wrong.status, unknown.status) == (401, 401)
    words = (await wrong.text()).replace("Uwe", "NAME"), (await unknown.text()).replace("Nobody", "NAME")
    assert words[0] == words[1]


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House, user: Person) -> None:
    answer = await (await house.visitor()).post("/login", data={"name": "Uwe", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert "Secure" not in cookie  # plain http in the house


async def test_the_database_holds_no_session_id(house: House, user: Person) -> None:
    rows = await house.app[DATABASE].run(lambda: [session.id_hash for session in Session.select()])
    assert user.session_id not in rows
    assert accounts.hashed(user.session_id) in rows


async def test_a_session_id_planted_before_sign_in_is_worth_nothing_after(house: House, user: Person) -> None:
    planted = user.session_id
    answer = await user.post("/login", data={"name": "Uwe", "password": PASSWORD})
    assert answer.status == 303 and user.session_id != planted
    thief = await house.visitor(Cookie=f"{SESSION_COOKIE}={planted}")
    assert (await thief.get("/media-files")).status == 401


async def test_signing_out_ends_this_session_alone(house: House, user: Person) -> None:
    elsewhere = await house.browser("Uwe")
    token = user.headers.pop(CSRF_HEADER)
    assert (await user.post("/logout", data={"csrf": token})).status == 303
    assert (await user.get("/media-files")).status == 401
    assert (await elsewhere.get("/media-files")).status == 200


async def test_an_idle_session_ends(house: House, user: Person) -> None:
    long_ago = time.time() - accounts.SESSION_IDLE_SECONDS - 1
    await house.app[DATABASE].run(lambda: Session.update(seen_at=long_ago).execute())
    assert (await user.get("/media-files")).status == 401


async def test_a_session_ends_after_its_longest_life_however_busy(house: House, user: Person) -> None:
    long_ago = time.time() - accounts.SESSION_LIFE_SECONDS - 1
    await house.app[DATABASE].run(lambda: Session.update(created_at=long_ago).execute())
    assert (await user.get("/media-files")).status == 401


async def test_a_busy_session_is_kept(house: House, user: Person) -> None:
    before = time.time() - accounts.SEEN_EVERY_SECONDS - 1
    await house.app[DATABASE].run(lambda: Session.update(seen_at=before).execute())
    assert (await user.get("/media-files")).status == 200
    seen_at = await house.app[DATABASE].run(lambda: max(session.seen_at for session in Session.select()))
    assert seen_at > before


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="another site"),
        pytest.param({"Origin": "null"}, id="a page without an origin"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, id="another port of this host"),
        pytest.param({CSRF_HEADER: "guessed"}, id="our origin, a guessed token"),
        pytest.param({CSRF_HEADER: ""}, id="our origin, no token"),
    ],
)
async def test_a_forged_request_is_refused(user: Person, headers: dict[str, str]) -> None:
    answer = await user.post("/api/keys", json={"name": "k"}, headers=headers)
    assert (answer.status, (await answer.json())["code"]) == (403, "forbidden")


async def test_a_session_alone_changes_nothing_without_an_origin(user: Person) -> None:
    del user.headers["Origin"]
    assert (await user.post("/api/keys", json={"name": "k"})).status == 403


async def test_another_sites_sign_in_form_is_refused(house: House, user: Person) -> None:
    visitor = await house.visitor(Origin="https://evil.example")
    assert (await visitor.post("/login", data={"name": "Uwe", "password": PASSWORD})).status == 403


async def test_a_key_needs_no_origin_and_no_form_token(house: House, user: Person) -> None:
    program = await house.program("Uwe")
    assert (await program.post("/api/keys", json={"name": "another"})).status == 201


async def test_a_revoked_key_is_refused_at_once(house: House, user: Person) -> None:
    made = await (await user.post("/api/keys", json={"name": "telly"})).json()
    program = await house.visitor(Authorization=f"Bearer {made['key']}")
    assert (await program.get("/media-files")).status == 200
    assert (await user.ask("DELETE", f"/api/keys/{made['id']}")).status == 204
    assert (await program.get("/media-files")).status == 401


async def test_stream_links_made_with_a_key_end_with_it_and_no_others(house: House, user: Person) -> None:
    made = await (await user.post("/api/keys", json={"name": "telly"})).json()
    tokens, film = house.app[TOKENS], uuid4()
    in_an_hour = int(time.time()) + 3600
    by_key = tokens.sign(film, key_subject(made["id"]), Scope.HLS, in_an_hour)
    by_user = tokens.sign(film, user_subject(2), Scope.HLS, in_an_hour)
    assert (await user.ask("DELETE", f"/api/keys/{made['id']}")).status == 204
    with pytest.raises(TokenRefused):
        tokens.verify(by_key, film, Scope.HLS, time.time())
    tokens.verify(by_user, film, Scope.HLS, time.time())


async def test_a_key_is_shown_once(user: Person) -> None:
    made = await (await user.post("/api/keys", json={"name": "telly"})).json()
    listed = await (await user.get("/api/keys")).json()
    assert [item["name"] for item in listed["items"]] == ["telly"]
    assert made["key"] not in str(listed)


async def test_a_plain_key_of_an_administrator_is_no_administrator(house: House, admin: Person) -> None:
    program = await house.program("Ada")
    assert (await program.get("/api/users")).status == 403


async def test_a_key_cannot_make_a_key_with_more_rights(house: House, admin: Person) -> None:
    program = await house.program("Ada")
    assert (await program.post("/api/keys", json={"name": "more", "isAdmin": True})).status == 403


async def test_a_key_loses_the_rights_that_its_user_lost(house: House, admin: Person, user: Person) -> None:
    second = await house.add_user("Eva", admin=True)
    program = await house.program("Eva", admin=True)
    assert (await program.get("/api/users")).status == 200
    answer = await admin.ask("PATCH", f"/api/users/{second}", json={"isAdmin": False})
    assert answer.status == 200
    assert (await program.get("/api/users")).status == 403


async def test_the_key_of_another_user_is_not_found(house: House, admin: Person, user: Person) -> None:
    made = await (await admin.post("/api/keys", json={"name": "hers"})).json()
    assert (await user.ask("DELETE", f"/api/keys/{made['id']}")).status == 404


async def test_a_bad_key_is_not_rescued_by_a_good_cookie(user: Person) -> None:
    assert (await user.get("/media-files", headers={"Authorization": "Bearer hr_nonsense"})).status == 401


@pytest.mark.parametrize("secret", ["Authorization: Bearer hr_\xff", f"Cookie: {SESSION_COOKIE}=\xff"])
async def test_a_secret_that_is_no_text_is_a_wrong_one(config: Config, secret: str) -> None:
    name, _, value = secret.partition(": ")
    async with running(build_app(config)) as server, connection(server) as (reader, writer):
        writer.write(request_head("/media-files", "GET", {name: value, "Connection": "close"}))
        answer = parse_answer(await reader.read(-1))
    assert answer.status == 401
