"""The cue: one timed text, already safe to show, and how a foreign list of them becomes an orderly one.

Times are whole milliseconds from time 0 of the film. `text` is a finished WebVTT payload that `vod.subtitles.markup`
made: escaped, no markup but b, i and u, no empty line.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from vod.errors import HomereelError

# The longest film with a cue every second and a half has 20,000; typeset ASS has up to 100,000 events.
MOST_CUES = 100_000
# A cue without an end is shown until the next, and never longer than anybody reads.
ENDLESS_SECONDS = 10
# Later than any film; also keeps sums of hostile times small.
LATEST_MS = 100 * 3600 * 1000


class SubtitlesRefused(HomereelError):
    """These are no subtitles, or more of them than any film has; the message is for a person."""

    code: ClassVar[str] = "subtitles-unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    start_ms: int
    end_ms: int
    text: str
    settings: str = ""  # WebVTT cue settings, from `vod.subtitles.markup` alone


def tidy(cues: Iterable[Cue], *, shift_ms: int = 0, duration_ms: int = LATEST_MS) -> tuple[Cue, ...]:
    """In order of time, each once, inside the film. `shift_ms` is the film's time 0 on the clock of `cues`.

    A cue that ends before it starts has no end that can be believed: it is shown until the next one.
    """
    moved = (replace(cue, start_ms=cue.start_ms - shift_ms, end_ms=cue.end_ms - shift_ms) for cue in cues if cue.text)
    ordered = sorted(dict.fromkeys(moved), key=_time)
    return tuple(_inside(_ended(ordered), duration_ms))


def bounded(cues: Iterable[Cue]) -> Iterator[Cue]:
    """Raises SubtitlesRefused behind the last cue that any film has."""
    for number, cue in enumerate(cues):
        if number >= MOST_CUES:
            raise SubtitlesRefused(f"There are more than {MOST_CUES} lines in these subtitles.")
        yield cue


def _time(cue: Cue) -> tuple[int, int]:
    return cue.start_ms, cue.end_ms


def _ended(ordered: list[Cue]) -> Iterator[Cue]:
    starts = [cue.start_ms for cue in ordered]
    for cue in ordered:
        if cue.end_ms > cue.start_ms:
            yield cue
        else:
            behind = bisect_right(starts, cue.start_ms)
            following = starts[behind] if behind < len(starts) else LATEST_MS
            yield replace(cue, end_ms=min(following, cue.start_ms + ENDLESS_SECONDS * 1000))


def _inside(cues: Iterable[Cue], duration_ms: int) -> list[Cue]:
    kept = [
        replace(cue, start_ms=max(0, cue.start_ms), end_ms=min(cue.end_ms, duration_ms))
        for cue in cues
        if cue.end_ms > 0 and cue.start_ms < duration_ms
    ]
    return sorted(kept, key=_time)
