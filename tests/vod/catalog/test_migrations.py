from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.vod.catalog import processes
from vod.catalog import models
from vod.catalog.database import Database
from vod.catalog.migrations import STEPS, migrate
from vod.errors import DatabaseTooNew

SECOND_STEP = """
def up(migrator, db):
    db.execute_sql("CREATE TABLE second (id INTEGER)")
    {afterwards}
    db.execute_sql("CREATE TABLE third (id INTEGER)")
"""

MIGRATE = """
import sys
from pathlib import Path
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
database = Database(sys.argv[1], threads=1)
database.open()
migrate(database, Path(sys.argv[2]))
"""


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """A folder of steps of its own, with all of ours in it."""
    folder = tmp_path / "steps"
    folder.mkdir()
    for step in STEPS.glob("[0-9]*.py"):
        (folder / step.name).write_text(step.read_text())
    return folder


def test_the_steps_lead_to_the_records(database: Database, tmp_path: Path) -> None:
    migrated = schema(database)
    fresh = Database(f"sqlite:///{tmp_path / 'fresh.db'}", threads=1)
    fresh.open()
    fresh.unit(models.proxy.create_tables, models.Record.__subclasses__())
    assert schema(fresh) == {name: sql for name, sql in migrated.items() if not name.startswith("schema_migration")}
    fresh.close()


def test_processes_that_start_together_all_succeed(url: str) -> None:
    for starting in [processes.start("migrate", url) for _ in range(4)]:
        processes.printed(starting)


def test_a_second_start_changes_nothing(database: Database) -> None:
    before = schema(database)
    migrate(database)
    assert schema(database) == before


def test_a_newer_database_is_refused(database: Database, steps: Path) -> None:
    (steps / "9999_second.py").write_text(SECOND_STEP.format(afterwards=""))
    migrate(database, steps)
    with pytest.raises(DatabaseTooNew, match="9999_second"):
        migrate(database)


def test_a_step_that_fails_is_as_if_it_had_not_begun(database: Database, steps: Path) -> None:
    before = schema(database)
    (steps / "9999_second.py").write_text(SECOND_STEP.format(afterwards="raise RuntimeError"))
    with pytest.raises(RuntimeError):
        migrate(database, steps)
    assert schema(database) == before


def test_a_step_killed_in_the_middle_is_done_by_the_next_start(database: Database, url: str, steps: Path) -> None:
    before = schema(database)
    (steps / "9999_second.py").write_text(SECOND_STEP.format(afterwards="import os; os.kill(os.getpid(), 9)"))
    killed = subprocess.run([sys.executable, "-c", MIGRATE, url, str(steps)], check=False)
    assert killed.returncode == -9
    assert schema(database) == before
    (steps / "9999_second.py").write_text(SECOND_STEP.format(afterwards=""))
    migrate(database, steps)
    assert schema(database).keys() - before.keys() == {"second", "third"}


def schema(database: Database) -> dict[str, object]:
    """Columns of each table and the text of each index: a column that came later stands last in a table's own text."""
    return database.unit(_schema)


def _schema() -> dict[str, object]:
    rows = models.proxy.execute_sql("SELECT name, type, sql FROM sqlite_master").fetchall()
    return {
        name: _columns(name) if kind == "table" else sql for name, kind, sql in rows if not name.startswith("sqlite_")
    }


def _columns(table: str) -> list[object]:
    about = ("table_info", "foreign_key_list")
    facts = [models.proxy.execute_sql(f'PRAGMA {pragma}("{table}")').fetchall() for pragma in about]
    return sorted((row[1:3], row[3], row[5]) for row in facts[0]) + sorted(row[2:7] for row in facts[1])
