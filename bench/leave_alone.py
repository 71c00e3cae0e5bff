"""Whether a viewer of a finished film notices that two other films are being encoded.

    python -m bench.leave_alone [--seconds 120] [--speed 4] [--film-minutes 1] [--encoded-minutes 10]

He takes pictures (the highest rung) and sound of one segment after the other, round and round, each at its time; first
with nothing else to do, then beside the encodes. Before each the film's files are dropped from the page cache, as those
of a long film would not be in it. A segment that comes later than its length (over `--speed`) would be a stall for a
player that holds but one. `encodes` is how many ffmpeg processes ran when it was asked for, in the mean.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.films import make_h264_film, make_mpeg4_film
from bench.house import House, encodes, film_state, is_idle, open_house, until, upload
from bench.time_to_play import manifest_url
from bench.viewer import Showing, highest, open_film, take, take_inits

SEGMENT_SECONDS = 6.0
LIMIT_SECONDS = 0.3
READY_SECONDS = 1800.0
BACKGROUND_ENCODES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    seconds: float  # until pictures and sound were there
    encodes: int  # that ran when it was asked for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120, help="of watching, once idle and once busy")
    parser.add_argument("--speed", type=float, default=4, help="of playing; 1 is real time")
    parser.add_argument("--film-minutes", type=int, default=1, help="of the film that is watched")
    parser.add_argument("--encoded-minutes", type=int, default=10, help="of the two that are encoded meanwhile")
    parser.add_argument("--copied", action="store_true", help="watch a film whose highest rung is the original itself")
    parser.add_argument("--clip", type=Path, help="pictures to repeat; else a test pattern with noise")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to write to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="homereel-bench-", dir=options.folder) as name:
        _bench(Path(name), options)
    print(f"load of the last minute: {os.getloadavg()[0]:.1f}")


def _bench(folder: Path, options: argparse.Namespace) -> None:
    with open_house(options.folder) as house:
        media_id = _finished(house, folder, options)
        showing = _open(house, media_id)
        idle = _watch(house, media_id, showing, options)
        others = _begin_encodes(house, make_mpeg4_film(folder, options.encoded_minutes, options.clip))
        busy = _watch(house, media_id, showing, options)
        if any(_is_ready(house, other) for other in others):
            raise SystemExit("the encodes ended before the watching; give them more --encoded-minutes")
    print(f"{showing.rung.lines} lines and sound, a segment every {SEGMENT_SECONDS / options.speed:.1f} s")
    _print({"idle": idle, f"{BACKGROUND_ENCODES} encodes": busy}, SEGMENT_SECONDS / options.speed)


def _finished(house: House, folder: Path, options: argparse.Namespace) -> str:
    """Once nothing is left to be done for it."""
    minutes, clip = options.film_minutes, options.clip
    film = (
        make_h264_film(folder, minutes, 0.06 * minutes, clip)
        if options.copied
        else make_mpeg4_film(folder, minutes, clip)
    )
    media_id = upload(house, film).media_id
    until(lambda: _is_ready(house, media_id) and is_idle(house), READY_SECONDS)
    return media_id


def _begin_encodes(house: House, film: Path) -> list[str]:
    """Past their heads, which are as urgent as a viewer; what is left is background."""
    others = [upload(house, film).media_id for _ in range(BACKGROUND_ENCODES)]
    until(lambda: all(_is_past_head(house, other) for other in others), READY_SECONDS)
    until(lambda: encodes(house) >= BACKGROUND_ENCODES, READY_SECONDS)
    return others


def _is_past_head(house: House, media_id: str) -> bool:
    found = film_state(house, media_id)
    return bool(found["playable"]) and found["progress"].get("ladder", 0) > 0


def _is_ready(house: House, media_id: str) -> bool:
    return bool(film_state(house, media_id)["status"] == "READY")


def _open(house: House, media_id: str) -> Showing:
    showing = open_film(house, manifest_url(house, media_id), highest)
    take_inits(house, showing)
    return showing


def _watch(house: House, media_id: str, showing: Showing, options: argparse.Namespace) -> list[Place]:
    """One that is late puts off the next."""
    found: list[Place] = []
    due = time.monotonic()
    end = due + options.seconds
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        _forget(house.root, media_id)
        running = encodes(house)
        found.append(Place(seconds=take(house, showing, len(found) % showing.count), encodes=running))
        due = max(due + SEGMENT_SECONDS / options.speed, time.monotonic())
    return found


def _forget(root: Path, media_id: str) -> None:
    """The film's segments and its original must be read from the disk again."""
    for path in (*root.glob(f"hls/{media_id}/*/*/*.m4s"), *root.glob(f"originals/{media_id}.*")):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _print(watched: dict[str, Sequence[Place]], segment_seconds: float) -> None:
    heads = ("places", "encodes", "p50 ms", "p99 ms", "max ms", "> 300 ms", "stalls", "p99 ratio")
    print(f"{'':12}" + "".join(f"{head:>10}" for head in heads))
    baseline = _p99([place.seconds for place in watched["idle"]])
    for name, places in watched.items():
        found = [place.seconds for place in places]
        running = statistics.mean(place.encodes for place in places)
        p50, p99, longest = (1000 * value for value in (statistics.median(found), _p99(found), max(found)))
        late = sum(one > LIMIT_SECONDS for one in found)
        stalls = sum(one > segment_seconds for one in found)
        print(f"{name:12}{len(found):10}{running:10.1f}{p50:10.1f}{p99:10.1f}{longest:10.1f}", end="")
        print(f"{late:10}{stalls:10}{_p99(found) / baseline:10.2f}")


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[-(-99 * len(values) // 100) - 1]


if __name__ == "__main__":
    main()
