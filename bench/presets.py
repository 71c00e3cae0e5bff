"""What x264's presets cost and give: CPU, bits and VMAF of one rung, on clips of real pictures.

    python -m bench.presets CLIP… --vmaf-ffmpeg FFMPEG [--lines 720] [--seconds 10] [--rounds 3]

`FFMPEG` is a build with libvmaf (that of the `imageio-ffmpeg` wheel). Each clip is made lossless first, in the size of
the rung. Encodes are those of a ladder span: our rate control, keyframes every two seconds. Ratios are to the preset
that is the default.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vod.hls.encoders import OWN_PRESETS
from vod.hls.ladder import choose_rungs

REFERENCE = "veryfast"
TRIED = ("ultrafast", "superfast", "superfast-lookahead", REFERENCE, "faster", "fast")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    cpu_seconds: float
    size_bytes: int
    vmaf: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--vmaf-ffmpeg", required=True)
    parser.add_argument("--lines", type=int, default=720)
    parser.add_argument("--seconds", type=float, default=10, help="of each clip")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="homereel-bench-") as folder:
        for number, clip in enumerate(options.clips):
            _compare(clip, Path(folder) / f"{number}.mkv", options)


def _compare(clip: Path, lossless: Path, options: argparse.Namespace) -> None:
    scaled = f"scale=-2:{options.lines},format=yuv420p,setsar=1"
    whole = ("-t", str(options.seconds), "-an", "-sn", "-vf", scaled, "-c:v", "ffv1")
    _run("ffmpeg", "-i", str(clip), *whole, str(lossless))
    made: dict[str, list[Made]] = {name: [] for name in TRIED}
    for _ in range(options.rounds):
        for name, found in made.items():
            found.append(_encode(lossless, name, found[0].vmaf if found else None, options))
    print(f"{clip.name}, {options.lines} lines")
    print(f"{'':20}{'CPU s':>8}{'ratio':>8}{'kB':>9}{'ratio':>8}{'VMAF':>8}")
    for name, found in made.items():
        _print(name, found, made[REFERENCE])


def _encode(lossless: Path, name: str, vmaf: float | None, options: argparse.Namespace) -> Made:
    """`vmaf` where it is known: the same encoder writes the same bytes."""
    preset, parameters = OWN_PRESETS.get(name, (name, ""))
    rung, *_ = choose_rungs(*_size(lossless), Fraction(1), 0, Fraction(25), max_lines=options.lines, crf=23)
    rate = ("-crf", str(rung.crf), "-maxrate", str(rung.peak_bps), "-bufsize", str(rung.buffer_bits))
    x264 = ":".join(filter(None, ("stitchable=1", parameters)))
    keys = ("-sc_threshold", "0", "-g", "99999", "-force_key_frames", "expr:gte(t,n_forced*2)")
    encoded = lossless.with_suffix(".mp4")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    preset_options = ("-c:v", "libx264", "-preset", preset, "-profile:v", "high", "-x264-params", x264)
    _run("ffmpeg", "-i", str(lossless), *preset_options, *rate, *keys, "-threads", "2", str(encoded))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Made(
        cpu_seconds=cpu,
        size_bytes=encoded.stat().st_size,
        vmaf=vmaf or measured_vmaf(options.vmaf_ffmpeg, encoded, lossless),
    )


def _size(film: Path) -> tuple[int, int]:
    fields = ("-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of", "csv=p=0")
    output = subprocess.run(("ffprobe", *fields, str(film)), check=True, capture_output=True, text=True).stdout
    width, height = output.strip().split(",")[:2]
    return int(width), int(height)


def measured_vmaf(program: str, encoded: Path, original: Path) -> float:
    """The mean over all frames, of pictures of one size."""
    log = encoded.with_suffix(".json")
    clock = "settb=1/1000,setpts=N"  # frame by frame, whatever either container made of their times
    measure = f"[0:v]{clock}[a];[1:v]{clock}[b];[a][b]libvmaf=log_fmt=json:log_path={log}:n_threads={os.cpu_count()}"
    _run(program, "-i", str(encoded), "-i", str(original), "-lavfi", measure, "-f", "null", "-")
    return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])


def _run(*command: str) -> None:
    program, *rest = command
    subprocess.run((program, "-nostdin", "-v", "error", "-y", *rest), check=True)


def _print(name: str, found: list[Made], reference: list[Made]) -> None:
    cpu, size = (statistics.median(getattr(one, key) for one in found) for key in ("cpu_seconds", "size_bytes"))
    pairs = list(zip(found, reference, strict=True))
    cpu_ratio = statistics.median(a.cpu_seconds / b.cpu_seconds for a, b in pairs)
    size_ratio = statistics.median(a.size_bytes / b.size_bytes for a, b in pairs)
    print(f"{name:20}{cpu:8.2f}{cpu_ratio:8.3f}{size / 1000:9.0f}{size_ratio:8.3f}{found[0].vmaf:8.2f}")


if __name__ == "__main__":
    main()
