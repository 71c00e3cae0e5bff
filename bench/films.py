"""Films of any length for the benchmarks: a minute of pictures, repeated without being encoded again.

The sound is made once as a bare stream of frames and repeated byte by byte, so that its clock has no seams.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

RATE = "24000/1001"
CLIP_FRAMES = 1440
CLIP_SECONDS = CLIP_FRAMES * 1001 / 24000
SOUND_BPS = 128_000
# Whole frames of both codecs (1024 and 1152 samples): 60.096 s
SOUND_SAMPLES = 9216 * 313


def make_h264_film(folder: Path, minutes: int, gigabytes: float, clip: Path | None) -> Path:
    """H.264 and AAC in MP4 with its index at the end, as ffmpeg and cameras leave it; a keyframe every two seconds."""
    bps = max(500_000, int(gigabytes * 8e9 / (minutes * CLIP_SECONDS)) - SOUND_BPS)
    # padded to a constant rate: size alone counts here, and costs no encoder's time
    rate = ("-b:v", str(bps), "-minrate", str(bps), "-maxrate", str(bps), "-bufsize", str(bps))
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "nal-hrd=cbr", "-g", "48", "-pix_fmt", "yuv420p")
    sound = ("-c:a", "aac", "-b:a", str(SOUND_BPS), "-f", "adts")
    return _film(folder / "h264.mp4", minutes, (*x264, *rate), sound, clip)


def make_mpeg4_film(folder: Path, minutes: int, clip: Path | None) -> Path:
    """MPEG-4 part 2 and MP3: nothing in it can be handed on as it is. A keyframe every ten seconds, as XviD does."""
    sound = ("-c:a", "libmp3lame", "-b:a", str(SOUND_BPS), "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3")
    return _film(folder / "mpeg4.mp4", minutes, ("-c:v", "mpeg4", "-b:v", "8M", "-g", "240"), sound, clip)


def as_matroska(film: Path) -> Path:
    made = film.with_suffix(".mkv")
    _ffmpeg("-i", str(film), "-c", "copy", str(made))
    return made


def _film(path: Path, minutes: int, picture: tuple[str, ...], sound: tuple[str, ...], clip: Path | None) -> Path:
    pictures, frames = path.with_suffix(".clip.mp4"), path.with_suffix(".frames")
    _ffmpeg(*_picture_source(clip), "-an", "-frames:v", str(CLIP_FRAMES), *picture, str(pictures))
    noise = f"anoisesrc=color=pink:sample_rate=48000:seed=1,atrim=end_sample={SOUND_SAMPLES}"
    _ffmpeg("-f", "lavfi", "-i", noise, *sound, str(frames))
    frames.write_bytes(frames.read_bytes() * minutes)
    loop = ("-stream_loop", str(minutes - 1), "-i", str(pictures))
    # to the end of the pictures, for the sound is a little longer
    _ffmpeg(*loop, "-i", str(frames), "-c", "copy", "-t", f"{minutes * CLIP_SECONDS:.3f}", str(path))
    pictures.unlink()
    frames.unlink()
    return path


def _picture_source(clip: Path | None) -> tuple[str, ...]:
    if clip is None:
        return ("-f", "lavfi", "-i", f"testsrc2=size=1920x1080:rate={RATE},noise=alls=8:allf=t")
    return ("-stream_loop", "-1", "-i", str(clip), "-r", RATE, "-vf", "scale=1920:1080")


def _ffmpeg(*arguments: str) -> None:
    command = ("ffmpeg", "-nostdin", "-v", "error", "-y", *arguments)
    print("film:", shlex.join(command))
    subprocess.run(command, check=True)
