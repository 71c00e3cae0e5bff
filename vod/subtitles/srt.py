"""SubRip and WebVTT in: two spellings of one thing, blocks of lines below a line with an arrow.

Strict about times, forgiving about the rest: numbers are ignored, blank lines may be missing, and whatever is no cue
(STYLE, REGION, NOTE) is passed over. Each line is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vod.subtitles.cues import Cue, bounded
from vod.subtitles.markup import cleaned, safe_settings

TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
TIMING = re.compile(rf"\s{{0,8}}{TIME}\s{{0,8}}-->\s{{0,8}}{TIME}(?:\s(.{{0,200}}))?")
NUMBER = re.compile(r"\s*\d{1,9}\s*")
LONGEST_LINE = 4000
MOST_LINES_A_CUE = 40


@dataclass(slots=True)
class _Block:
    start_ms: int
    end_ms: int
    settings: str
    lines: list[str]


def read_srt(text: str) -> list[Cue]:
    """Cues as they stand in `text`, on its own clock; none where it is no SubRip."""
    return list(bounded(_cues(_blocks(text, _number_belongs_to_next), takes_settings=False)))


def read_webvtt(text: str) -> list[Cue]:
    """As `read_srt`. Cue settings that are spelled right are kept."""
    return list(bounded(_cues(_blocks(text, _identifier_is_apart), takes_settings=True)))


def milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> int:
    """`fraction` is the digits behind the point: "5" is half a second."""
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int(fraction.ljust(3, "0"))


def _cues(blocks: Iterator[_Block], *, takes_settings: bool) -> Iterator[Cue]:
    for block in blocks:
        marked = cleaned("\n".join(block.lines))
        settings = safe_settings(block.settings) if takes_settings else ""
        if marked.text:
            yield Cue(
                start_ms=block.start_ms, end_ms=block.end_ms, text=marked.text, settings=settings or marked.settings
            )


def _blocks(text: str, drop_head: Callable[[list[str]], None]) -> Iterator[_Block]:
    """`drop_head` takes from the lines of a cue what already belongs to the next one."""
    block: _Block | None = None
    at_end = False  # behind the blank line that ends a cue
    for line in text.split("\n"):
        timing = TIMING.match(line[:LONGEST_LINE]) if "-->" in line else None
        if timing is not None:
            if block is not None:
                if not at_end:
                    drop_head(block.lines)
                yield block
            block, at_end = _begun(timing), False
        elif block is not None and not line.strip():
            at_end = True
        elif block is not None and not at_end and len(block.lines) < MOST_LINES_A_CUE:
            block.lines.append(line[:LONGEST_LINE])
    if block is not None:
        yield block


def _begun(timing: re.Match[str]) -> _Block:
    start, end = timing.groups()[0:4], timing.groups()[4:8]
    return _Block(milliseconds(*start), milliseconds(*end), timing[9] or "", [])


def _number_belongs_to_next(lines: list[str]) -> None:
    if lines and NUMBER.fullmatch(lines[-1]):
        lines.pop()


def _identifier_is_apart(lines: list[str]) -> None:
    """In WebVTT a blank line is the only end of a cue."""
