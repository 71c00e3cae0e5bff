"""ffmpeg's `-progress` text, read from its pipe as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction

# What moves while ffmpeg gets on; the same values over and over mean that it is stuck.
MOVING_KEYS = ("frame", "out_time_us", "total_size")
MICROSECONDS = 1_000_000

OnProgress = Callable[[Fraction], None]


class ProgressPipe(asyncio.Protocol):
    """Calls `on_advance` for each report that differs from the last, `on_progress` with seconds of output written."""

    def __init__(self, on_advance: Callable[[], None], on_progress: OnProgress | None) -> None:
        self._on_advance = on_advance
        self._on_progress = on_progress
        self._unfinished = b""
        self._report: dict[str, str] = {}
        self._last_moved: tuple[str | None, ...] = ()

    def data_received(self, data: bytes) -> None:
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        for line in lines:
            key, _, value = line.decode("ascii", "replace").partition("=")
            if key == "progress":  # the last line of each report
                self._finish_report()
            else:
                self._report[key.strip()] = value.strip()

    def _finish_report(self) -> None:
        moved = tuple(self._report.get(key) for key in MOVING_KEYS)
        out_time = self._report.get("out_time_us", "")
        self._report = {}
        if moved == self._last_moved:
            return
        self._last_moved = moved
        self._on_advance()
        if self._on_progress is not None and out_time.lstrip("-").isdecimal():  # "N/A" until the first packet
            self._on_progress(Fraction(max(0, int(out_time)), MICROSECONDS))
