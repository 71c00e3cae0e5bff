"""Brings the tables to this program's shape at every start, under a lock, one transaction a step.

A step is a numbered file beside this one with `up(migrator, db)`; its records are frozen copies, for a step
means the same for ever. Killed at any moment, a database is in its old or its new shape.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from playhouse.migrations import Runner

from vod.catalog.database import Database
from vod.errors import DatabaseTooNew

STEPS = Path(__file__).parent

log = logging.getLogger(__name__)


def migrate(database: Database, steps: Path = STEPS) -> None:
    """Raises DatabaseTooNew where a newer program was here. Many processes may start at once: one does the work."""
    with database.migrating() as engine:
        runner = Runner(engine, str(steps))
        _refuse_newer(runner)
        for name in runner.up():
            log.info("database step %s applied", name)


def _refuse_newer(runner: Any) -> None:
    unknown = [step.name for step in runner.status() if step.path is None]
    if unknown:
        raise DatabaseTooNew(
            f"This database was written by a newer Homereel (step {unknown[-1]}). "
            "Start that version, or restore a backup."
        )
