"""Originals for the copy lane, and their virtual segments written out as a player would fetch them."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.clips import clips_folder, make
from vod.containers.mp4 import read_tracks
from vod.containers.samples import IndexedTrack
from vod.hls.copying import Clock, cuts_from_keyframes, cuts_from_packets, refuse_uncopyable
from vod.hls.init_section import copied_init_section
from vod.hls.segment_index import VirtualSegment
from vod.hls.virtual import audio_segments, video_segments

SECONDS = 14
PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=192x108:rate=25:duration={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "50", "-pix_fmt", "yuv420p")
X265 = ("-c:v", "libx265", "-preset", "ultrafast")
AAC = ("-c:a", "aac", "-b:a", "64k")
BASE = "base.mp4"
SEGMENT_SECONDS = Fraction(6)

# From the base film, muxed in other ways, or encoded anew.
MUXED = {
    "front.mp4": ("-i", BASE, "-movflags", "+faststart"),
    "no-edit-list.mp4": ("-i", BASE, "-use_editlist", "0"),
    "negative-offsets.mp4": ("-i", BASE, "-movflags", "+negative_cts_offsets"),
    "late-picture.mp4": ("-itsoffset", "0.7", "-i", BASE, "-i", BASE, "-map", "0:v", "-map", "1:a"),
    "late-sound.mp4": ("-i", BASE, "-itsoffset", "0.7", "-i", BASE, "-map", "0:v", "-map", "1:a"),
    "late-all.mp4": ("-itsoffset", "0.7", "-i", BASE, "-map", "0"),
    "trimmed.mp4": ("-ss", "3.1", "-i", BASE),
    "quicktime.mov": ("-i", BASE),
    "fragments.mp4": ("-i", BASE, "-movflags", "+frag_keyframe+empty_moov+default_base_moof"),
    "fragments-by-file.mp4": ("-i", BASE, "-movflags", "+frag_keyframe+empty_moov"),
    "fragments-negative.mp4": ("-i", BASE, "-movflags", "+frag_keyframe+empty_moov+negative_cts_offsets"),
    "fragments-edited.mp4": ("-i", BASE, "-movflags", "+frag_keyframe+delay_moov"),
    "dash.mp4": ("-i", BASE, "-movflags", "+dash+global_sidx"),
}
ENCODED = {
    BASE: (*PICTURE, *SOUND, *X264, *AAC),
    "vfr.mp4": (*PICTURE, *SOUND, "-vf", "select='lt(mod(n,10),6)'", "-fps_mode", "vfr", *X264, "-c:a", "ac3"),
    "no-b-frames.mp4": (*PICTURE, *SOUND, *X264, "-bf", "0", "-c:a", "eac3"),
    "hev1.mp4": (*PICTURE, *SOUND, *X265, "-x265-params", "log-level=0:keyint=50:open-gop=0", "-tag:v", "hev1", *AAC),
    "open-hevc.mp4": (*PICTURE, *X265, "-x265-params", "log-level=0:keyint=50:open-gop=1", "-tag:v", "hvc1"),
    "open-avc.mp4": (*PICTURE, *X264, "-x264-params", "open-gop=1:keyint=50:bframes=3:scenecut=0"),
    "slow.mp4": (*PICTURE, *X264, "-r", "1", "-g", "2"),
    "sparse.mp4": (*PICTURE, *X264, "-g", "1000"),
    "yuv444.mp4": (*PICTURE, *X264, "-pix_fmt", "yuv444p"),
    "ten-bit.mp4": (*PICTURE, *X264, "-pix_fmt", "yuv420p10le"),
    "mp3.mp4": (*PICTURE, *SOUND, *X264, "-c:a", "libmp3lame"),
}


@cache
def original(name: str) -> Path:
    path = clips_folder() / f"copied-{name}"
    if name in MUXED:
        words = (str(original(BASE)) if word == BASE else word for word in MUXED[name])
        make(*words, "-c", "copy", str(path))
    else:
        make(*ENCODED[name], str(path))
    return path


class Copied(NamedTuple):
    init: bytes
    segments: list[VirtualSegment]
    cuts: tuple[int, ...]
    clock: Clock


def start_of(tracks: list[IndexedTrack]) -> Fraction:
    """Time 0 of the film, where nothing is presented before it."""
    return min(_start(one) for one in tracks if one.samples)


def _start(one: IndexedTrack) -> Fraction:
    times = one.require().times
    return Fraction(min(times) if one.track.kind == "video" else max(times[0], 0), one.track.timescale)


def copy_pictures(path: Path, *, index: int = 0) -> Copied:
    tracks = read_tracks(path)
    one = tracks[index]
    samples = one.require()
    refuse_uncopyable(one.track, samples)
    clock = Clock.of_pictures(one.track.timescale, start_of(tracks))
    cuts = cuts_from_keyframes(samples, clock, SEGMENT_SECONDS, clock.from_source(samples.end))
    init = copied_init_section(one.track, clock.timescale, cuts[-1])
    return Copied(init, video_segments(samples, clock, cuts), cuts, clock)


def copy_sound(path: Path, *, index: int = 1) -> Copied:
    tracks = read_tracks(path)
    one = tracks[index]
    samples = one.require()
    refuse_uncopyable(one.track, samples)
    clock = Clock.of_sound(one.track.timescale, start_of(tracks))
    end = Fraction(clock.from_source(samples.end), clock.timescale)
    boundaries = [SEGMENT_SECONDS * k for k in range(int(end / SEGMENT_SECONDS) + 1)] + [end]
    cuts = cuts_from_packets(samples, clock, boundaries)
    init = copied_init_section(one.track, clock.timescale, cuts[-1])
    return Copied(init, audio_segments(samples, clock, cuts), cuts, clock)


def fetched(path: Path, segment: VirtualSegment) -> bytes:
    content = path.read_bytes()
    return segment.head + b"".join(content[offset : offset + length] for offset, length in segment.ranges)


def write_copy(path: Path, copied: Copied, target: Path) -> Path:
    target.write_bytes(copied.init + b"".join(fetched(path, segment) for segment in copied.segments))
    return target


class Frame(NamedTuple):
    seconds: Fraction
    digest: str


def frames(path: Path, stream: str, *codec: str) -> list[Frame]:
    """Every decoded frame, or packet with `-c copy`, with the time that ffmpeg shows it at."""
    # -copyts: as the file has it; passthrough, -1: no frame is moved, dropped or rounded; nor is one turned
    reading = (
        "-copyts",
        "-noautorotate",
        "-i",
        str(path),
        "-map",
        f"0:{stream}",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "-1",
    )
    command = ("ffmpeg", "-nostdin", "-v", "error", *reading, *codec, "-f", "framemd5", "-")
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    base = next(Fraction(line.split()[2]) for line in lines if line.startswith("#tb"))
    fields = ([field.strip() for field in line.split(",")] for line in lines if not line.startswith("#"))
    return [Frame(int(field[2]) * base, field[5]) for field in fields]
