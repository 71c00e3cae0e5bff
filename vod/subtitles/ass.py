"""ASS and SSA in: its lines as plain cues for every player, and as a script of known parts for ours, styling kept.

The script that is kept holds the facts about the canvas, the styles and the lines, with times from the film's 0; what a
renderer needs and no more. Embedded fonts and pictures, comments and the editor's own notes are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from vod.subtitles.cues import LATEST_MS, MOST_CUES, Cue, SubtitlesRefused, bounded
from vod.subtitles.markup import KEPT, aligned, marked_runs
from vod.subtitles.srt import milliseconds

EVENT_FORMAT = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
EVENT_HEAD = "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"

# Of [Script Info]: what a renderer reads.
CANVAS_FACTS = (
    *("scripttype", "playresx", "playresy", "layoutresx", "layoutresy", "wrapstyle", "scaledborderandshadow"),
    *("ycbcr matrix", "kerning", "collisions"),
)
STYLE_SECTIONS = ("v4+ styles", "v4 styles", "v4 styles+")
MOST_STYLES = 2000
LONGEST_LINE = 64 << 10  # a drawing of a typesetter
MOST_SCRIPT_BYTES = 16 << 20

TIME = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2})[.:](\d{1,3})")
OVERRIDES = re.compile(r"\{([^{}]*)\}")
OVERRIDE = re.compile(
    r"\\(?:(?P<mark>[biu])(?P<on>\d{0,4})(?![a-z])|an(?P<an>[1-9])|a(?P<legacy>\d{1,2})(?![a-z])|p(?P<p>\d{1,2})(?![a-z])|(?P<r>r))"
)
NUMERIC = re.compile(r"-?\d{1,6}")
# SSA's own numbers: 1-3 below, 5-7 above, 9-11 in the middle.
LEGACY_ALIGNMENT = {1: 1, 2: 2, 3: 3, 5: 7, 6: 8, 7: 9, 9: 4, 10: 5, 11: 6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One Dialogue line; `fields` are the texts before the last, in the order of EVENT_FORMAT."""

    start_ms: int
    end_ms: int
    style: str
    fields: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Style:
    """What of a style a plain cue can wear."""

    marks: frozenset[str] = frozenset()
    alignment: int = 2


@dataclass(slots=True)
class Script:
    facts: list[str] = field(default_factory=list)
    style_section: str = "V4+ Styles"
    style_lines: list[str] = field(default_factory=list)
    styles: dict[str, Style] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


def read_script(text: str, *, standard_events: bool = False) -> Script:
    """Raises SubtitlesRefused for one without end. `standard_events`: lines are in the usual order whatever the script
    says, as ffmpeg writes those of a Matroska file below the script's own head."""
    script = Script()
    section, style_format, event_format = "", list[str](), list(EVENT_FORMAT)
    for line in text.split("\n"):
        key, _, value = (part.strip() for part in line[:LONGEST_LINE].partition(":"))
        kind = key.lower()
        if line.startswith("["):
            section = line.strip()[1:-1].strip().lower()
            if section in STYLE_SECTIONS:
                script.style_section = line.strip()[1:-1]
        elif section == "script info" and kind in CANVAS_FACTS:
            script.facts.append(f"{key}: {value[:100]}")
        elif section in STYLE_SECTIONS and kind in ("format", "style"):
            style_format = _columns(value) if kind == "format" else style_format
            _take_style(script, kind, value, style_format)
        elif section == "events" and kind == "format" and not standard_events:
            event_format = _columns(value)
        elif section == "events" and kind == "dialogue":
            _take_event(script, value, event_format)
    return script


def plain_cues(script: Script) -> list[Cue]:
    """For players that know no ASS: text, b, i, u and the place on the screen; drawings are left out."""
    cues = (_plain(event, script.styles.get(event.style.lstrip("*"), Style())) for event in script.events)
    return list(bounded(cue for cue in cues if cue.text))


def written(script: Script, *, shift_ms: int = 0) -> str:
    """The script of known parts, with `shift_ms` taken off all times. Raises SubtitlesRefused where it is too long."""
    head = ["[Script Info]", *script.facts, "", f"[{script.style_section}]", *script.style_lines, "", "[Events]"]
    lines = [*head, EVENT_HEAD, *(_line(moved) for moved in _moved(script.events, shift_ms))]
    text = "\n".join(lines) + "\n"
    if len(text) > MOST_SCRIPT_BYTES:
        raise SubtitlesRefused("This script is longer than a player could draw.")
    return text


def _columns(value: str) -> list[str]:
    return [name.strip().lower() for name in value.split(",")[:40]]


def _take_style(script: Script, kind: str, value: str, columns: list[str]) -> None:
    if len(script.style_lines) > MOST_STYLES:
        raise SubtitlesRefused("There are more styles in this script than any film has.")
    script.style_lines.append(f"{kind.title()}: {value[:1000]}")
    if kind == "style":
        found = dict(zip(columns, (part.strip() for part in value.split(",")), strict=False))
        marks = {
            name for name, column in zip(KEPT, ("bold", "italic", "underline"), strict=True) if _is_on(found, column)
        }
        is_legacy = script.style_section.lower() == "v4 styles"
        alignment = _number(found.get("alignment", "2"))
        digit = LEGACY_ALIGNMENT.get(alignment, 2) if is_legacy else alignment
        # A whole film in bold says nothing in bold.
        script.styles[found.get("name", "").lstrip("*")] = Style(
            frozenset(marks - {"b"}), digit if 1 <= digit <= 9 else 2
        )


def _is_on(found: dict[str, str], column: str) -> bool:
    return found.get(column, "0") not in ("0", "")


def _take_event(script: Script, value: str, columns: list[str]) -> None:
    parts = value.split(",", len(columns) - 1)
    found = dict(zip(columns, parts, strict=False))
    start, end = TIME.fullmatch(found.get("start", "").strip()), TIME.fullmatch(found.get("end", "").strip())
    if start is None or end is None or len(parts) != len(columns):
        return
    if len(script.events) >= MOST_CUES:
        raise SubtitlesRefused("There are more lines in this script than any film has.")
    fields = [found.get(column, "").strip().replace("\n", " ")[:200] for column in EVENT_FORMAT[:-1]]
    fields[0] = str(_number(fields[0]))
    script.events.append(
        Event(
            start_ms=milliseconds(*start.groups()),
            end_ms=milliseconds(*end.groups()),
            style=found.get("style", "").strip(),
            fields=tuple(fields),
            text=found.get("text", ""),
        )
    )


def _number(text: str) -> int:
    found = NUMERIC.match(text.strip())
    return int(found[0]) if found else 0


def _moved(events: Sequence[Event], shift_ms: int) -> Iterator[Event]:
    for event in events:
        moved = replace(event, start_ms=event.start_ms - shift_ms, end_ms=min(event.end_ms - shift_ms, LATEST_MS))
        if moved.end_ms > 0:
            yield replace(moved, start_ms=max(0, moved.start_ms))


def _line(event: Event) -> str:
    layer, _, _, *others = event.fields
    return f"Dialogue: {','.join([layer, _clock(event.start_ms), _clock(event.end_ms), *others])},{event.text}"


def _clock(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000 // 10:02d}"


def _plain(event: Event, style: Style) -> Cue:
    alignment, runs = style.alignment, list[tuple[frozenset[str], str]]()
    marks, is_drawing, end = set(style.marks), False, 0
    text = event.text[:8000]
    for block in OVERRIDES.finditer(text):
        if not is_drawing:
            runs.append((frozenset(marks), _spoken(text[end : block.start()])))
        end = block.end()
        for found in OVERRIDE.finditer(block[1]):
            alignment = _alignment(found, alignment)
            is_drawing = int(found["p"]) > 0 if found["p"] else is_drawing
            _wear(marks, style, found)
    if not is_drawing:
        runs.append((frozenset(marks), _spoken(text[end:])))
    return Cue(start_ms=event.start_ms, end_ms=event.end_ms, text=marked_runs(runs), settings=aligned(alignment))


def _alignment(found: re.Match[str], before: int) -> int:
    if found["an"]:
        return int(found["an"])
    return LEGACY_ALIGNMENT.get(int(found["legacy"]), before) if found["legacy"] else before


def _wear(marks: set[str], style: Style, found: re.Match[str]) -> None:
    if found["r"]:
        marks.clear()
        marks.update(style.marks)
    elif (mark := found["mark"]) is not None:
        # \b700 is bold, too; without a number the style's own returns
        is_on = found["on"] not in ("", "0") and not (mark == "b" and 1 < int(found["on"]) < 600)
        marks.add(mark) if is_on or (found["on"] == "" and mark in style.marks) else marks.discard(mark)


def _spoken(text: str) -> str:
    return text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", "\u00a0")
