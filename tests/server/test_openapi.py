from __future__ import annotations

from typing import Any

import pytest

from server.contract import operation_of
from server.openapi import document
from server.problems import STATUS_BY_CODE
from tests.server.conftest import AddFilm, House, Person


@pytest.fixture
def described(house: House) -> dict[str, Any]:
    return document(house.app.router.routes())


def test_every_described_route_is_in_it(house: House, described: dict[str, Any]) -> None:
    routes = [route for route in house.app.router.routes() if operation_of(route.handler) and route.method != "HEAD"]
    in_document = {(path, method) for path, methods in described["paths"].items() for method in methods}
    assert in_document == {(route.resource.canonical, route.method.lower()) for route in routes if route.resource}


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [reference for value in part.values() for reference in references(value)]
        return [reference for value in part for reference in references(value)] if isinstance(part, list) else []

    names = {reference.removeprefix("#/components/schemas/") for reference in references(described)}
    assert names and names <= described["components"]["schemas"].keys()


def test_every_parameter_of_a_path_is_described(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        for operation in methods.values():
            named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert {f"{{{name}}}" for name in named} == {
                part for part in path.replace(".", "/").split("/") if "{" in part
            }


def test_every_code_of_a_problem_is_listed(described: dict[str, Any]) -> None:
    assert described["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == sorted(STATUS_BY_CODE)


async def test_an_answer_has_the_fields_that_are_promised(
    user: Person, add_film: AddFilm, described: dict[str, Any]
) -> None:
    film = await add_film()
    shown = await (await user.get(f"/media-files/{film}")).json()
    promised = described["components"]["schemas"]["MediaFileView"]
    assert shown.keys() == promised["properties"].keys()
    assert set(promised["required"]) <= shown.keys()
