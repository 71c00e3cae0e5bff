"""The first set-up, signing in under fire, signing out."""

from __future__ import annotations

import statistics
import time

import pytest
from aiohttp import ClientSession
from argon2 import PasswordHasher

from server import sessions, setup_code
from server.app import build_app
from server.keys import DATABASE, PASSWORDS, STORAGE
from tests.server.conftest import PASSWORD, House, Person
from tests.server.running import running
from vod.catalog import accounts
from vod.config import Config


async def set_up(house: House, **fields: str) -> int:
    form = {"code": setup_code.ensure(house.app[STORAGE]), "name": "Ada", "password": PASSWORD} | fields
    return (await (await house.visitor()).post("/setup", data=form)).status


async def test_whoever_reads_the_console_becomes_the_administrator(house: House) -> None:
    assert await set_up(house) == 303
    ada = await house.browser("Ada")
    assert (await ada.get("/api/users")).status == 200


async def test_the_code_may_be_copied_carelessly(house: House) -> None:
    code = setup_code.ensure(house.app[STORAGE])
    assert await set_up(house, code=f" {code.lower().replace('-', ' ')} ") == 303


async def test_the_first_visitor_without_the_code_becomes_nobody(house: House) -> None:
    assert await set_up(house, code="AAAA-AAAA-AAAA-AAAA") == 403
    assert not await house.app[DATABASE].run(accounts.is_set_up)


async def test_the_code_cannot_be_guessed_at_speed(house: House) -> None:
    statuses = [await set_up(house, code=f"AAAA-AAAA-AAAA-{number:04d}") for number in range(7)]
    assert statuses[:5] == [403] * 5 and statuses[-1] == 429


async def test_the_set_up_happens_once(house: House) -> None:
    code = setup_code.ensure(house.app[STORAGE])
    assert await set_up(house) == 303
    assert not house.app[STORAGE].secret(setup_code.FILE).exists()
    assert await set_up(house, code=code, name="Eve") in {403, 409}


async def test_a_short_password_leaves_the_code_in_force(house: House) -> None:
    code = setup_code.ensure(house.app[STORAGE])
    assert await set_up(house, password="short") == 400
    assert setup_code.ensure(house.app[STORAGE]) == code


async def test_the_code_is_for_the_owner_of_the_machine(house: House) -> None:
    setup_code.ensure(house.app[STORAGE])
    assert house.app[STORAGE].secret(setup_code.FILE).stat().st_mode & 0o777 == 0o600


async def test_guessing_is_slowed_and_the_owner_is_told_when_to_come_back(house: House, user: Person) -> None:
    visitor = await house.visitor()
    for _ in range(5):
        await visitor.post("/login", data={"name": "Uwe", "password": "wrong password"})
    answer = await visitor.post("/login", data={"name": "Uwe", "password": PASSWORD})
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert (await visitor.post("/login", data={"name": "Ada", "password": PASSWORD})).status == 303


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(house: House, user: Person) -> None:
    passwords = house.app[PASSWORDS]
    stored = await passwords.hash(PASSWORD)
    assert not await passwords.matches(None, "warm up")

    async def seconds(hashed: str | None) -> float:
        started = time.process_time()
        assert not await passwords.matches(hashed, "wrong password")
        return time.process_time() - started

    known = statistics.median([await seconds(stored) for _ in range(15)])
    unknown = statistics.median([await seconds(None) for _ in range(15)])
    assert known == pytest.approx(unknown, rel=0.5)  # a skipped hash would be a hundred times faster


async def test_an_account_without_a_password_cannot_sign_in(house: House, admin: Person) -> None:
    await house.app[DATABASE].run(accounts.add_named_key, "ci", is_admin=True)
    for password in ("", "nobody has this password"):
        answer = await (await house.visitor()).post("/login", data={"name": "ci", "password": password})
        assert answer.status == 401


async def test_an_outdated_hash_is_renewed_at_sign_in(house: House, user: Person) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    known = await house.app[DATABASE].run(accounts.password_hash, "Uwe")
    assert known is not None
    await house.app[DATABASE].run(accounts.renew_hash, known[0], old)
    await house.browser("Uwe")
    renewed = await house.app[DATABASE].run(accounts.password_hash, "Uwe")
    assert renewed is not None and not house.app[PASSWORDS].outdated(renewed[1])


async def test_signing_out_everywhere_ends_every_session_of_this_user_alone(
    house: House, user: Person, admin: Person
) -> None:
    elsewhere = await house.browser("Uwe")
    assert (await user.ask("DELETE", "/api/sessions")).status == 204
    assert [(await person.get("/media-files")).status for person in (user, elsewhere, admin)] == [401, 401, 200]


async def test_under_https_the_cookie_is_bound_to_this_very_host(config: Config) -> None:
    public = "https://films.example.org"
    section = config.server.model_copy(update={"public_url": public})
    async with (
        running(build_app(config.model_copy(update={"server": section}))) as server,
        ClientSession(server.url("")) as browser,
    ):
        await server.app[DATABASE].run(accounts.add_user, "Ada", await server.app[PASSWORDS].hash(PASSWORD))
        form, headers = {"name": "Ada", "password": PASSWORD}, {"Host": "films.example.org", "Origin": public}
        answer = await browser.post("/login", data=form, headers=headers, allow_redirects=False)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-homereel_session=") and "Secure" in cookie and "Domain" not in cookie


async def test_the_first_page_after_signing_in_is_one_of_ours(house: House, user: Person) -> None:
    for target in ("//evil.example", "/\\evil.example", "https:evil.example", "/\tevil"):
        form = {"name": "Uwe", "password": PASSWORD, "next": target}
        answer = await (await house.visitor()).post("/login", data=form)
        assert (answer.status, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ("/watch/1?t=2", "/watch/1?t=2"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https:evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_only_a_path_of_ours_is_followed(target: str, reached: str) -> None:
    assert sessions.local_path(target) == reached
