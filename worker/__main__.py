"""`python -m worker [--config FILE]`: one worker, until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from vod import config as configuration
from vod.errors import HomereelError
from worker import app, log, parent
from worker.tasks import TASKS


def main() -> int:
    arguments = _parser().parse_args()
    try:
        if arguments.parent is not None:
            parent.follow(arguments.parent)
        os.umask(0o077)  # as the server: what we write is this user's alone
        config = configuration.load(arguments.config)
        log.configure(config.log)
        asyncio.run(app.run(config, TASKS))
    except HomereelError as error:
        logging.getLogger("worker").error("the worker cannot start: %s", error.detail)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker", description="Homereel's worker.")
    parser.add_argument("--config", type=Path, default=None, metavar="FILE")
    parser.add_argument("--parent", type=int, default=None, metavar="PID", help="stop when this process ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
