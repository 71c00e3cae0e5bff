"""Deaths of workers are counted apart; demands of viewers end; plans of the first release are made anew."""

from typing import Any

from peewee import DoubleField, IntegerField
from playhouse.migrate import migrate


def up(migrator: Any, db: Any) -> None:
    migrate(
        migrator.add_column("job", "deaths", IntegerField(default=0)),
        migrator.add_column("job", "wanted_until", DoubleField(null=True)),
    )
    _plan_anew(db)


def _plan_anew(db: Any) -> None:
    """Segments of an older plan lie under its own digest, so nothing can mix. 85 is the priority of a probe."""
    db.execute_sql("DELETE FROM job WHERE media_file_id IN (SELECT id FROM media_file WHERE plan_digest IS NOT NULL)")
    db.execute_sql(
        "INSERT INTO job (media_file_id, kind, lane, first_segment, last_segment, state, priority, attempts, fruitless,"
        " run_at, worker, cancel_requested, progress, error, created_at, updated_at)"
        " SELECT id, 'probe', '', 0, 0, 'PENDING', 85, 0, 0, 0, '', FALSE, 0, '', updated_at, updated_at"
        " FROM media_file WHERE plan_digest IS NOT NULL"
    )
    db.execute_sql(
        "UPDATE media_file SET plan_digest = NULL, status = 'UPLOADED', error_message = NULL, playable_at = NULL,"
        " ready_at = NULL WHERE plan_digest IS NOT NULL"
    )
