"""What ffprobe says of every packet: the other reader of an original."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple


class Packet(NamedTuple):
    time: int
    decode_time: int
    size: int
    offset: int


def packets(path: Path) -> dict[int, list[Packet]]:
    """By stream index, those that an edit list hides included."""
    return {stream: [packet for packet, _ in found] for stream, found in _read(path).items()}


def keyframes(path: Path) -> dict[int, list[int]]:
    """Positions by stream index."""
    return {stream: [n for n, (_, flags) in enumerate(found) if "K" in flags] for stream, found in _read(path).items()}


def _read(path: Path) -> dict[int, list[tuple[Packet, str]]]:
    entries = "packet=stream_index,pts,dts,size,pos,flags"
    command = ("ffprobe", "-v", "error", "-of", "json", "-show_packets", "-show_entries", entries, str(path))
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["packets"]
    streams = defaultdict(list)
    for one in found:
        packet = Packet(one["pts"], one["dts"], int(one["size"]), int(one["pos"]))
        streams[one["stream_index"]].append((packet, one["flags"]))
    return streams
