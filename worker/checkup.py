"""What the doctor says of a film that has just become READY, for the log: it plays, and may not play everywhere."""

from __future__ import annotations

import asyncio
from logging import getLogger
from uuid import UUID

from vod.hls.doctor.examination import examine
from vod.hls.plan import Plan
from vod.hls.policy import kept_renditions
from worker.context import Context

log = getLogger(__name__)


async def log_broken_rules(context: Context, media_id: UUID, plan: Plan) -> None:
    on_demand = frozenset(plan.renditions) - kept_renditions(plan, context.config.hls.policy)
    examination = await asyncio.to_thread(examine, context.storage, media_id, plan, on_demand)
    for verdict in examination.broken:
        first = verdict.faults[0]
        log.warning(
            "media file %s breaks rule %d (%s): %s %s; it is one of %d faults",
            media_id,
            verdict.rule.number,
            ", ".join(verdict.rule.players),
            first.where,
            first.what,
            len(verdict.faults),
        )
