from __future__ import annotations

import asyncio
import dataclasses
from typing import Any
from uuid import UUID

import pytest
from peewee import OperationalError

from vod.catalog.jobs import JobSnapshot
from vod.catalog.leases import Renewal
from vod.catalog.models import JobKind, JobState
from worker.context import Lease, Stop
from worker.heartbeat import Heartbeat, beat_seconds

JOB = JobSnapshot(
    id=7,
    media_file_id=UUID(int=1),
    kind=JobKind.ENCODE,
    lane="ladder",
    first_segment=0,
    last_segment=9,
    state=JobState.IN_PROGRESS,
    priority=40,
    attempts=1,
    fruitless=1,
    worker="worker",
    cancel_requested=False,
    progress=0.0,
    error="",
    created_at=0.0,
    updated_at=0.0,
)

UNTROUBLED = Renewal(frozenset(), frozenset())


def do_nothing() -> None:
    pass


class Answering:
    """A database that answers each heartbeat with the next of these, and then with the last."""

    def __init__(self, *answers: Renewal | Exception) -> None:
        self._answers = list(answers)

    async def run(self, *_arguments: Any) -> Renewal:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def stopped_by(database: Answering, *, lease_seconds: float) -> Stop | None:
    """Why a body that would never end was stopped."""
    heartbeat = Heartbeat(database, "worker", lease_seconds, asyncio.Event())  # type: ignore[arg-type]
    lease = Lease(JOB, heartbeat.beat_now)
    body = asyncio.ensure_future(asyncio.Event().wait())
    lease.guard(body)  # type: ignore[arg-type]
    beating = asyncio.create_task(heartbeat.run())
    with heartbeat.keeping(lease):
        await asyncio.wait({body}, timeout=20)
    beating.cancel()
    return lease.stopped


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(Renewal(frozenset({7}), frozenset()), Stop.LOST, id="taken by another"),
        pytest.param(Renewal(frozenset(), frozenset({7})), Stop.CANCELLED, id="cancelled by a person"),
    ],
)
async def test_the_answer_to_a_heartbeat_can_stop_the_body(answer: Renewal, reason: Stop) -> None:
    assert await stopped_by(Answering(UNTROUBLED, answer), lease_seconds=0.03) is reason


async def test_a_job_that_ends_well_while_it_is_renewed_was_not_lost() -> None:
    """Its row is done, so nothing was left to renew."""
    asked, answered = asyncio.Event(), asyncio.Event()

    class Slow:
        async def run(self, *_arguments: Any) -> Renewal:
            asked.set()
            await answered.wait()
            return Renewal(frozenset({7}), frozenset())

    ring = asyncio.Event()
    heartbeat = Heartbeat(Slow(), "worker", 60, ring)  # type: ignore[arg-type]
    lease = Lease(JOB, heartbeat.beat_now)
    beating = asyncio.create_task(heartbeat.run())
    with heartbeat.keeping(lease):
        heartbeat.beat_now()
        await asked.wait()
    answered.set()
    asked.clear()
    with heartbeat.keeping(Lease(dataclasses.replace(JOB, id=8), heartbeat.beat_now)):
        heartbeat.beat_now()
        await asked.wait()  # the answer before has been taken in
    beating.cancel()
    assert lease.stopped is None


async def test_a_database_that_comes_back_in_time_stops_nothing() -> None:
    cancelled = Renewal(frozenset(), frozenset({7}))
    away = OperationalError("away")
    assert await stopped_by(Answering(away, UNTROUBLED, cancelled), lease_seconds=1) is Stop.CANCELLED


async def test_a_body_stops_once_nobody_could_be_told_for_a_whole_lease() -> None:
    assert await stopped_by(Answering(OperationalError("away")), lease_seconds=0.03) is Stop.LOST


async def test_the_first_achievement_is_told_at_once() -> None:
    ring = asyncio.Event()
    lease = Lease(JOB, ring.set)
    lease.achieved()
    assert ring.is_set()
    ring.clear()
    lease.achieved()
    assert not ring.is_set()


@pytest.mark.parametrize(("reported", "shown"), [(-1.0, 0.0), (0.25, 0.25), (7.0, 1.0)])
def test_progress_stays_between_nothing_and_everything(reported: float, shown: float) -> None:
    lease = Lease(JOB, do_nothing)
    lease.report(reported)
    assert lease.progress == shown


async def test_a_lost_lease_outranks_every_other_reason() -> None:
    lease = Lease(dataclasses.replace(JOB, id=8), do_nothing)
    for reason in (Stop.DRAINED, Stop.CANCELLED):
        lease.stop(reason)
        assert lease.stopped is Stop.DRAINED
    lease.stop(Stop.LOST)
    assert lease.stopped is Stop.LOST


def test_a_short_lease_is_renewed_three_times_and_a_long_one_every_two_seconds() -> None:
    assert (beat_seconds(3), beat_seconds(60)) == (1, 2)
