"""Time to play: from the last byte of an upload to the first pictures and sound that a player has in hand.

    python -m bench.time_to_play [--minutes 120] [--gigabytes 4] [--encoded-minutes 10] [--rounds 3] [--folder /disk]

A long H.264/AAC film as MP4 and as Matroska, and one of MPEG-4 and MP3 that must be encoded. Each round gives every
film to a new house (so no earlier film is being encoded meanwhile) and then to ffmpeg, which repacks it as HLS by
`-c copy`: `whole` is its time with a VOD playlist, which it writes last, `first` its time to an event playlist. Of the
third film one whole rendition is encoded, the smallest, which is what others wait for. Figures are medians; ratios are
medians of each round's own.

Written are the bytes that the kernel counts for server, workers and ffmpeg between the upload's answer and the first
segments served: rows, playlists and index files are among them. Segments are what then lies on disk of those.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.films import as_matroska, make_h264_film, make_mpeg4_film
from bench.house import LOOK_SECONDS, House, film_state, open_house, until, upload, written_bytes
from bench.viewer import first_listed, open_film, take, take_inits

PLAYABLE_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Seconds since the last byte was sent."""

    answered: float
    listed: float  # manifestUrl is there
    served: float
    written_bytes: int
    segment_bytes: int
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repacked:
    first: float
    whole: float
    written_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--gigabytes", type=float, default=4)
    parser.add_argument("--encoded-minutes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clip", type=Path, help="pictures to repeat; else a test pattern with noise")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to write to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="homereel-bench-", dir=options.folder) as name:
        films = _films(Path(name), options)
        played: dict[str, list[Played]] = {film: [] for film in films}
        repacked: dict[str, list[Repacked]] = {film: [] for film in films if film != "encoded"}
        for number in range(options.rounds):
            for film, path in films.items():
                played[film].append(_play(path, options.folder))
                if film in repacked:
                    repacked[film].append(_repack(path, shown=number == 0))
        _print(played, repacked, _encode_whole(films["encoded"]))
    print(f"load of the last minute: {os.getloadavg()[0]:.1f}")


def _films(folder: Path, options: argparse.Namespace) -> dict[str, Path]:
    film = make_h264_film(folder, options.minutes, options.gigabytes, options.clip)
    mpeg4 = make_mpeg4_film(folder, options.encoded_minutes, options.clip)
    films = {"MP4": film, "Matroska": as_matroska(film), "encoded": mpeg4}
    for name, path in films.items():
        print(f"{name}: {path.stat().st_size / 1e9:.2f} GB")
    return films


def _play(film: Path, folder: Path | None) -> Played:
    with open_house(folder) as house:
        uploaded = upload(house, film)
        before = written_bytes(house)
        master_url = manifest_url(house, uploaded.media_id)
        listed_at = time.monotonic()
        showing = open_film(house, master_url, first_listed)
        take_inits(house, showing)
        take(house, showing, 0)
        served_at = time.monotonic()
        return Played(
            answered=uploaded.answered_at - uploaded.sent_at,
            listed=listed_at - uploaded.sent_at,
            served=served_at - uploaded.sent_at,
            written_bytes=written_bytes(house) - before,
            segment_bytes=sum(path.stat().st_size for path in house.root.glob("hls/**/*.m4s")),
            lines=showing.rung.lines,
        )


def manifest_url(house: House, media_id: str) -> str:
    found: list[str] = []

    def is_playable() -> bool:
        found.extend(url for url in (film_state(house, media_id)["manifestUrl"],) if url)
        return bool(found)

    until(is_playable, PLAYABLE_SECONDS)
    return found[0]


def _repack(film: Path, *, shown: bool) -> Repacked:
    with tempfile.TemporaryDirectory(prefix="repacked-", dir=film.parent) as name:
        playlist = Path(name) / "film.m3u8"
        event, vod = (_hls(film, ("-c", "copy"), playlist, kind) for kind in ("event", "vod"))
        if shown:
            print("reference:", shlex.join(vod))
        first = _first_playlist(event, playlist)
        started = time.monotonic()
        subprocess.run(vod, check=True)
        whole = time.monotonic() - started
        size = sum(path.stat().st_size for path in Path(name).iterdir())
    return Repacked(first=first, whole=whole, written_bytes=size)


def _hls(film: Path, made: Sequence[str], playlist: Path, kind: str) -> list[str]:
    hls = ("-f", "hls", "-hls_time", "6", "-hls_segment_type", "fmp4", "-hls_playlist_type", kind)
    return ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(film), *made, *hls, str(playlist)]


def _first_playlist(command: Sequence[str], playlist: Path) -> float:
    started = time.monotonic()
    process = subprocess.Popen(command)
    try:
        until(playlist.exists, PLAYABLE_SECONDS)
        return time.monotonic() - started
    finally:
        process.terminate()
        process.wait()
        playlist.unlink(missing_ok=True)


def _encode_whole(film: Path) -> float:
    """Seconds for the smallest rung and the sound, at our own preset and quality."""
    with tempfile.TemporaryDirectory(prefix="encoded-", dir=film.parent) as name:
        x264 = ("-vf", "scale=-2:240", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-c:a", "aac")
        command = _hls(film, x264, Path(name) / "film.m3u8", "vod")
        print("reference:", shlex.join(command))
        started = time.monotonic()
        subprocess.run(command, check=True)
        return time.monotonic() - started


def _print(played: dict[str, list[Played]], repacked: dict[str, list[Repacked]], whole_encode: float) -> None:
    print(f"seconds since the last byte was sent, looked at every {LOOK_SECONDS * 1000:.0f} ms")
    print(f"{'':10}{'answered':>10}{'listed':>8}{'served':>8}{'written MB':>12}{'segments MB':>13}{'lines':>7}")
    for film, rounds in played.items():
        answered, listed, served = (_median(rounds, name) for name in ("answered", "listed", "served"))
        written, segments = (_median(rounds, name) / 1e6 for name in ("written_bytes", "segment_bytes"))
        print(f"{film:10}{answered:10.2f}{listed:8.2f}{served:8.2f}{written:12.3f}{segments:13.3f}{rounds[0].lines:7}")
    print(f"{'ffmpeg':10}{'first':>10}{'ratio':>8}{'whole':>10}{'ratio':>8}{'written MB':>12}")
    for film, references in repacked.items():
        _print_reference(film, references, played[film])
    ratio = whole_encode / _median(played["encoded"], "served")
    print(f"{'encoded':10}{'':18}{whole_encode:10.2f}{ratio:8.1f}")


def _print_reference(film: str, references: Sequence[Repacked], played: Sequence[Played]) -> None:
    """Ratios are theirs to our time until the first segments are served."""
    pairs = list(zip(references, played, strict=True))
    to_first = statistics.median(theirs.first / ours.served for theirs, ours in pairs)
    to_whole = statistics.median(theirs.whole / ours.served for theirs, ours in pairs)
    first, whole, written = (_median(references, name) for name in ("first", "whole", "written_bytes"))
    print(f"{film:10}{first:10.2f}{to_first:8.2f}{whole:10.2f}{to_whole:8.1f}{written / 1e6:12.1f}")


def _median(rounds: Sequence[object], name: str) -> float:
    return float(statistics.median(getattr(one, name) for one in rounds))


if __name__ == "__main__":
    main()
