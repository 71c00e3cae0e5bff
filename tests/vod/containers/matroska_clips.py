"""Matroska films made by ffmpeg, once a session: `matroska_clip("b-frames")` is a path to one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.clips import X264, clips_folder, make

SECONDS = 9


def picture(rate: str = "25") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size=192x108:rate={rate}:duration={SECONDS}")


def sound(rate: int = 48_000) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate={rate}:duration={SECONDS}")


RECIPES: dict[str, tuple[str, ...]] = {
    "b-frames": (
        *picture(),
        *sound(),
        *("-map", "0", "-map", "1", "-map", "1", "-map", "1"),
        *X264,
        *("-c:a:0", "aac", "-c:a:1", "ac3", "-c:a:2", "eac3"),
    ),
    "vfr": (
        *picture(),
        *sound(44_100),
        *("-vf", "select='lt(mod(n,10),6)'", "-fps_mode", "vfr"),
        *X264,
        *("-c:a", "aac"),
    ),
    "late": (*picture("24000/1001"), *sound(44_100), *X264, "-c:a", "ac3", "-output_ts_offset", "3.217"),
    "cues-in-front": (*picture(), *sound(), *X264, "-c:a", "aac", "-cues_to_front", "1", "-reserve_index_space", "4k"),
    "many-clusters": (*picture(), *sound(), *X264, "-c:a", "aac", "-cluster_time_limit", "300"),
    "hevc": (
        *picture(),
        *("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0:keyint=50:open-gop=0"),
    ),
    "anamorphic": (*picture(), "-vf", "setsar=64/45", *X264, "-color_primaries", "bt709", "-colorspace", "bt709"),
    "open-gop": (*picture(), "-c:v", "libx264", "-x264-params", "open-gop=1:keyint=50:bframes=3:scenecut=0"),
    "live": (*picture(), *X264, "-live", "1"),
    "vp9": (*picture("5"), "-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime"),
}


@cache
def matroska_clip(name: str) -> Path:
    path = clips_folder() / f"matroska-{name}.mkv"
    make(*RECIPES[name], str(path))
    return path


@cache
def raw_sound(codec: str) -> bytes:
    """The AC-3 or E-AC-3 frames of "b-frames", one behind the other, without a container."""
    path = clips_folder() / f"matroska-sound.{codec}"
    stream = {"ac3": "0:a:1", "eac3": "0:a:2"}[codec]
    make("-i", str(matroska_clip("b-frames")), "-map", stream, "-c", "copy", str(path))
    return path.read_bytes()
