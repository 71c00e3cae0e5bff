"""Kept segments by a short way: a film is thousands of requests for them, and routing costs more than sending does.

Whatever the application's middlewares and its stream handler check is checked here, too, on every request. What
is not plainly a segment that may be sent is left to the application, which answers, or says what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from server.descriptors import DescriptorCache, Representation
from server.hosts import host_allowed
from server.keys import CONFIG, TOKENS
from server.metrics import METRICS, Tally
from server.sendfile import FileResponse
from server.streams import DESCRIPTORS
from vod.errors import TokenRefused
from vod.tokens import Scope, TokenKeys

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

HLS_FOLDER = "/stream/hls/"
ROUTE = "stream-hls"  # as which they are counted

# Set by who has to hear of every request just now; then nothing goes the short way.
HEARD: web.AppKey[Callable[[], bool]] = web.AppKey("heard")


class Shortcut:
    """Made when the application has started, for its caches are opened then."""

    def __init__(self, app: web.Application, application: Handler) -> None:
        """`application` is how `app` answers."""
        self.tally = app[METRICS].requests.of(ROUTE) if METRICS in app else Tally()
        self._public_url = app[CONFIG].server.public_url if CONFIG in app else ""
        self._files: DescriptorCache = app[DESCRIPTORS]
        self._tokens: TokenKeys = app[TOKENS]
        self._is_heard = app.get(HEARD, _nobody)
        self._application = application

    def is_host(self, authority: str) -> bool:
        return host_allowed(authority, self._public_url)

    def find(self, path: str) -> Representation | None:
        """By a path below the folder, as it was sent: names in the cache have only one spelling."""
        parts = path.split("/", 2)
        if len(parts) != 3 or self._is_heard():
            return None
        media_id, token, name = parts
        file = self._files.find((media_id, name))
        if file is None:
            return None
        try:
            self._tokens.verify(token, media_id, Scope.HLS, time.time())
        except TokenRefused:
            return None
        return file

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        started = time.monotonic()
        file = self.find(request.raw_path[len(HLS_FOLDER) :]) if self._is_plain(request) else None
        if file is None:
            return await self._application(request)
        response = FileResponse(file, request)
        self.tally.add(response.status, time.monotonic() - started)
        return response

    def _is_plain(self, request: web.BaseRequest) -> bool:
        headers = request.headers
        return (
            request.raw_path.startswith(HLS_FOLDER)
            and request.method in {"GET", "HEAD"}
            and hdrs.EXPECT not in headers
            and hdrs.CONTENT_ENCODING not in headers
            and self.is_host(headers.get(hdrs.HOST, ""))
        )


def _nobody() -> bool:
    return False
