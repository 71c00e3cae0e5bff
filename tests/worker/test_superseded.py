"""Old plans go when nobody can be watching them any more, and no sooner."""

from __future__ import annotations

import os
import time
from pathlib import Path
from uuid import UUID

import pytest

from vod.storage import Storage, make_folder
from worker.superseded import remove_superseded

FILM = UUID(int=1)
OLD, NOW, NEWER = "a" * 16, "b" * 16, "c" * 16
DAY = 86_400.0


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    found = Storage(tmp_path)
    found.prepare()
    return found


def plan(storage: Storage, digest: str, *, days_old: float) -> None:
    path = storage.plan(FILM, digest)
    make_folder(path.parent)
    path.write_text("{}")
    moment = time.time() - days_old * DAY
    os.utime(path, (moment, moment))


def lead_to(storage: Storage, digest: str, *, days_old: float) -> None:
    """What players are led to."""
    path = storage.master(FILM)
    path.write_text(f"#EXTM3U\n{digest}/720p.m3u8\n")
    moment = time.time() - days_old * DAY
    os.utime(path, (moment, moment))


def left(storage: Storage) -> list[str]:
    return sorted(folder.name for folder in storage.hls(FILM).iterdir() if folder.is_dir())


def test_an_older_plan_goes_with_all_that_was_made_of_it(storage: Storage) -> None:
    plan(storage, OLD, days_old=9)
    plan(storage, NOW, days_old=2)
    lead_to(storage, NOW, days_old=1.5)
    assert remove_superseded(storage, FILM, NOW, DAY) == [OLD]
    assert left(storage) == [NOW]


def test_it_stays_as_long_as_a_link_to_it_may_live(storage: Storage) -> None:
    plan(storage, OLD, days_old=9)
    plan(storage, NOW, days_old=0.5)
    lead_to(storage, NOW, days_old=0.5)
    assert remove_superseded(storage, FILM, NOW, DAY) == []
    assert left(storage) == [OLD, NOW]


def test_it_stays_as_long_as_nothing_can_be_shown_of_the_new_one(storage: Storage) -> None:
    """What verification refused plays until its encodes have come."""
    plan(storage, OLD, days_old=9)
    plan(storage, NOW, days_old=2)
    lead_to(storage, OLD, days_old=8)
    assert remove_superseded(storage, FILM, NOW, DAY) == []


def test_it_stays_for_whoever_was_led_to_it_last(storage: Storage) -> None:
    plan(storage, OLD, days_old=9)
    plan(storage, NOW, days_old=2)
    lead_to(storage, NOW, days_old=0.5)
    assert remove_superseded(storage, FILM, NOW, DAY) == []


def test_a_plan_that_is_about_to_be_the_film_s_stays(storage: Storage) -> None:
    plan(storage, NOW, days_old=2)
    plan(storage, NEWER, days_old=0)
    make_folder(storage.plan_folder(FILM, OLD))  # and one that is being written
    lead_to(storage, NOW, days_old=2)
    assert remove_superseded(storage, FILM, NOW, DAY) == []
    assert left(storage) == [OLD, NOW, NEWER]


def test_what_is_no_plan_is_left_alone(storage: Storage) -> None:
    plan(storage, NOW, days_old=2)
    lead_to(storage, NOW, days_old=2)
    make_folder(storage.hls(FILM) / "notes")
    assert remove_superseded(storage, FILM, NOW, DAY) == []
    assert left(storage) == [NOW, "notes"]


def test_a_film_without_its_plan_loses_nothing(storage: Storage) -> None:
    plan(storage, OLD, days_old=9)
    assert remove_superseded(storage, FILM, NOW, DAY) == []
