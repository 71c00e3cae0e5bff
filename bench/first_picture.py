"""From the last byte of an upload to the first picture in a Chromium that is open and signed in.

    python -m bench.first_picture [--minutes 120] [--gigabytes 8] [--encoded-minutes 10] [--rounds 3] [--folder /disk]

The films of `bench.time_to_play`, each in a new house. When the upload is answered the browser goes to the film's watch
page, which waits until the film can be played and plays it; loading that page is counted. Figures are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.films import as_matroska, make_h264_film, make_mpeg4_film
from bench.house import House, open_house, upload
from bench.server_process import HOST

SCRIPT = Path(__file__).with_suffix(".mjs")
NAME, PASSWORD = "viewer", "a password of the bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    seconds: float
    lines: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--gigabytes", type=float, default=8)
    parser.add_argument("--encoded-minutes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to write to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="homereel-bench-", dir=options.folder) as name:
        film = make_h264_film(Path(name), options.minutes, options.gigabytes, None)
        mpeg4 = make_mpeg4_film(Path(name), options.encoded_minutes, None)
        films = {"MP4": film, "Matroska": as_matroska(film), "encoded": mpeg4}
        shown: dict[str, list[Shown]] = {kind: [] for kind in films}
        for _ in range(options.rounds):
            for kind, path in films.items():
                shown[kind].append(_show(path, options.folder))
    for kind, found in shown.items():
        seconds = sorted(one.seconds for one in found)
        each = " ".join(f"{one:.2f}" for one in seconds)
        print(f"{kind:10} first picture after {statistics.median(seconds):.2f} s ({each}), {found[0].lines} lines")
    print(f"load of the last minute: {os.getloadavg()[0]:.1f}")


def _show(film: Path, folder: Path | None) -> Shown:
    with open_house(folder) as house, _chromium(house) as browser:
        uploaded = upload(house, film)
        # the page's clock is the one of the wall
        sent_at = uploaded.sent_at + time.time() - time.monotonic()
        _tell(browser, uploaded.media_id)
        found = json.loads(_hear(browser))
        return Shown(seconds=found["at"] / 1000 - sent_at, lines=found["height"])


@contextmanager
def _chromium(house: House) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"HOMEREEL_MEDIA_ROOT": str(house.root)}
    program = [sys.executable, "-m", "server", "user", "add", NAME, "--admin"]
    subprocess.run(program, env=environment, input=f"{PASSWORD}\n", text=True, check=True, stdout=subprocess.DEVNULL)
    with subprocess.Popen(["node", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as browser:
        _tell(browser, json.dumps({"base": f"http://{HOST}:{house.port}", "name": NAME, "password": PASSWORD}))
        if _hear(browser) != "open":
            raise SystemExit("the browser did not open")
        time.sleep(1)  # what a page does when it has been opened is done
        yield browser


def _tell(browser: subprocess.Popen[str], line: str) -> None:
    assert browser.stdin is not None
    browser.stdin.write(f"{line}\n")
    browser.stdin.flush()


def _hear(browser: subprocess.Popen[str]) -> str:
    assert browser.stdout is not None
    return browser.stdout.readline().strip()


if __name__ == "__main__":
    main()
