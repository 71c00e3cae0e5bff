from __future__ import annotations

import pytest

from server.keys import TOKENS
from tests.server.conftest import PASSWORD, House, Person
from vod.tokens import user_subject

NEW_PASSWORD = "another good password"


async def own_id(admin: Person, name: str) -> int:
    users = (await (await admin.get("/api/users")).json())["items"]
    return int(next(user["id"] for user in users if user["name"] == name))


async def test_an_administrator_adds_a_user_who_can_sign_in(house: House, admin: Person) -> None:
    answer = await admin.post("/api/users", json={"name": "Eva", "password": PASSWORD})
    made = await answer.json()
    assert (answer.status, made["name"], made["isAdmin"]) == (201, "Eva", False)
    assert PASSWORD not in str(made)
    assert (await (await house.browser("Eva")).get("/media-files")).status == 200


@pytest.mark.parametrize("password", ["short", "x" * 1025])
async def test_a_password_that_is_no_good_is_refused(admin: Person, password: str) -> None:
    assert (await admin.post("/api/users", json={"name": "Eva", "password": password})).status == 400


async def test_two_users_cannot_have_one_name(admin: Person, user: Person) -> None:
    answer = await admin.post("/api/users", json={"name": "uwe", "password": PASSWORD})
    assert (answer.status, (await answer.json())["code"]) == (409, "conflict")


async def test_a_user_changes_his_own_password_and_stays_signed_in_here_alone(
    house: House, user: Person, admin: Person
) -> None:
    elsewhere, before = await house.browser("Uwe"), user.session_id
    body = {"password": NEW_PASSWORD, "currentPassword": PASSWORD}
    assert (await user.ask("PATCH", f"/api/users/{await own_id(admin, 'Uwe')}", json=body)).status == 200
    assert user.session_id != before
    assert [(await person.get("/media-files")).status for person in (user, elsewhere)] == [200, 401]
    await house.browser("Uwe", password=NEW_PASSWORD)


@pytest.mark.parametrize("current", [{}, {"currentPassword": "not the password"}])
async def test_whoever_found_an_open_session_cannot_take_the_account(
    user: Person, admin: Person, current: dict[str, str]
) -> None:
    answer = await user.ask(
        "PATCH", f"/api/users/{await own_id(admin, 'Uwe')}", json={"password": NEW_PASSWORD} | current
    )
    assert answer.status == 401


async def test_an_administrator_resets_a_forgotten_password(house: House, user: Person, admin: Person) -> None:
    answer = await admin.ask("PATCH", f"/api/users/{await own_id(admin, 'Uwe')}", json={"password": NEW_PASSWORD})
    assert answer.status == 200
    assert (await user.get("/media-files")).status == 401
    await house.browser("Uwe", password=NEW_PASSWORD)


async def test_a_user_cannot_make_himself_an_administrator(user: Person, admin: Person) -> None:
    assert (await user.ask("PATCH", f"/api/users/{await own_id(admin, 'Uwe')}", json={"isAdmin": True})).status == 403


async def test_other_users_are_not_found(user: Person, admin: Person) -> None:
    body = {"password": NEW_PASSWORD}
    assert (await user.ask("PATCH", f"/api/users/{await own_id(admin, 'Ada')}", json=body)).status == 404


async def test_the_streams_of_a_deleted_user_end_at_once(house: House, user: Person, admin: Person) -> None:
    user_id = await own_id(admin, "Uwe")
    subjects = house.app[TOKENS].subjects
    subjects.admit(user_subject(user_id))
    assert (await admin.ask("DELETE", f"/api/users/{user_id}")).status == 204
    assert user_subject(user_id) not in subjects
    assert (await user.get("/media-files")).status == 401


async def test_the_last_administrator_cannot_be_deleted(admin: Person) -> None:
    assert (await admin.ask("DELETE", f"/api/users/{await own_id(admin, 'Ada')}")).status == 409
