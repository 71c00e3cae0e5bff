"""How every span opens its original, and a reader for the rest of an argv."""

from __future__ import annotations

from pathlib import Path

from vod.ffmpeg.guards import input_guards
from vod.hls.encode import Input

SOURCE = Input(path=Path("/films/a film.mp4"), max_pixels=1_000_000, threads=2)


def opened(*seek: str) -> list[str]:
    """The words up to the original itself; `seek` is the time, where there is one."""
    guards = input_guards(max_pixels=1_000_000)
    whitelists = [word for key in ("codec_whitelist", "format_whitelist") for word in (f"-{key}", str(guards[key]))]
    seeking = ["-noaccurate_seek", "-protocol_whitelist", "file", "-seek_timestamp", "1", "-ss", *seek]
    return [
        *("-f", "mov"),
        *whitelists,
        *("-max_pixels", "1000000", "-max_streams", "64"),
        *(seeking if seek else ("-protocol_whitelist", "file")),
        *("-threads", "2", "-i", "file:/films/a film.mp4"),
    ]


def value(argv: list[str], option: str) -> str | None:
    """Of the option's first appearance; None where there is none."""
    return argv[argv.index(option) + 1] if option in argv else None


def filters(argv: list[str]) -> list[str]:
    """The filters of the one chain, without its labels."""
    graph = value(argv, "-filter_complex") or ""
    return [step.split("]", 1)[1].rsplit("[", 1)[0].replace("\\", "") for step in graph.split(";")]
