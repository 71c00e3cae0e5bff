"""Seeks into a film of which nothing but the plan and its beginning exist, and what they cost the whole ladder.

    python -m bench.seek [--minutes 20] [--seeks 30] [--pause 2] [--whole-minutes 3] [--whole-seeks 5] [--rounds 1]

Part 1: MPEG-4 and MP3, so that everything must be encoded. As soon as it can be played a viewer goes to random places
that nobody has made, takes pictures (the preview rung) and sound there, looks for `--pause` seconds and goes on, while
the workers make the rest. A seek lasts until both segments are there to the last byte.

Part 2: a shorter film to its end, without seeks and with as many a minute as in part 1 by default. CPU is that of all
ffmpeg and ffprobe processes, killed ones included, until no job is left; rounds take turns.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.films import make_mpeg4_film
from bench.house import House, ffmpeg_seconds, film_state, is_idle, open_house, own_seconds, until, upload
from bench.time_to_play import manifest_url
from bench.viewer import Showing, open_film, preview, take, take_inits

SEED = 3
# A minute of film takes about as long on two cores; a machine may be five times slower or busy.
PATIENCE_FACTOR, PATIENCE_MARGIN_SECONDS = 5 * 60, 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Until no job is left."""

    ffmpeg_seconds: float
    own_seconds: float
    wall_seconds: float
    seeks: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--seeks", type=int, default=30)
    parser.add_argument("--pause", type=float, default=2, help="seconds between a seek's end and the next")
    parser.add_argument("--whole-minutes", type=int, default=3)
    parser.add_argument("--whole-seeks", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1, help="of the second part; 0 leaves it out")
    parser.add_argument("--clip", type=Path, help="pictures to repeat; else a test pattern with noise")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to write to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="homereel-bench-", dir=options.folder) as name:
        _print_seeks(_seek_only(make_mpeg4_film(Path(name), options.minutes, options.clip), options))
        if options.rounds:
            _compare(make_mpeg4_film(Path(name), options.whole_minutes, options.clip), options)
    print(f"load of the last minute: {os.getloadavg()[0]:.1f}")


def _seek_only(film: Path, options: argparse.Namespace) -> list[float]:
    with open_house(options.folder) as house:
        showing = _open(house, upload(house, film).media_id)
        return _seek(house, showing, options.seeks, options.pause)


def _compare(film: Path, options: argparse.Namespace) -> None:
    without: list[Whole] = []
    sought: list[Whole] = []
    for _ in range(options.rounds):
        without.append(_make_whole(film, options, seeks=0))
        sought.append(_make_whole(film, options, seeks=options.whole_seeks))
    _print_wholes(options.whole_minutes, without, sought)


def _open(house: House, media_id: str) -> Showing:
    showing = open_film(house, manifest_url(house, media_id), preview)
    take_inits(house, showing)
    return showing


def _seek(house: House, showing: Showing, seeks: int, pause_seconds: float) -> list[float]:
    """Seconds of each; fewer than asked for where the film was made meanwhile."""
    chance = random.Random(SEED)
    found = []
    for _ in range(seeks):
        missing = [number for number in range(showing.count) if not _is_there(house, showing, number)]
        if not missing:
            break
        found.append(take(house, showing, chance.choice(missing)))
        time.sleep(pause_seconds)
    return found


def _is_there(house: House, showing: Showing, number: int) -> bool:
    """Asked of the disk, for a request would have it made."""
    media_id, name = re.fullmatch(r"/stream/hls/([^/]+)/[^/]+/(.+)", showing.tracks[0].urls[number]).groups()  # type: ignore[union-attr]
    return (house.root / "hls" / media_id / name).exists()


def _make_whole(film: Path, options: argparse.Namespace, seeks: int) -> Whole:
    patience = PATIENCE_FACTOR * options.whole_minutes + PATIENCE_MARGIN_SECONDS
    with open_house(options.folder) as house:
        ffmpeg_before, own_before = ffmpeg_seconds(house), own_seconds(house)
        uploaded = upload(house, film)
        done = _seek(house, _open(house, uploaded.media_id), seeks, options.pause)
        until(lambda: film_state(house, uploaded.media_id)["status"] == "READY" and is_idle(house), patience)
        return Whole(
            ffmpeg_seconds=ffmpeg_seconds(house) - ffmpeg_before,
            own_seconds=own_seconds(house) - own_before,
            wall_seconds=time.monotonic() - uploaded.answered_at,
            seeks=len(done),
        )


def _print_seeks(seconds: Sequence[float]) -> None:
    ordered = sorted(seconds)
    p50, p95 = statistics.median(ordered), ordered[-(-95 * len(ordered) // 100) - 1]
    print("each seek, s:", " ".join(f"{one:.2f}" for one in seconds))
    print(f"{len(ordered)} seeks: p50 {p50:.2f} s, p95 {p95:.2f} s, max {ordered[-1]:.2f} s")


def _print_wholes(minutes: int, without: Sequence[Whole], sought: Sequence[Whole]) -> None:
    pairs = list(zip(sought, without, strict=True))
    print(f"{f'{minutes} minutes':16}{'ffmpeg CPU s':>14}{'own CPU s':>11}{'wall s':>8}{'CPU ratio':>11}")
    for name, found in ("without seeks", without), (f"with {sought[0].seeks} seeks", sought):
        ffmpeg = statistics.median(one.ffmpeg_seconds for one in found)
        own = statistics.median(one.own_seconds for one in found)
        wall = statistics.median(one.wall_seconds for one in found)
        print(f"{name:16}{ffmpeg:14.1f}{own:11.1f}{wall:8.1f}", end="")
        print(
            f"{statistics.median(a.ffmpeg_seconds / b.ffmpeg_seconds for a, b in pairs):11.3f}"
            if found is sought
            else ""
        )
    cost = statistics.median((a.ffmpeg_seconds - b.ffmpeg_seconds) / max(1, a.seeks) for a, b in pairs)
    print(f"a seek costs {cost:.2f} CPU s more")


if __name__ == "__main__":
    main()
