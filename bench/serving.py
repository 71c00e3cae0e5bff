"""CPU seconds a request of our stream route, of nginx with secure_link, and of aiohttp's own FileResponse.

    python -m bench.serving [--rounds 5] [--seconds 2] [--connections 64]

Needs nginx and wrk. Variants take turns within each round, in random order; the figure is the median of the
rounds. CPU of the server process alone: on a loaded machine requests a second tell nothing.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from aiohttp import web

from bench.server_process import HOST, cpu_seconds, free_port, server_process, wait_until_it_answers
from vod.storage import Storage
from vod.tokens import Scope, TokenKeys, user_subject

FILM = UUID("11111111-1111-4111-8111-111111111111")
DIGEST = "0123456789abcdef"
FAR = 4_000_000_000
SECRET = "bench"  # noqa: S105  # nginx's, in this file only
SIZES = {"500 B": 500, "100 KB": 100_000, "1 MB": 1_000_000, "4 MB": 4_000_000}
BASELINE = "nginx"
SERVER_CPU, CLIENT_CPU = "0", "1"

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000000;
  types {{ video/iso.segment m4s; }}
  open_file_cache max=1000 inactive=60s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {host}:{port};
    location ~ ^/s/(?<hash>[^/]+)/(?<until>[0-9]+)/(?<name>[0-9]+[.]m4s)$ {{
      secure_link $hash,$until;
      secure_link_md5 "$secure_link_expires $name {secret}";
      if ($secure_link != "1") {{ return 403; }}
      alias {files}/$name;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Variant:
    name: str
    pid: int
    urls: dict[str, str]  # by size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        variants = [stack.enter_context(start()) for start in (ours, nginx, file_response)]
        report(run(variants, arguments), [variant.name for variant in variants])
    return 0


def run(variants: list[Variant], arguments: argparse.Namespace) -> dict[tuple[str, str], list[float]]:
    """Microseconds of CPU a request, by variant and size, a value a round."""
    costs: dict[tuple[str, str], list[float]] = {}
    turns = [(variant, size) for variant in variants for size in SIZES]
    for _ in range(arguments.rounds):
        for variant, size in random.sample(turns, len(turns)):
            cost = measure(variant, variant.urls[size], arguments)
            costs.setdefault((variant.name, size), []).append(cost)
    return costs


def measure(variant: Variant, url: str, arguments: argparse.Namespace) -> float:
    before = cpu_seconds(variant.pid)
    load = ["wrk", "-t1", f"-c{arguments.connections}", f"-d{arguments.seconds}s", url]
    output = subprocess.run(["taskset", "-c", CLIENT_CPU, *load], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output or (found := re.search(r"(\d+) requests in", output)) is None:
        raise RuntimeError(f"{variant.name}: {output}")
    return (cpu_seconds(variant.pid) - before) / int(found[1]) * 1e6


def report(costs: dict[tuple[str, str], list[float]], names: list[str]) -> None:
    print(f"{'CPU µs a request (ratio to ' + BASELINE + ')':34}" + "".join(f"{size:>18}" for size in SIZES))
    for name in names:
        medians = {size: statistics.median(costs[name, size]) for size in SIZES}
        ratios = {size: medians[size] / statistics.median(costs[BASELINE, size]) for size in SIZES}
        print(f"{name:34}" + "".join(f"{medians[size]:>10.1f} ({ratios[size]:5.2f})" for size in SIZES))


@contextmanager
def ours() -> Iterator[Variant]:
    with server_process() as server:
        storage = Storage(server.root)
        folder = storage.rendition(FILM, DIGEST, "720p")
        folder.mkdir(parents=True)
        write_files(folder)
        pin(server.pid)
        token = TokenKeys.load(storage.secret("token-keys")).sign(FILM, user_subject(1), Scope.HLS, FAR)
        base = f"{server.url}/stream/hls/{FILM}/{token}/{DIGEST}/720p"
        yield Variant("our stream route", server.pid, urls(base))


@contextmanager
def nginx() -> Iterator[Variant]:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)  # nginx drops to another user
        write_files(folder)
        text = NGINX.format(folder=folder, files=folder, host=HOST, port=port, secret=SECRET)
        (folder / "nginx.conf").write_text(text)
        process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-p", folder])
        with running(process, port):
            signed = {}
            for number, size in enumerate(SIZES):
                digest = hashlib.md5(f"{FAR} {number:05d}.m4s {SECRET}".encode()).digest()  # noqa: S324  # secure_link's
                signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                signed[size] = f"http://{HOST}:{port}/s/{signature}/{FAR}/{number:05d}.m4s"
            yield Variant(BASELINE, process.pid, signed)


@contextmanager
def file_response() -> Iterator[Variant]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        write_files(Path(folder))
        process = subprocess.Popen([sys.executable, "-m", "bench.serving", "--serve-files", folder, str(port)])
        with running(process, port):
            yield Variant("aiohttp FileResponse, no token", process.pid, urls(f"http://{HOST}:{port}"))


@contextmanager
def running(process: subprocess.Popen[bytes], port: int) -> Iterator[None]:
    try:
        wait_until_it_answers(port)
        pin(process.pid)
        yield
    finally:
        process.terminate()
        process.wait()


def write_files(folder: Path) -> None:
    for number, size in enumerate(SIZES.values()):
        (folder / f"{number:05d}.m4s").write_bytes(random.randbytes(size))


def urls(base: str) -> dict[str, str]:
    return {size: f"{base}/{number:05d}.m4s" for number, size in enumerate(SIZES)}


def pin(pid: int) -> None:
    subprocess.run(["taskset", "-a", "-p", "-c", SERVER_CPU, str(pid)], check=True, capture_output=True)
    time.sleep(0.2)


def serve_files(folder: str, port: str) -> None:
    """The textbook handler, in a process of its own."""

    async def answer(request: web.Request) -> web.FileResponse:
        return web.FileResponse(Path(folder) / request.match_info["name"])

    app = web.Application()
    app.router.add_get("/{name}", answer)
    web.run_app(app, host=HOST, port=int(port), access_log=None, print=None)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve-files"]:
        serve_files(*sys.argv[2:])
    else:
        sys.exit(main())
