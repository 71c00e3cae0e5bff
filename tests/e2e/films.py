"""Originals whose every frame differs, in the containers that time them differently: of thirteen seconds, and a
long one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.clips import clips_folder, make

SECONDS = 13

# Noise in the sound and motion everywhere in the picture: a shift by one frame or one sample shows.
MOVING = ("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate={{rate}}:duration={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"anoisesrc=color=pink:sample_rate={{hz}}:amplitude=0.4:seed=5:duration={SECONDS}")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "100", "-crf", "18", "-pix_fmt", "yuv420p")

RECIPES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "mp4-23.976.mp4": ("24000/1001", "48000", (*X264, "-c:a", "aac", "-b:a", "256k")),
    "matroska-29.97.mkv": ("30000/1001", "44100", (*X264, "-c:a", "aac", "-b:a", "256k")),
    "transport-25.ts": ("25", "48000", (*X264, "-c:a", "mp2", "-b:a", "256k")),
    "variable.mkv": (
        "30",
        "44100",
        ("-vf", "select='lt(mod(n,17),11)+not(mod(n,5))'", "-fps_mode", "vfr", *X264, "-c:a", "ac3", "-b:a", "256k"),
    ),
}


LONG_SECONDS = 300
# Its second stands in the picture, in twos: bars side by side at the top, the first for 1, the second for 2, for 4 …
CLOCK_BARS = 9
BAR_PIXELS = 64
CLOCK = ",".join(
    f"drawbox=x={BAR_PIXELS * bar}:y=0:w={BAR_PIXELS}:h={BAR_PIXELS}:t=fill:color=black,"
    f"drawbox=x={BAR_PIXELS * bar}:y=0:w={BAR_PIXELS}:h={BAR_PIXELS}:t=fill:color=white"
    f":enable='mod(floor(t/{1 << bar}),2)'"
    for bar in range(CLOCK_BARS)
)


@cache
def film(name: str) -> Path:
    path = clips_folder() / f"film-{name}"
    if name == "long.mp4":
        return _long(path)
    rate, hz, encoding = RECIPES[name]
    picture = [part.format(rate=rate) for part in MOVING]
    sound = [part.format(hz=hz) for part in SOUND]
    make(*picture, *sound, *encoding, str(path))
    return path


def _long(path: Path) -> Path:
    picture = ("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=25:duration={LONG_SECONDS},{CLOCK}")
    sound = ("-f", "lavfi", "-i", f"anoisesrc=color=pink:sample_rate=48000:duration={LONG_SECONDS}")
    make(*picture, *sound, *X264, "-c:a", "aac", str(path))
    return path
