"""The whole of Homereel as a household runs it: `homereel serve` with its workers, and what all of them have cost.

On an empty media root that goes with it. Costs are the kernel's: a process that has ended is counted in the figures of
the one that waited for it, its CPU time and the bytes it wrote.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.server_process import HOST, TICKS_A_SECOND, free_port

# More often, and the looking itself would take a tenth of the machine.
LOOK_SECONDS = 0.05
WORKERS = 2  # the default
START_SECONDS = 60.0
# Two workers give back what they do, then the server goes.
STOP_SECONDS = 60.0
BOUNDARY = "bench"
LOG_TAIL_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    port: int
    key: str
    root: Path
    pid: int  # of the server


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """Both on the clock of `time.monotonic`."""

    media_id: str
    sent_at: float  # the last byte was the kernel's
    answered_at: float


@contextmanager
def open_house(folder: Path | None, **settings: str) -> Iterator[House]:
    """`folder` says on which disk; `settings` are environment: `HOMEREEL_HLS_PRESET="ultrafast"`."""
    with tempfile.TemporaryDirectory(prefix="homereel-bench-", dir=folder) as name:
        root, port = Path(name) / "media", free_port()
        signal.signal(signal.SIGTERM, _end)
        own = {
            "HOMEREEL_WORKER_EMBEDDED": str(WORKERS),
            "HOMEREEL_MEDIA_ROOT": str(root),
            "HOMEREEL_SERVER_HOST": HOST,
            "HOMEREEL_SERVER_PORT": str(port),
        }
        environment = os.environ | own | settings
        program = [sys.executable, "-m", "server"]
        key = subprocess.run([*program, "key", "add", "bench"], env=environment, check=True, capture_output=True)
        print("house:", shlex.join([*(f"{name}={value}" for name, value in settings.items()), *program, "serve"]))
        with _serving([*program, "serve"], environment, Path(name) / "house.log") as pid:
            house = House(port=port, key=key.stdout.decode().strip(), root=root, pid=pid)
            until(lambda: _is_whole(house), START_SECONDS)
            yield house


def _end(*_: object) -> None:
    """As an exception, so that server, films and folders go with us."""
    raise SystemExit("ended by a signal")


@contextmanager
def _serving(program: list[str], environment: dict[str, str], log: Path) -> Iterator[int]:
    with log.open("wb") as file:
        process = subprocess.Popen(program, env=environment, stdout=file, stderr=file)
    try:
        yield process.pid
    except BaseException:
        print("\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]), file=sys.stderr)
        raise
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_whole(house: House) -> bool:
    """The server answers, and every worker listens for work."""
    with suppress(OSError):
        return bool(ask(house, "/health")["status"] == "ok") and len(list((house.root / "run").iterdir())) >= WORKERS
    return False


def ask(house: House, path: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(HOST, house.port)
    connection.request("GET", path, headers={"Authorization": f"Bearer {house.key}"})
    answer = connection.getresponse()
    content: dict[str, Any] = json.loads(answer.read())
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {content}")
    return content


def film_state(house: House, media_id: str) -> dict[str, Any]:
    found = ask(house, f"/media-files/{media_id}")
    if found["status"] == "FAILED":
        raise SystemExit(f"the film failed: {found['errorMessage']}")
    return found


def is_idle(house: House) -> bool:
    """Nothing is left to be done, for any film."""
    return not ask(house, "/api/jobs?state=open&limit=1")["items"]


def until(holds: Callable[[], bool], patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come")
        time.sleep(LOOK_SECONDS)


def upload(house: House, film: Path) -> Uploaded:
    """By sendfile, for the sender has the same cores as the receiver."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{film.name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    lines = [
        "POST /media/upload HTTP/1.1",
        f"Host: {HOST}",
        f"Authorization: Bearer {house.key}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        f"Content-Length: {len(head) + film.stat().st_size + len(tail)}",
        "Connection: close",
    ]
    with socket.create_connection((HOST, house.port)) as connection, film.open("rb") as content:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + head)
        connection.sendfile(content)
        connection.sendall(tail)
        sent_at = time.monotonic()
        answer = connection.recv(65536)
        answered_at = time.monotonic()
        answer += b"".join(iter(lambda: connection.recv(65536), b""))
    media_id = str(json.loads(answer.partition(b"\r\n\r\n")[2])["mediaFileId"])
    return Uploaded(media_id=media_id, sent_at=sent_at, answered_at=answered_at)


def written_bytes(house: House) -> int:
    """To disks, by the server, its workers and their children: media, playlists, rows and all."""
    return sum(_written(pid) for pid in _family(house.pid))


def ffmpeg_seconds(house: House) -> float:
    """CPU of the children that the workers have waited for: every ffmpeg and ffprobe that has ended."""
    return sum(sum(_cpu_ticks(worker)[2:]) for worker in _children(house.pid)) / TICKS_A_SECOND


def own_seconds(house: House) -> float:
    """CPU of the server and the workers themselves."""
    return sum(sum(_cpu_ticks(pid)[:2]) for pid in [house.pid, *_children(house.pid)]) / TICKS_A_SECOND


def encodes(house: House) -> int:
    """How many ffmpeg processes run just now."""
    return sum(_name(pid) == "ffmpeg" for worker in _children(house.pid) for pid in _children(worker))


def _family(pid: int) -> list[int]:
    return [pid, *(member for child in _children(pid) for member in _family(child))]


def _children(pid: int) -> list[int]:
    """Of all its threads: a child belongs to the one that made it."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def _written(pid: int) -> int:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("write_bytes")).split()[1])
    return 0


def _cpu_ticks(pid: int) -> list[int]:
    """User and system time of its own, then those of the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""
