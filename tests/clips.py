"""Small real films, made once a session by ffmpeg itself: `clip("vfr.mkv")` is a path to one."""

from __future__ import annotations

import atexit
import shutil
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path

CLIP_SECONDS = 4

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "50", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-b:a", "64k")
SOUND = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={CLIP_SECONDS}")
# A quarter turn clockwise, as phones write it into the track header.
QUARTER_TURN = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 180 << 16, 0, 1 << 30)


def picture(rate: str) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={rate}:duration={CLIP_SECONDS}")


RECIPES: dict[str, tuple[str, ...]] = {
    "h264-25.mp4": (*picture("25"), *SOUND, *X264, *AAC),
    "h264-23.976.mp4": (*picture("24000/1001"), *SOUND, *X264, *AAC),
    "h264.mkv": (*picture("25"), *SOUND, *X264, *AAC),
    "h264.ts": (*picture("25"), *SOUND, *X264, *AAC),
    "ntsc.mkv": (*picture("30000/1001"), *SOUND, *X264, *AAC),
    "vfr.mkv": (*picture("25"), *SOUND, "-vf", "select='lt(mod(n,10),6)'", "-fps_mode", "vfr", *X264, *AAC),
    "hevc.mp4": (
        *picture("25"),
        *SOUND,
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=1",
        *AAC,
    ),
    "no-audio.mp4": (*picture("25"), *X264),
    "upright.mp4": (*picture("25"), *X264),
    "interlaced.mp4": (*picture("25"), *X264, "-flags", "+ilme+ildct", "-x264opts", "tff=1"),
    "surround.mkv": (*picture("25"), *SOUND, *X264, "-c:a", "ac3", "-ac", "6"),
    "dolby-2.mp4": (*SOUND, "-c:a", "ac3", "-ac", "2"),
    "dolby-6.mp4": (*SOUND, "-c:a", "ac3", "-ac", "6"),
    "audio-only.m4a": (*SOUND, *AAC),
    "b-frames.avi": (*picture("25"), *SOUND, "-c:v", "mpeg4", "-bf", "2", "-vtag", "XVID", "-c:a", "libmp3lame"),
    "h264-b-frames.avi": (*picture("25"), *X264),
    "opus.webm": (
        *picture("25"),
        *SOUND,
        "-c:v",
        "libvpx",
        "-cpu-used",
        "8",
        "-deadline",
        "realtime",
        "-c:a",
        "libopus",
    ),
    "dv.avi": (*picture("25"), "-s", "720x576", "-c:v", "dvvideo", "-pix_fmt", "yuv420p"),
    "phone.3gp": (*picture("15"), *SOUND, "-s", "176x144", "-c:v", "h263", "-c:a", "aac"),
    "camera.mov": (*picture("25"), *SOUND, "-c:v", "mjpeg", "-c:a", "adpcm_ima_qt", "-ac", "1"),
    "old.avi": (*picture("5"), *SOUND, "-c:v", "cinepak", "-s", "64x48", "-c:a", "adpcm_ms"),
    "old.mov": (*picture("25"), *SOUND, "-c:v", "svq1", "-c:a", "pcm_s16be"),
    "broadcast.mxf": (*picture("25"), *SOUND, "-c:v", "mpeg2video", "-c:a", "pcm_s16le"),
    "speech.ogg": (*SOUND, "-c:a", "libspeex", "-ar", "16000", "-ac", "1"),
    "disc.mkv": (*picture("25"), *SOUND, *X264, "-c:a", "truehd", "-strict", "-2", "-ac", "2"),
    "magicyuv.avi": (*picture("25"), "-c:v", "magicyuv"),
}


@cache
def clip(name: str) -> Path:
    if name == "rotated.mp4":
        return _rotated()
    path = clips_folder() / name
    make(*RECIPES[name], str(path))
    return path


@cache
def clips_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="homereel-clips-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def make(*arguments: str) -> None:
    subprocess.run(("ffmpeg", "-nostdin", "-v", "error", "-y", *arguments), check=True)


def decoded_times(path: Path, stream: int = 0) -> list[int]:
    """When ffmpeg itself shows each frame, in the stream's ticks."""
    arguments = ("-copyts", "-i", f"file:{path}", "-map", f"0:{stream}", "-fps_mode", "passthrough")
    # -1: the encoder's clock is the demuxer's, so nothing is rounded
    lines = subprocess.run(
        ("ffmpeg", "-v", "quiet", *arguments, "-enc_time_base", "-1", "-c:v", "rawvideo", "-f", "framecrc", "-"),
        check=False,
        capture_output=True,
    ).stdout.splitlines()
    return [int(line.split(b",")[2]) for line in lines if not line.startswith(b"#")]


def _rotated() -> Path:
    content = bytearray(clip("upright.mp4").read_bytes())
    matrix = content.index(b"tkhd") + 44
    content[matrix : matrix + len(QUARTER_TURN)] = QUARTER_TURN
    path = clips_folder() / "rotated.mp4"
    path.write_bytes(content)
    return path
