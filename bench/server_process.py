"""A real server in a process of its own, on an empty media root that goes with it."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class ServerProcess:
    port: int
    key: str
    root: Path
    pid: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextmanager
def server_process(folder: Path | None = None) -> Iterator[ServerProcess]:
    """Without workers. `folder` says on which disk."""
    root = Path(tempfile.mkdtemp(prefix="homereel-bench-", dir=folder))
    port = free_port()
    environment = os.environ | {
        "HOMEREEL_MEDIA_ROOT": str(root),
        "HOMEREEL_SERVER_HOST": HOST,
        "HOMEREEL_SERVER_PORT": str(port),
        "HOMEREEL_WORKER_EMBEDDED": "0",
        "HOMEREEL_LOG_LEVEL": "WARNING",
    }
    program = [sys.executable, "-m", "server"]
    key = subprocess.run([*program, "key", "add", "bench"], env=environment, check=True, capture_output=True, text=True)
    process = subprocess.Popen([*program, "serve"], env=environment)
    try:
        wait_until_it_answers(port)
        yield ServerProcess(port, key.stdout.strip(), root, process.pid)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(root)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection(HOST, port)
            connection.request("GET", "/health")
            connection.getresponse().read()
            return  # without workers it is not content, but it answers
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the server did not start")
