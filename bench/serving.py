"""CPU seconds a request of our stream route and its lane, of nginx with secure_link, and of aiohttp's FileResponse.

    python -m bench.serving [--rounds 5] [--seconds 1] [--connections 64] [--only NAME …]

Needs nginx and wrk; takes two and a half minutes. Variants take turns within each round, in random order; a figure is
the median of the rounds, a ratio the median of each round's own. CPU of the server process alone, which has one core
and the client the other: on a loaded machine requests a second tell nothing. What is virtual for us is a file of the
same size for the others.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bench import segment_server
from bench.segment_server import FAR, HOST, SIZES, write_files
from bench.server_process import free_port, wait_until_it_answers

SECRET = "bench"  # noqa: S105  # nginx's, in this file only
BASELINE = "nginx"
SERVER_CPU, CLIENT_CPU = "0", "1"
PATIENCE_SECONDS = 30  # for a program's end

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


Costs = dict[tuple[str, str], list[float]]  # microseconds of CPU a request, by variant and size, one a round


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--only", nargs="+", choices=STARTS, default=list(STARTS))
    arguments = parser.parse_args()
    if missing := [program for program in ("nginx", "wrk", "taskset") if shutil.which(program) is None]:
        parser.error(f"needs {', '.join(missing)}")
    with ExitStack() as stack:
        names = dict.fromkeys([BASELINE, *arguments.only])
        variants = [stack.enter_context(STARTS[name](name)) for name in names]
        report(run(variants, arguments), list(names))
    return 0


def run(variants: list[Variant], arguments: argparse.Namespace) -> Costs:
    costs: Costs = {}
    turns = [(variant, size) for variant in variants for size in SIZES]
    for _ in range(arguments.rounds):
        for variant, size in random.sample(turns, len(turns)):
            cost = measure(variant, variant.urls[size], arguments)
            costs.setdefault((variant.name, size), []).append(cost)
    return costs


def measure(variant: Variant, url: str, arguments: argparse.Namespace) -> float:
    before = cpu_nanoseconds(variant.pid)
    load = ["wrk", "-t1", f"-c{arguments.connections}", f"-d{arguments.seconds}s", url]
    output = subprocess.run(["taskset", "-c", CLIENT_CPU, *load], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output or (found := re.search(r"(\d+) requests in", output)) is None or found[1] == "0":
        raise RuntimeError(f"{variant.name}: {output}")
    return (cpu_nanoseconds(variant.pid) - before) / int(found[1]) / 1e3


def cpu_nanoseconds(pid: int) -> int:
    """Of the threads that live. Finer than the hundredths of /proc/PID/stat, as much as forty requests of 4 MB take."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def report(costs: Costs, names: list[str]) -> None:
    print(f"{'CPU µs a request (ratio to ' + BASELINE + ')':34}" + "".join(f"{size:>18}" for size in SIZES))
    for name in names:
        row = ""
        for size in SIZES:
            ours, theirs = costs[name, size], costs[BASELINE, size]
            ratio = statistics.median(mine / their for mine, their in zip(ours, theirs, strict=True))
            row += f"{statistics.median(ours):>10.1f} ({ratio:5.2f})"
        print(f"{name:34}{row}")


@contextmanager
def ours(name: str, *options: str) -> Iterator[Variant]:
    with tempfile.TemporaryDirectory(prefix="homereel-bench-") as folder:
        port = free_port()
        segment_server.write(Path(folder))
        command = [sys.executable, "-m", "bench.segment_server", folder, str(port), *options]
        process = subprocess.Popen(command)
        with running(process, port):
            yield Variant(name, process.pid, segment_server.urls(Path(folder), port))


@contextmanager
def lane(name: str) -> Iterator[Variant]:
    with ours(name, "--fast-lane") as variant:
        yield variant


@contextmanager
def nginx(name: str) -> Iterator[Variant]:
    with tempfile.TemporaryDirectory() as temporary:
        folder, port = Path(temporary), free_port()
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
            yield Variant(name, process.pid, signed)


@contextmanager
def file_response(name: str) -> Iterator[Variant]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        write_files(Path(folder))
        urls = {size: f"http://{HOST}:{port}/{number:05d}.m4s" for number, size in enumerate(SIZES)}
        process = subprocess.Popen([sys.executable, "-m", "bench.serving", "--serve-files", folder, str(port)])
        with running(process, port):
            yield Variant(name, process.pid, urls)


@contextmanager
def running(process: subprocess.Popen[bytes], port: int) -> Iterator[None]:
    try:
        wait_until_it_answers(port)
        pin(process.pid)
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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


STARTS = {BASELINE: nginx, "our stream route": ours, "its lane": lane, "FileResponse, no token": file_response}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve-files"]:
        serve_files(*sys.argv[2:])
    else:
        sys.exit(main())
