"""The composition root: everything the server is made of is put together here, and opened in server.resources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web

from server import bodies, holes, keys, openapi, pages, resources
from server.changes import CHANGES, Changes
from server.errors import answer_errors
from server.headers import add_security_headers
from server.hosts import check_host
from server.log import AccessLogger
from server.metrics import METRICS, Metrics, observe
from server.passwords import Passwords
from server.routes import ROUTES
from vod.catalog.database import Database
from vod.config import Config
from vod.queue import Bell
from vod.storage import Storage


def build_app(config: Config, *, config_path: Path | None = None) -> web.Application:
    """`config_path` is what embedded workers are told to read; without it they get the environment alone."""
    app = web.Application(
        # Outermost first: what is counted includes what is refused, and every refusal is answered alike.
        middlewares=[observe, answer_errors, check_host, bodies.refuse_encoded],
        client_max_size=bodies.LARGEST_BYTES,
    )
    app[keys.CONFIG] = config
    if config_path is not None:
        app[keys.CONFIG_PATH] = config_path
    app[keys.STORAGE] = Storage(config.media.root)
    app[keys.DATABASE] = Database(config.database_url, config.database.threads)
    app[keys.PASSWORDS] = Passwords()
    app[keys.BELL] = Bell(app[keys.STORAGE].doorbells)
    app[CHANGES] = Changes(app[keys.DATABASE], app[keys.STORAGE], app[keys.CONFIG].hls.policy)
    app.on_shutdown.append(app[CHANGES].close)
    app.on_shutdown.append(holes.close)
    app[METRICS] = Metrics()
    app[keys.ERROR_PAGE] = pages.error_page
    app.on_response_prepare.append(add_security_headers)
    app.cleanup_ctx.extend(resources.CONTEXTS)
    app.add_routes(ROUTES)
    openapi.publish(app)
    return app


def runner_options(config: Config) -> dict[str, Any]:
    """How aiohttp must be run wherever this application is, tests included."""
    return {
        "access_log_class": AccessLogger,
        "auto_decompress": False,  # 200 kB of gzip would reach a handler as 200 MB
        "keepalive_timeout": 30,  # also bounds half-sent headers; AppRunner's own default is an hour
        "handler_cancellation": False,  # a database unit commits all the same: no half answers
        "shutdown_timeout": config.server.shutdown_seconds,
        "read_bufsize": 1 << 20,  # uploads are read in large pieces
    }
