"""Runs the server until a signal: start, what it prints, and the orderly stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web

from server import connections, setup_code
from server import log as logs
from server.app import build_app, runner_options
from server.keys import DATABASE, STORAGE
from server.notify import notify, say_alive, watchdog_seconds
from server.repeating import repeating
from server.runner import Runner
from vod.catalog import accounts
from vod.config import Config, ServerSection
from vod.errors import ConfigError

log = logging.getLogger(__name__)

EVERY_ADDRESS = {"", "0.0.0.0", "::"}


def serve(config: Config, config_path: Path | None) -> int:
    logs.configure(config.log)
    os.umask(0o077)  # what we write is this user's alone: films, rows, secrets
    connections.raise_descriptor_limit()
    asyncio.run(_serve(config, config_path))
    return 0


async def _serve(config: Config, config_path: Path | None) -> None:
    stop = _stop_event()
    app = build_app(config, config_path=config_path)
    runner = Runner(app, fast_lane=config.server.fast_lane, **runner_options(config))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        port = await _listen(runner, config.server)
        await stack.enter_async_context(connections.shared_fairly(runner, config.server.trusted_proxies))
        if (seconds := watchdog_seconds()) is not None:
            await stack.enter_async_context(repeating(say_alive, app, seconds))
        await _greet(app, config.server, port)
        notify("READY=1")
        await stop.wait()
        notify("STOPPING=1")


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _listen(runner: web.AppRunner, section: ServerSection) -> int:
    """The port, also where the configuration left the choice to the system. Raises ConfigError."""
    site = web.TCPSite(runner, section.host, section.port)
    try:
        await site.start()
    except OSError as error:
        raise ConfigError(f"[server] {section.host}:{section.port} cannot be used: {error.strerror}") from None
    return int(runner.addresses[0][1])


async def _greet(app: web.Application, section: ServerSection, port: int) -> None:
    for address in addresses(section, port):
        _say(f"Homereel is at {address}")
    if await app[DATABASE].read(accounts.is_set_up):
        await asyncio.to_thread(setup_code.discard, app[STORAGE])
        return
    code = await asyncio.to_thread(setup_code.ensure, app[STORAGE])
    if sys.stdout.isatty():
        _say(f"The set-up code is {code}")
    else:
        _say("`homereel setup-code` shows the set-up code")  # a journal is no place for it


def addresses(section: ServerSection, port: int) -> list[str]:
    """Where people find this server, the best first."""
    local = [section.host] if section.host not in EVERY_ADDRESS else [*_lan_addresses(), "localhost"]
    found = [f"http://{f'[{host}]' if ':' in host else host}:{port}" for host in local]
    return [section.public_url, *found] if section.public_url else found


def _lan_addresses() -> list[str]:
    """The address of the route to the outside; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: nobody
        except OSError:
            return []
        return [probe.getsockname()[0]]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
