"""H.264 in a container that nothing can be handed on from in place, from its upload to READY, by real workers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.clips import clips_folder
from tests.e2e.house import open_house
from tests.worker.test_remuxing import CUT_OFF_BYTES, REPACKED, WANDERING, original


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return asyncio.run(_spend(tmp_path_factory.mktemp("remux")))


async def _spend(folder: Path) -> dict[str, Any]:
    films = {
        "whole": original("plain.ts", REPACKED["plain.ts"]),
        "flash": original("film.flv", REPACKED["film.flv"]),
        "wandering": original("wandering.ts", WANDERING),
        "cut off": _cut_off(original("plain.ts", REPACKED["plain.ts"])),
    }
    async with open_house(folder, HOMEREEL_HLS_PRESET="ultrafast") as house:
        return {name: await house.ends(await house.upload(path)) for name, path in films.items()}


def _cut_off(film: Path) -> Path:
    path = clips_folder() / "remuxed-cut-off.ts"
    path.write_bytes(film.read_bytes()[:-CUT_OFF_BYTES])
    return path


def pictures(film: Any) -> set[str]:
    return {rendition["name"] for rendition in film["renditions"] if rendition["type"] == "video"}


@pytest.mark.parametrize("name", ["whole", "flash", "cut off"])
def test_its_pictures_are_there_as_they_are(evening: dict[str, Any], name: str) -> None:
    assert evening[name]["status"] == "READY"
    assert "original" in pictures(evening[name])


def test_what_cannot_be_repacked_is_encoded_and_does_not_fail(evening: dict[str, Any]) -> None:
    film = evening["wandering"]
    assert film["status"] == "READY", film["errorMessage"]
    assert pictures(film) == {"108p"}
