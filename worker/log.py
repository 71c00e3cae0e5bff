"""One formatter for the worker's log. Its lines name ids and counts: never a title, a path or a secret."""

from __future__ import annotations

import json
import logging
import sys

from vod.config import LogSection


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(section: LogSection) -> None:
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s[%(process)d]: %(message)s")
    handler.setFormatter(JsonFormatter() if section.format == "json" else text)
    logging.basicConfig(level=section.level, handlers=[handler], force=True)
    # Each claim twice over, and at DEBUG every message.
    logging.getLogger("taskiq").setLevel(logging.WARNING)
