"""Every key of the application's state and of a request's, typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from server.passwords import Passwords
from server.problems import Problem
from vod.catalog.database import Database
from vod.config import Config
from vod.queue import Bell
from vod.storage import Storage
from vod.tokens import TokenKeys

# Given by build_app, before anything is opened.
CONFIG = web.AppKey("config", Config)
CONFIG_PATH = web.AppKey("config_path", Path)  # absent where the defaults and the environment said everything
STORAGE = web.AppKey("storage", Storage)
DATABASE = web.AppKey("database", Database)
BELL = web.AppKey("bell", Bell)  # wakes the workers of this host
PASSWORDS = web.AppKey("passwords", Passwords)

# Opened by server.resources at start.
TOKENS = web.AppKey("tokens", TokenKeys)

# How a page tells a person what went wrong; the error middleware calls it for page navigations.
ErrorPage = Callable[[web.Request, Problem], Awaitable[web.StreamResponse]]
ERROR_PAGE: web.AppKey[ErrorPage] = web.AppKey("error_page")
