"""The worker's log. Its lines name ids and counts: never a title, a path or a secret."""

from __future__ import annotations

import logging

from vod import log
from vod.config import LogSection


def configure(section: LogSection) -> None:
    log.configure(section.level, section.format)
    # Each claim twice over, and at DEBUG every message.
    logging.getLogger("taskiq").setLevel(logging.WARNING)
