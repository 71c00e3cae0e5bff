"""How much memory a large upload takes, and how long others wait meanwhile.

    python -m bench.upload_memory --gigabytes 2 [--folder /on/another/disk]

Promise (design.md section 8): the resident memory of the server grows by less than 16 MiB, and another
request is answered within 100 ms. A warm-up of 64 MiB comes first: what the first upload ever costs in
imported modules and thread stacks is no growth with size.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.server_process import HOST, ServerProcess, cpu_seconds, resident_bytes, server_process

MIB = 1 << 20
WARM_UP_BYTES = 64 * MIB
GROWTH_LIMIT = 16 * MIB
PING_LIMIT_SECONDS = 0.1
SAMPLE_SECONDS = 0.02
BOUNDARY = "bench"


@dataclass
class Watch:
    """Samples memory and pings until told to stop."""

    server: ServerProcess
    stop: threading.Event = field(default_factory=threading.Event)
    largest_bytes: int = 0
    pings: list[float] = field(default_factory=list)

    def sample_memory(self) -> None:
        while not self.stop.wait(SAMPLE_SECONDS):
            self.largest_bytes = max(self.largest_bytes, resident_bytes(self.server.pid))

    def ping(self) -> None:
        connection = http.client.HTTPConnection(HOST, self.server.port)
        while not self.stop.wait(SAMPLE_SECONDS):
            started = time.monotonic()
            connection.request("GET", "/api/users", headers={"Authorization": f"Bearer {self.server.key}"})
            connection.getresponse().read()
            self.pings.append(time.monotonic() - started)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to write to")
    arguments = parser.parse_args()
    with server_process(arguments.folder) as server:
        upload(server, WARM_UP_BYTES)
        return measure(server, int(arguments.gigabytes * 1e9))


def measure(server: ServerProcess, size: int) -> int:
    before, cpu_before, started = resident_bytes(server.pid), cpu_seconds(server.pid), time.monotonic()
    watch = Watch(server)
    threads = [threading.Thread(target=watch.sample_memory), threading.Thread(target=watch.ping)]
    for thread in threads:
        thread.start()
    media_id = upload(server, size)
    seconds = time.monotonic() - started
    watch.stop.set()
    for thread in threads:
        thread.join()
    stored = (server.root / "originals" / f"{media_id}.mkv").stat().st_size
    return report(watch, before, size, stored, seconds, cpu_seconds(server.pid) - cpu_before)


def report(watch: Watch, before: int, size: int, stored: int, seconds: float, cpu: float) -> int:
    growth, pings = watch.largest_bytes - before, sorted(watch.pings)
    print(
        f"uploaded {size} bytes, {stored} on the disk, {size / seconds / 1e6:.0f} MB/s, {cpu / size * 1e9:.2f} CPU s/GB"
    )
    print(
        f"resident memory {before / MIB:.1f} MiB before, {watch.largest_bytes / MIB:.1f} at most: +{growth / MIB:.1f}"
    )
    print(
        f"{len(pings)} other requests: median {pings[len(pings) // 2] * 1000:.1f} ms,"
        f" p99 {pings[int(len(pings) * 0.99)] * 1000:.1f}, slowest {pings[-1] * 1000:.1f}"
    )
    kept = stored == size and growth < GROWTH_LIMIT and pings[-1] < PING_LIMIT_SECONDS
    print("kept" if kept else "BROKEN")
    return 0 if kept else 1


def upload(server: ServerProcess, size: int) -> str:
    """One multipart request of random-looking bytes; returns the media id."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="title"\r\n\r\nBench\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="bench.mkv"\r\n\r\n'
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    block = os.urandom(MIB)
    with socket.create_connection((HOST, server.port)) as connection:
        lines = [
            "POST /media/upload HTTP/1.1",
            f"Host: {HOST}",
            f"Authorization: Bearer {server.key}",
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
            f"Content-Length: {len(head) + size + len(tail)}",
            "Connection: close",
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + head)
        for start in range(0, size, MIB):
            connection.sendall(memoryview(block)[: min(MIB, size - start)])
        connection.sendall(tail)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["mediaFileId"])


if __name__ == "__main__":
    sys.exit(main())
