from __future__ import annotations

from pathlib import Path

from vod.catalog.leases import HeldLease
from vod.queue import Doorbell
from worker.sweeper import Watch, is_dead_here, worker_name

LEASE = HeldLease(job_id=1, attempts=1, worker="host-1-aa", until=1000.0)


def test_a_lease_that_stands_still_grows_old() -> None:
    watch = Watch({})
    assert [watch.look([LEASE], moment)[0][1] for moment in (50.0, 60.0, 75.0)] == [0.0, 10.0, 25.0]


def test_a_renewed_lease_is_young_again() -> None:
    watch = Watch({})
    watch.look([LEASE], 50.0)
    renewed = HeldLease(job_id=1, attempts=1, worker="host-1-aa", until=1001.0)
    assert watch.look([renewed], 60.0) == [(renewed, 0.0)]


def test_a_lease_that_was_let_go_is_forgotten() -> None:
    watch = Watch({})
    watch.look([LEASE], 50.0)
    watch.look([], 60.0)
    assert watch.look([LEASE], 70.0) == [(LEASE, 0.0)]


async def test_a_worker_of_this_host_lives_as_long_as_its_doorbell(tmp_path: Path) -> None:
    worker = worker_name()
    doorbell = Doorbell(tmp_path, worker)
    doorbell.open()
    assert not is_dead_here(worker, tmp_path)
    doorbell.close()
    assert is_dead_here(worker, tmp_path)


def test_of_another_hosts_worker_nothing_is_known(tmp_path: Path) -> None:
    assert not is_dead_here("elsewhere-1-aa", tmp_path)


def test_worker_names_are_unique_and_fit_their_column() -> None:
    assert worker_name() != worker_name()
    assert len(worker_name()) <= 64
