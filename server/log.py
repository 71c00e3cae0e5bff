"""What the server's log says of each request."""

from __future__ import annotations

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError

from vod import log
from vod.config import LogSection
from vod.log import masked

STREAM_PATH = "/stream/"


def configure(section: LogSection) -> None:
    log.configure(section.level, section.format)
    # At DEBUG peewee prints each statement with its parameters: hashes, CSRF tokens, titles.
    logging.getLogger("peewee").setLevel(logging.INFO)
    logging.getLogger("aiohttp.server").addFilter(is_ours)


def is_ours(record: logging.LogRecord) -> bool:
    """What is no HTTP is its sender's fault and has its line in the access log; a traceback each fills a disk."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


class AccessLogger(AbstractAccessLogger):
    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        # A film is a thousand segments: each that was sent as asked would bury everything else.
        quiet = response.status < HTTPStatus.BAD_REQUEST and request.raw_path.startswith(STREAM_PATH)
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
