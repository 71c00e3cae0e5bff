from __future__ import annotations

from uuid import UUID

import pytest

from tests.server.conftest import AddFilm, Person


async def position(person: Person, film: UUID) -> float:
    return float((await (await person.get(f"/api/watch/{film}")).json())["position"])


async def test_a_position_is_remembered_for_whoever_watched(user: Person, admin: Person, add_film: AddFilm) -> None:
    film = await add_film()
    assert await position(user, film) == 0
    for seconds in (12.5, 90.25):
        assert (await user.ask("PUT", f"/api/watch/{film}", json={"position": seconds})).status == 204
    assert (await position(user, film), await position(admin, film)) == (90.25, 0)


@pytest.mark.parametrize(
    "body", ['{"position": -1}', '{"position": NaN}', '{"position": 1e9}', '{"position": "x"}', "{}"]
)
async def test_a_position_that_is_in_no_film_is_refused(user: Person, add_film: AddFilm, body: str) -> None:
    film = await add_film()
    headers = {"Content-Type": "application/json"}
    assert (await user.ask("PUT", f"/api/watch/{film}", data=body, headers=headers)).status == 400


async def test_a_film_that_is_not_there_has_no_position(user: Person) -> None:
    nobodys = UUID(int=1)
    assert (await user.get(f"/api/watch/{nobodys}")).status == 404
    assert (await user.ask("PUT", f"/api/watch/{nobodys}", json={"position": 1})).status == 404


async def test_a_deleted_film_is_forgotten(user: Person, add_film: AddFilm) -> None:
    film = await add_film()
    await user.ask("PUT", f"/api/watch/{film}", json={"position": 1})
    assert (await user.ask("DELETE", f"/media-files/{film}")).status == 204
    assert (await user.get(f"/api/watch/{film}")).status == 404
