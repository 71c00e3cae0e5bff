"""`homereel serve` as a process: what it prints, what systemd hears, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.serving import addresses
from vod.config import ServerSection

PATIENCE_SECONDS = 60


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The other end of NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(PATIENCE_SECONDS)
        yield heard


@pytest.fixture
def served(tmp_path: Path, systemd: socket.socket) -> Iterator[subprocess.Popen[str]]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOMEREEL_MEDIA_ROOT": str(tmp_path / "media"),
        "HOMEREEL_SERVER_HOST": "127.0.0.1",
        "HOMEREEL_SERVER_PORT": "0",
        "HOMEREEL_WORKER_EMBEDDED": "0",
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "200000",
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", "server", "serve"], stdout=pipe, stderr=pipe, text=True, env=environment
    ) as process:
        yield process
        process.kill()


def test_it_tells_systemd_that_it_is_ready_alive_and_stopping(
    served: subprocess.Popen[str], systemd: socket.socket
) -> None:
    assert systemd.recv(100) == b"READY=1"
    assert systemd.recv(100) == b"WATCHDOG=1"
    served.send_signal(signal.SIGTERM)
    heard = b"WATCHDOG=1"
    while heard == b"WATCHDOG=1":
        heard = systemd.recv(100)
    assert heard == b"STOPPING=1"
    assert served.wait(PATIENCE_SECONDS) == 0


def test_a_journal_gets_the_address_and_no_code(
    served: subprocess.Popen[str], systemd: socket.socket, tmp_path: Path
) -> None:
    systemd.recv(100)
    served.send_signal(signal.SIGINT)
    printed, logged = served.communicate(timeout=PATIENCE_SECONDS)
    code = (tmp_path / "media" / "secrets" / "setup-code").read_text().strip()
    assert printed.startswith("Homereel is at http://127.0.0.1:")
    assert "homereel setup-code" in printed and code not in printed + logged


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environment = {
            "PATH": os.environ["PATH"],
            "HOMEREEL_MEDIA_ROOT": str(tmp_path),
            "HOMEREEL_WORKER_EMBEDDED": "0",
        }
        ended = subprocess.run(
            [sys.executable, "-m", "server", "serve"],
            env=environment | {"HOMEREEL_SERVER_HOST": "127.0.0.1", "HOMEREEL_SERVER_PORT": port},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    assert ended.returncode == 2
    assert f"[server] 127.0.0.1:{port} cannot be used" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("section", "found"),
    [
        pytest.param(ServerSection(host="127.0.0.1"), ["http://127.0.0.1:80"], id="one address"),
        pytest.param(ServerSection(host="::1"), ["http://[::1]:80"], id="an IPv6 address"),
        pytest.param(
            ServerSection(host="10.0.0.1", public_url="https://films.example.org"),
            ["https://films.example.org", "http://10.0.0.1:80"],
            id="a public address",
        ),
    ],
)
def test_people_are_told_where_to_go(section: ServerSection, found: list[str]) -> None:
    assert addresses(section, 80) == found


def test_a_server_for_every_address_names_localhost_last() -> None:
    assert addresses(ServerSection(), 80)[-1] == "http://localhost:80"
