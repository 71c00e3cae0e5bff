"""The file under examination and how every look at it begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from vod.ffmpeg.guards import ANALYSE_MICROSECONDS, PROBE_BYTES, guard_arguments, input_guards, pinned_format
from vod.ffmpeg.process import Launcher

# Demuxers whose seeks land by byte position or by bisection, so not surely on the keyframe before the time.
UNINDEXED = frozenset({"mpegts", "mpeg", "ogg", "asf", "dv", "wtv", "rm", "aac", "ac3", "eac3", "dts", "truehd", "mlp"})

# Decoding the head of a 4K film is what a probe waits for longest.
PROBE_THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    launcher: Launcher
    path: Path
    size_bytes: int
    signature: bytes = b""  # the first bytes
    format_name: str = ""  # pinned once the header has named it

    def pinned(self, format_names: str) -> Original:
        return replace(self, format_name=pinned_format(format_names))

    @property
    def indexed(self) -> bool:
        return self.format_name not in UNINDEXED

    @property
    def input_arguments(self) -> tuple[str, ...]:
        """For ffprobe: guards, the depth of the first look, and the file."""
        settings = self.launcher.settings
        guards = input_guards(
            max_pixels=settings.max_pixels, format_name=self.format_name, threads=settings.threads or PROBE_THREADS
        )
        return (
            *guard_arguments(guards),
            *("-probesize", str(PROBE_BYTES), "-analyzeduration", str(ANALYSE_MICROSECONDS)),
            *("-i", f"file:{self.path}"),
        )
