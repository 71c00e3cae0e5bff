"""The real application in front of segments that are ready to be served: files, and ranges of an original.

    python -m bench.segment_server ROOT PORT [--fast-lane]

`bench.serving` starts it and measures; on its own it serves the same for a profiler.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
from pathlib import Path
from uuid import UUID

from aiohttp import web

from server import log as logs
from server.app import build_app, runner_options
from server.keys import DATABASE, STORAGE, TOKENS
from server.runner import Runner
from server.streams import DESCRIPTORS, IMMUTABLE
from server.virtual_files import VirtualFile
from vod.catalog import accounts
from vod.config import Config
from vod.storage import Storage
from vod.tokens import Scope, TokenKeys, user_subject

HOST = "127.0.0.1"
FILM = UUID("11111111-1111-4111-8111-111111111111")
DIGEST = "0123456789abcdef"
FAR = 4_000_000_000
FIELDS = {"Content-Type": "video/iso.segment", "Cache-Control": IMMUTABLE}

FILES = {"500 B": 500, "100 KB": 100_000, "1 MB": 1_000_000, "4 MB": 4_000_000}
# A head, then so many ranges of so many bytes each, an equal gap apart.
VIRTUAL = {"virtual 4 MB": (4000, 8, 500_000), "virtual audio": (2000, 140, 400)}
SIZES = FILES | {name: head + count * length for name, (head, count, length) in VIRTUAL.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--fast-lane", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.root, arguments.port, fast_lane=arguments.fast_lane))


async def serve(root: Path, port: int, *, fast_lane: bool) -> None:
    config = Config.model_validate({"media": {"root": root}, "worker": {"embedded": 0}})
    logs.configure(config.log)
    app = build_app(config)
    runner = Runner(app, fast_lane=fast_lane, **runner_options(config))
    await runner.setup()
    account = await app[DATABASE].run(accounts.add_user, "bench", "no password", is_admin=False)
    app[TOKENS].subjects.admit(user_subject(account.id))
    await keep_virtual(app)
    await web.TCPSite(runner, HOST, port).start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()


def write(root: Path) -> None:
    """What a server of this root serves."""
    storage = Storage(root)
    storage.prepare()
    TokenKeys.load(storage.secret("token-keys"))
    folder = storage.rendition(FILM, DIGEST, "720p")
    folder.mkdir(parents=True)
    write_files(folder)
    storage.original(FILM, "mp4").write_bytes(random.randbytes(10_000_000))


def write_files(folder: Path) -> None:
    """One of each size, numbered, for servers that know no virtual ones, too."""
    for number, size in enumerate(SIZES.values()):
        (folder / f"{number:05d}.m4s").write_bytes(random.randbytes(size))


async def keep_virtual(app: web.Application) -> None:
    files = app[DESCRIPTORS]
    original = await files.original(str(FILM), app[STORAGE].original(FILM, "mp4"))
    for number, name in enumerate(SIZES):
        if name in VIRTUAL:
            head, count, length = VIRTUAL[name]
            ranges = [(at * 2 * length, length) for at in range(count)]
            file = VirtualFile(original, random.randbytes(head), ranges, FIELDS, f'"{name}"')
            files.keep((str(FILM), f"{DIGEST}/copy/{number:05d}.m4s"), file)


def urls(root: Path, port: int) -> dict[str, str]:
    token = TokenKeys.load(Storage(root).secret("token-keys")).sign(FILM, user_subject(1), Scope.HLS, FAR)
    base = f"http://{HOST}:{port}/stream/hls/{FILM}/{token}/{DIGEST}"
    folders = {name: "copy" if name in VIRTUAL else "720p" for name in SIZES}
    return {name: f"{base}/{folders[name]}/{number:05d}.m4s" for number, name in enumerate(SIZES)}


if __name__ == "__main__":
    main()
