"""How both programs write their log, and what never gets into it: no token, key or session id (security.md bar 16)."""

from __future__ import annotations

import json
import logging
import re
import sys
import time

MASK = "***"

SECRETS = re.compile(
    r"(?P<stream>/stream/(?:hls|original)/[^/\s]+/)(?!master\.m3u8)[^/\s\"'?]+"
    r"|(?P<play>/play/[^/\s]+/)[^/\s\"'?]+(?=\.m3u)"
    r"|(?P<query>[?&](?:token|key|code|password|csrf)=)[^&\s\"']+"
    r"|(?P<key>\bhr_)[A-Za-z0-9_-]{8,}"
    r"|(?P<cookie>homereel_session=)[^;\s\"']+"
    r"|(?P<bearer>Bearer )[^\s\"']+"
    # a stream token wherever else one stands: in a misspelt path, in somebody's question
    r"|(?P<token>)\b[a-z0-9]{4,16}\.[1-9]\d{0,11}\.[\w-]{1,64}\.[a-z]\.[\w-]{16,}"
)


def masked(text: str) -> str:
    return SECRETS.sub(lambda match: f"{match[str(match.lastgroup)]}{MASK}", text)


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        # The process: a server's lines and its workers' end up in one journal.
        super().__init__("%(asctime)s %(levelname)-7s %(name)s[%(process)d]: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class JsonFormatter(logging.Formatter):
    """One object a line; what a caller gave as `extra={"fields": {...}}` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return masked(json.dumps(line, ensure_ascii=False, default=str))


def configure(level: str, form: str) -> None:
    """To stderr; `form` is "text" or "json"."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
