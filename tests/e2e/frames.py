"""What a rendition shows and when, asked of ffmpeg's decoder; and the same of its original."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.clips import clips_folder, make
from vod.hls.plan import Plan, Rung
from vod.hls.segment_index import SegmentIndex
from vod.storage import SEGMENT_INDEX, segment_name

Sound = NDArray[np.float32]


def joined(folder: Path, segments: int) -> Path:
    """A rendition as one file, the way a player appends it."""
    path = folder.with_suffix(".mp4")
    parts = [folder / "init.mp4", *(folder / segment_name(number) for number in range(segments))]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def written_out(folder: Path, original: Path) -> Path:
    """A copied rendition as one file, its ranges of the original filled in."""
    path, media = folder.with_suffix(".mp4"), original.read_bytes()
    whole = (folder / "init.mp4").read_bytes()
    with closing(SegmentIndex.open(folder / SEGMENT_INDEX)) as index:
        for segment in map(index.segment, range(len(index))):
            whole += segment.head + b"".join(media[offset : offset + length] for offset, length in segment.ranges)
    path.write_bytes(whole)
    return path


def frame_hashes(path: Path) -> list[str]:
    """Of every decoded picture, in the order of showing."""
    output = _ffmpeg("-i", f"file:{path}", "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")
    return [line.rpartition(",")[2].strip() for line in output.decode().splitlines() if not line.startswith("#")]


def shown_times(path: Path, stream: int = 0) -> list[int]:
    """Presentation time of every decoded frame, in the stream's ticks, in the order of showing."""
    arguments = ("-copyts", "-i", f"file:{path}", "-map", f"0:{stream}", "-fps_mode", "passthrough")
    output = _ffmpeg(*arguments, "-enc_time_base", "-1", "-c:v", "rawvideo", "-f", "framecrc", "-")
    return [int(line.split(",")[2]) for line in output.decode().splitlines() if not line.startswith("#")]


def similarity(original: Path, plan: Plan, rendition: Path, rung: Rung) -> list[float]:
    """SSIM of each frame with the original's frame of the same number, scaled to the rung."""
    stream = plan.video.stream_index if plan.video else 0
    graph = (
        f"[0:{stream}]scale={rung.width}:{rung.height}:flags=bicubic,format=yuv420p,settb=1/1000,setpts=N[a];"
        f"[1:0]format=yuv420p,settb=1/1000,setpts=N[b];[a][b]ssim=stats_file=-"
    )
    arguments = ("-i", f"file:{original}", "-i", f"file:{rendition}", "-lavfi", graph)
    output = _ffmpeg(*arguments, "-fps_mode", "passthrough", "-f", "null", "/dev/null")
    return [float(found) for found in re.findall(r"All:([0-9.]+)", output.decode())]


def decoded_sound(path: Path, stream: int = 0, filters: str = "anull") -> Sound:
    """Interleaved stereo samples as rows of two."""
    output = _ffmpeg("-i", f"file:{path}", "-map", f"0:{stream}", "-af", filters, "-ac", "2", "-f", "f32le", "pipe:1")
    return np.frombuffer(output, dtype=np.float32).reshape(-1, 2)


def encoded_whole(original: Path, stream: int, filters: str, bitrate_bps: int) -> Path:
    """The same track through the same encoder in one go."""
    path = clips_folder() / f"{original.name}-{stream}.m4a"
    arguments = ("-map", f"0:{stream}", "-af", filters, "-c:a", "aac", "-b:a", str(bitrate_bps))
    make("-i", f"file:{original}", *arguments, str(path))
    return path


def signal_to_noise_db(wanted: Sound, got: Sound) -> float:
    noise = float(np.sum((wanted - got) ** 2))
    return float(10 * np.log10(float(np.sum(wanted**2)) / max(noise, 1e-12)))


def _ffmpeg(*arguments: str) -> bytes:
    return subprocess.run(("ffmpeg", "-nostdin", "-v", "error", *arguments), check=True, capture_output=True).stdout
