"""A real worker whose bodies are these: `python -m tests.worker.station --config FILE`.

A body does what its job's lane says and tells the test on standard output, one line an event.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from vod import config as configuration
from vod.catalog.jobs import JobSnapshot
from vod.catalog.models import JobKind
from vod.errors import ProcessFailed, SourceError
from worker import app, log, parent
from worker.context import Context


async def body(job: JobSnapshot, context: Context) -> None:
    tell(f"started {job.id} {job.attempts}")
    try:
        await LANES[job.lane](context)
    except asyncio.CancelledError:
        tell(f"stopped {job.id} {context.lease.stopped}")
        raise


async def end_at_once(_context: Context) -> None:
    pass


async def hang(_context: Context) -> None:
    await asyncio.Event().wait()


async def achieve_and_hang(context: Context) -> None:
    context.lease.report(0.5)
    context.lease.achieved()
    await asyncio.Event().wait()


async def wait_for_a_line(_context: Context) -> None:
    await asyncio.to_thread(sys.stdin.readline)


async def fail(_context: Context) -> None:
    raise ProcessFailed("ffmpeg gave up.")


async def refuse(_context: Context) -> None:
    raise SourceError("This is not a film.")


async def stumble(_context: Context) -> None:
    raise ZeroDivisionError


LANES = {
    "quick": end_at_once,
    "hang": hang,
    "achieve": achieve_and_hang,
    "told": wait_for_a_line,
    "fail": fail,
    "refuse": refuse,
    "stumble": stumble,
}


def tell(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    parser.add_argument("--parent", type=int)
    arguments = parser.parse_args()
    if arguments.parent is not None:
        parent.follow(arguments.parent)
    config = configuration.load(arguments.config)
    log.configure(config.log)
    asyncio.run(app.run(config, dict.fromkeys(JobKind, body)))


if __name__ == "__main__":
    main()
