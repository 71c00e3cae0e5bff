"""Telling systemd that we are ready, stopping, alive: one datagram each, no library needed."""

from __future__ import annotations

import os
import socket

from aiohttp import web

from server.keys import DATABASE
from vod.catalog import accounts


def notify(state: str) -> None:
    """Does nothing where systemd did not start us."""
    if not (address := os.environ.get("NOTIFY_SOCKET")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagrams:
        # "@" stands for the NUL byte that begins an abstract name.
        datagrams.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


def watchdog_seconds() -> float | None:
    """How often to say that we live: half of what systemd waits for; None where it does not wait."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2e6 if microseconds.isdecimal() else None


async def say_alive(app: web.Application) -> None:
    """Alive means that the database answers, too."""
    await app[DATABASE].read(accounts.is_set_up)
    notify("WATCHDOG=1")
