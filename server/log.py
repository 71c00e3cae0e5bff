"""What the log says, and what it never says: no token, key or session id reaches a line (security.md bar 16)."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from http import HTTPStatus

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from vod.config import LogSection

MASK = "***"
STREAM_PATH = "/stream/"

SECRETS = re.compile(
    r"(?P<stream>/stream/(?:hls|original)/[^/\s]+/)(?!master\.m3u8)[^/\s\"'?]+"
    r"|(?P<play>/play/[^/\s]+/)[^/\s\"'?]+(?=\.m3u)"
    r"|(?P<query>[?&](?:token|key|code|password|csrf)=)[^&\s\"']+"
    r"|(?P<key>\bhr_)[A-Za-z0-9_-]{8,}"
    r"|(?P<cookie>homereel_session=)[^;\s\"']+"
    r"|(?P<bearer>Bearer )[^\s\"']+"
)


def masked(text: str) -> str:
    return SECRETS.sub(lambda match: f"{match[str(match.lastgroup)]}{MASK}", text)


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class JsonFormatter(logging.Formatter):
    """One object a line; what a caller gave as `extra={"fields": {...}}` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return masked(json.dumps(line, ensure_ascii=False, default=str))


def configure(section: LogSection) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if section.format == "json" else TextFormatter())
    logging.basicConfig(level=section.level, handlers=[handler], force=True)
    # At DEBUG peewee prints each statement with its parameters: hashes, CSRF tokens, titles.
    logging.getLogger("peewee").setLevel(logging.INFO)


class AccessLogger(AbstractAccessLogger):
    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        # A film is a thousand segments: each that was sent as asked would bury everything else.
        quiet = request.path.startswith(STREAM_PATH) and response.status < HTTPStatus.BAD_REQUEST
        level = logging.DEBUG if quiet else logging.INFO
        if not self.logger.isEnabledFor(level):
            return
        fields = {
            "remote": request.remote or "-",
            "method": request.method,
            "path": masked(request.path_qs),
            "status": response.status,
            "bytes": response.body_length,
            "seconds": round(time, 4),
        }
        self.logger.log(
            level,
            "%(remote)s %(method)s %(path)s %(status)s %(bytes)s B %(seconds).3f s",
            fields,
            extra={"fields": fields},
        )
