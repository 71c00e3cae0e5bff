"""From the index of a two-hour MP4 to that of its copied renditions: what lies between the last byte and the first.

The film is a clip of a minute, repeated; ffmpeg interleaves every picture with its sound, so half a million samples lie
in as many chunks. Each step is what a probe does, one after the other in one process; bytes are those read and written.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from vod.containers.mp4 import read_tracks
from vod.containers.samples import IndexedTrack
from vod.hls.copying import Clock, cuts_from_keyframes, cuts_from_packets, refuse_uncopyable
from vod.hls.index_writing import encode
from vod.hls.segment_index import VirtualSegment
from vod.hls.virtual import audio_segments, video_segments

CLIP_SECONDS = 64  # 3,000 packets of AAC at 48 kHz, so that repetitions leave no gap
SEGMENT_SECONDS = Fraction(6)
T = TypeVar("T")


class Step(NamedTuple):
    name: str
    cpu_seconds: float
    wall_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="homereel-bench-") as name:
        film = _make_film(Path(name), options.minutes)
        before = _transferred()
        rounds = [_round(film, Path(name) / "index") for _ in range(options.rounds)]
        read, written = ((after - earlier) / 1e6 for after, earlier in zip(_transferred(), before, strict=True))
    print(
        f"{options.minutes} minutes; a round reads {read / len(rounds):.1f} MB, writes {written / len(rounds):.1f} MB"
    )
    _print(rounds)


def _make_film(folder: Path, minutes: int) -> Path:
    clip, sound_clip, film = folder / "clip.mp4", folder / "clip.aac", folder / "film.mp4"
    picture = ("-f", "lavfi", "-i", f"testsrc2=size=64x36:rate=30:duration={CLIP_SECONDS}")
    sound = ("-f", "lavfi", "-i", f"sine=sample_rate=48000:duration={CLIP_SECONDS}")
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "60", "-pix_fmt", "yuv420p")
    _ffmpeg(*picture, *x264, str(clip))
    _ffmpeg(*sound, "-c:a", "aac", "-b:a", "24k", str(sound_clip))
    sound_clip.write_bytes(sound_clip.read_bytes() * (1 + 60 * minutes // CLIP_SECONDS))
    looped = ("-stream_loop", "-1", "-i", str(clip), "-i", str(sound_clip))
    _ffmpeg(*looped, "-c", "copy", "-t", str(60 * minutes), str(film))
    return film


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(("ffmpeg", "-nostdin", "-v", "error", "-y", *arguments), check=True)


def _round(film: Path, index: Path) -> list[Step]:
    steps: list[Step] = []

    def step(name: str, work: Callable[[], T]) -> T:
        cpu, wall = time.process_time(), time.monotonic()
        result = work()
        steps.append(Step(name, time.process_time() - cpu, time.monotonic() - wall))
        return result

    picture, sound = step("read the tables", lambda: read_tracks(film))
    step("check both tracks", partial(_check, picture, sound))
    clock, audio_clock = _clock(picture, Clock.of_pictures), _clock(sound, Clock.of_sound)
    end = clock.from_source(picture.require().end)
    cuts = step("cut pictures", lambda: cuts_from_keyframes(picture.require(), clock, SEGMENT_SECONDS, end))
    boundaries = [Fraction(cut, clock.timescale) for cut in cuts]
    audio_cuts = step("cut sound", lambda: cuts_from_packets(sound.require(), audio_clock, boundaries))
    pictures = step("segments of pictures", lambda: video_segments(picture.require(), clock, cuts))
    sounds = step("segments of sound", lambda: audio_segments(sound.require(), audio_clock, audio_cuts))
    for segments in (pictures, sounds):
        step("write an index", partial(_write_index, index, segments, film.stat().st_size))
    return [*steps, Step("all", *(sum(column) for column in zip(*(one[1:] for one in steps), strict=True)))]


def _check(*tracks: IndexedTrack) -> None:
    for one in tracks:
        refuse_uncopyable(one.track, one.require())


def _write_index(index: Path, segments: Sequence[VirtualSegment], original_bytes: int) -> None:
    index.write_bytes(encode(segments, original_bytes))


def _clock(one: IndexedTrack, kind: Callable[[int, Fraction], Clock]) -> Clock:
    return kind(one.track.timescale, Fraction(0))


def _transferred() -> tuple[int, int]:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(": ") for line in lines)
    return int(fields["rchar"]), int(fields["wchar"])


def _print(rounds: list[list[Step]]) -> None:
    print(f"{'median of ' + str(len(rounds)):24}{'CPU ms':>10}{'wall ms':>10}")
    for found in zip(*rounds, strict=True):
        cpu, wall = (1000 * statistics.median(column) for column in zip(*(one[1:] for one in found), strict=True))
        print(f"{found[0].name:24}{cpu:10.0f}{wall:10.0f}")


if __name__ == "__main__":
    main()
