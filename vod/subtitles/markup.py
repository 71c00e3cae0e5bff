"""Foreign markup in, a safe WebVTT payload out: text is escaped, b, i and u survive and are closed, all else goes.

The page and every player get nothing that was not written here (security.md A38 and 3.5): no classes, voices, STYLE
blocks or URLs.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from vod.subtitles.text import HARMFUL

KEPT = ("b", "i", "u")
# Tags of SubRip and WebVTT that say how a text looks or who speaks; others are text somebody wrote between < and >.
DROPPED = ("font", "s", "strike", "c", "v", "lang", "ruby", "rt", "span", "p", "div", "em", "strong", "br", "script")
LONGEST_TEXT = 2000  # characters of one cue; a screen holds 300

TOKEN = re.compile(
    r"<(?P<close>/?)(?P<tag>[A-Za-z]{1,8})(?=[\s>/.])[^<>\n]{0,500}>"
    r"|<[\d:.]{5,15}>"  # a WebVTT karaoke time
    r"|\{\\(?P<override>[^{}\n]{0,200})\}"
)
ALIGNMENT = re.compile(r"\\?an([1-9])")
EMPTY_PAIR = re.compile(r"<([biu])></\1>")
EMPTY_LINES = re.compile(r"\n\s*\n+")

# By the digit of \anN, a numeric keypad: 7 8 9 above, 1 2 3 below.
SIDES = {1: "align:left position:5%", 0: "align:right position:95%"}  # by digit modulo 3
LINES = {2: "line:10%", 1: "line:50%"}  # by row from the bottom

SETTING = re.compile(
    r"line:-?\d{1,3}(\.\d{1,3})?%?(,(start|center|end))?"
    r"|position:\d{1,3}(\.\d{1,3})?%(,(line-left|center|line-right))?"
    r"|size:\d{1,3}(\.\d{1,3})?%|align:(start|center|end|left|right)|vertical:(rl|lr)"
)


@dataclass(frozen=True, slots=True)
class Marked:
    """A payload, and the position that was written inside the text ("" for none)."""

    text: str
    settings: str


def cleaned(text: str) -> Marked:
    """Of SubRip's and WebVTT's text."""
    alignment = 0
    pieces = _Pieces()
    for token, between in _tokens(text[: 4 * LONGEST_TEXT]):
        # again: a reference may spell what `text.decoded` took out
        pieces.say(HARMFUL.sub("", html.unescape(between)))
        if token is None:
            continue
        if (override := token["override"]) is not None:
            found = ALIGNMENT.search(override)
            alignment = int(found[1]) if found else alignment
        elif token["tag"] is not None:
            pieces.tag(token["tag"].lower(), token[0], closing=bool(token["close"]))
    return Marked(pieces.finish(), aligned(alignment))


def aligned(digit: int) -> str:
    """Cue settings for ASS's \\anN; "" for the bottom centre, where cues are anyway."""
    row, side = (digit - 1) // 3, digit % 3
    return " ".join(part for part in (LINES.get(row), SIDES.get(side)) if part) if digit else ""


def safe_settings(text: str) -> str:
    """Of a WebVTT cue: the known settings that are spelled right, each once."""
    known = {part.partition(":")[0]: part for part in text.split()[:10] if SETTING.fullmatch(part)}
    return " ".join(known.values())


def _tokens(text: str) -> Iterator[tuple[re.Match[str] | None, str]]:
    """Each token with the text before it; at last None with the rest."""
    end = 0
    for token in TOKEN.finditer(text):
        yield token, text[end : token.start()]
        end = token.end()
    yield None, text[end:]


class _Pieces:
    """The payload as it grows: `open_tags` are closed in the right order, whatever the original forgot."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._open: list[str] = []
        self._length = 0

    def say(self, text: str) -> None:
        room = LONGEST_TEXT - self._length
        self._length += len(text)
        self._pieces.append(escaped(text[: max(room, 0)]))

    def tag(self, name: str, spelled: str, *, closing: bool) -> None:
        if name in KEPT:
            self._close(name) if closing else self._begin(name)
        elif name == "br":
            self.say("\n")
        elif name not in DROPPED:
            self.say(spelled)

    def finish(self) -> str:
        while self._open:
            self._pieces.append(f"</{self._open.pop()}>")
        whole = "".join(self._pieces)
        for _ in KEPT:  # each may stand empty inside another
            whole = EMPTY_PAIR.sub("", whole)
        lines = (line.strip() for line in EMPTY_LINES.sub("\n", whole).strip().split("\n"))
        text = "\n".join(line for line in lines if line)
        return text if re.sub(r"</?[biu]>", "", text).strip() else ""

    def _begin(self, name: str) -> None:
        if name not in self._open:
            self._open.append(name)
            self._pieces.append(f"<{name}>")

    def _close(self, name: str) -> None:
        """What was opened inside is closed and opened again: tags nest in WebVTT."""
        if name not in self._open:
            return
        inner: list[str] = []
        while (last := self._open.pop()) != name:
            self._pieces.append(f"</{last}>")
            inner.append(last)
        self._pieces.append(f"</{name}>")
        for last in reversed(inner):
            self._begin(last)


def escaped(text: str) -> str:
    """`-->` ends up as `--&gt;`, so no cue can begin inside a cue."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def marked_runs(runs: list[tuple[frozenset[str], str]]) -> str:
    """Of texts with the marks that each of them wears, as ASS tells them."""
    pieces = _Pieces()
    worn: frozenset[str] = frozenset()
    for marks, text in runs:
        for name in KEPT:
            if name in worn - marks:
                pieces.tag(name, "", closing=True)
            elif name in marks - worn:
                pieces.tag(name, "", closing=False)
        worn = marks
        pieces.say(text)
    return pieces.finish()
