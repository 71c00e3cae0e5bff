"""What other processes do to the same database: `python -m tests.vod.catalog.processes NAME URL`."""

from __future__ import annotations

import subprocess
import sys

from vod.catalog import leases
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.catalog.models import MediaFile


def claim_everything(database: Database) -> None:
    while (job := database.unit(leases.claim, "another", 60)) is not None:
        print(job.id)


def count_to_two_hundred(database: Database) -> None:
    def step() -> None:
        row = MediaFile.get()
        MediaFile.update(size=row.size + 1).execute()

    for _ in range(200):
        database.unit(step)


ACTS = {"claim": claim_everything, "count": count_to_two_hundred, "migrate": migrate}


def start(act: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.vod.catalog.processes", act, url], stdout=subprocess.PIPE, text=True
    )


def printed(process: subprocess.Popen[str]) -> list[str]:
    """What it said, once it has ended well."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return output.split()


def main() -> None:
    act, url = sys.argv[1:]
    database = Database(url, threads=1)
    database.open()
    ACTS[act](database)
    database.close()


if __name__ == "__main__":
    main()
