"""What ffmpeg's demuxer makes of a file: the truth that our own reading is held against."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from vod.containers.samples import Samples


class Packet(NamedTuple):
    pts: int
    digest: str


def packets(path: Path) -> dict[int, list[Packet]]:
    """By stream index, in file order. A packet without a time (a later lace) has that of the one before it."""
    found: dict[int, list[Packet]] = {}
    for packet in _ffprobe(path, "-show_packets", "-show_data_hash", "sha256")["packets"]:
        stream = found.setdefault(packet["stream_index"], [])
        stream.append(Packet(int(packet["pts"]), packet["data_hash"].removeprefix("SHA256:")))
    return found


def keyframe_times(path: Path, stream: int) -> list[int]:
    shown = _ffprobe(path, "-show_packets", "-select_streams", str(stream))["packets"]
    return [int(packet["pts"]) for packet in shown if packet["flags"].startswith("K")]


def streams(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _ffprobe(path, "-show_streams")["streams"]
    return found


def read_packets(path: Path, samples: Samples) -> list[Packet]:
    """The samples as bytes of the file."""
    with path.open("rb") as file:
        return [
            Packet(time, _digest(file.seek(offset) and file.read(size)))
            for time, offset, size in zip(samples.times, samples.offsets, samples.sizes, strict=True)
        ]


def _digest(content: bytes | int) -> str:
    assert isinstance(content, bytes)
    return hashlib.sha256(content).hexdigest()


def _ffprobe(path: Path, *arguments: str) -> dict[str, Any]:
    command = ("ffprobe", "-v", "error", *arguments, "-of", "json", f"file:{path}")
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer
