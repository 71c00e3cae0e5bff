"""What sound and subtitle tracks are called: in the names of their files, and to people."""

from __future__ import annotations

from collections import Counter

import langcodes


def three_letters(language: str) -> str:
    """ISO 639-3, for names of files: "eng" of "en-GB"."""
    try:
        return langcodes.Language.get(language).to_alpha3()
    except LookupError:
        return "und"


def label(title: str, language: str, nameless: str) -> str:
    """The original's title, else the language in its own words, else `nameless`."""
    if title:
        return title
    if language != "und":
        name = langcodes.Language.get(language).autonym()
        return name[:1].upper() + name[1:]
    return nameless


def unique(names: list[str], separator: str) -> list[str]:
    """Number the second and later of equal names: audio-eng, audio-eng-2."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}{separator}{seen[name]}")
    return found
