"""The bytes of an upload as they come from the network: never for ever, and never after the client has gone.

aiohttp itself waits without end for a body that stopped coming (security.md 0.11).
"""

from __future__ import annotations

import asyncio
import time

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from vod.errors import UploadInterrupted, UploadStalled

SLOWEST_BYTES_A_SECOND = 1000  # below a modem: only an attack trickles like this (security.md 3.4)
MEASURED_SECONDS = 60.0

GONE = (ConnectionError, ClientError, HttpProcessingError, web.RequestPayloadError)


class UploadBody:
    def __init__(self, request: web.Request, idle_seconds: float) -> None:
        self._content = request.content
        self._idle_seconds = idle_seconds
        self._received = 0
        self._measured_from = (time.monotonic(), 0)

    async def read(self) -> bytes:
        """What has arrived, at least a byte; none at the end. Raises UploadInterrupted, UploadStalled."""
        try:
            async with asyncio.timeout(self._idle_seconds):
                data = await self._next_piece()
        except TimeoutError:
            raise UploadStalled("The upload stopped coming.") from None
        except GONE as error:
            raise UploadInterrupted("The upload was cut off.") from error
        self._received += len(data)
        self._check_pace()
        return data

    async def _next_piece(self) -> bytes:
        """As it came from the socket: joining what has piled up would only cost memory."""
        while True:
            data, ends_http_chunk = await self._content.readchunk()
            if data or not ends_http_chunk:
                return data

    def _check_pace(self) -> None:
        now, (since, before) = time.monotonic(), self._measured_from
        if now - since < MEASURED_SECONDS:
            return
        if self._received - before < SLOWEST_BYTES_A_SECOND * (now - since):
            raise UploadStalled("The upload is too slow to ever end.")
        self._measured_from = (now, self._received)
