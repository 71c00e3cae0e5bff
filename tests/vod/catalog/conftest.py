from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from vod.catalog import media_files
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.catalog.models import Job
from vod.catalog.naming import MovieTitling, Titling

AddFilm = Callable[..., UUID]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'homereel.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url, threads=4)
    database.open()
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def add_film(database: Database) -> AddFilm:
    """Adds a film with its probe job, and returns its id."""

    def add(titling: Titling | None = None, *, name: str = "film.mp4") -> UUID:
        entry = database.unit(
            media_files.add,
            media_id=uuid4(),
            name=name,
            extension="mp4",
            size=1,
            mime_type="video/mp4",
            titling=titling or MovieTitling(title="A film"),
        )
        return UUID(str(entry.media_file.id))

    return add


@pytest.fixture
def film(database: Database, add_film: AddFilm) -> UUID:
    """A film without any job."""
    media_id = add_film()
    database.unit(lambda: Job.delete().execute())
    return media_id
