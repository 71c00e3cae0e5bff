"""Whose turn it is to do what only one worker should do, on whichever host. Everything here runs inside a unit of work.

A turn is a lease on a name. Whoever has it keeps it by asking again in time; of a worker that died it is free
after that time.
"""

from __future__ import annotations

from vod.catalog.database import now
from vod.catalog.models import Turn


def take(name: str, holder: str, seconds: float) -> bool:
    """Whether `holder` has the turn for so many seconds from now on."""
    later = now() + seconds
    # Further off than any turn lasts: the clock was set back since.
    is_free = (Turn.holder == holder) | (Turn.until <= now()) | (Turn.until > later)
    query = Turn.insert(name=name, holder=holder, until=later).on_conflict(
        conflict_target=(Turn.name,), update={Turn.holder: holder, Turn.until: later}, where=is_free
    )
    return bool(list(query.returning(Turn.name).execute()))
