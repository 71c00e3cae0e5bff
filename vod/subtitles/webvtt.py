"""Cues out as WebVTT: whole for the page, and as one segment of HLS."""

from __future__ import annotations

from collections.abc import Iterable

from vod.subtitles.cues import Cue


def timestamp_map(ticks: int) -> str:
    """RFC 8216 3.5: where, in ticks of 90 kHz, time 0 of the cues lies on the clock of pictures and sound."""
    return f"X-TIMESTAMP-MAP=MPEGTS:{ticks},LOCAL:00:00:00.000"


TIMESTAMP_MAP = timestamp_map(0)  # both begin at 0 (design.md section 2, rule 2)


def render_whole(cues: Iterable[Cue]) -> str:
    return _render(["WEBVTT"], enumerate(cues))


def render_segment(numbered: Iterable[tuple[int, Cue]]) -> str:
    """The number of a cue in the film is its identifier, the same in each segment that repeats it."""
    return _render(["WEBVTT", TIMESTAMP_MAP], numbered)


def render_cue(number: int, cue: Cue) -> str:
    timing = f"{_clock(cue.start_ms)} --> {_clock(cue.end_ms)} {cue.settings}".rstrip()
    return f"{number}\n{timing}\n{cue.text}\n"


def _render(head: list[str], numbered: Iterable[tuple[int, Cue]]) -> str:
    return "\n".join(["\n".join(head) + "\n", *(render_cue(number, cue) for number, cue in numbered)])


def _clock(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
