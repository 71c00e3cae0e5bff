"""Foreign names as labels for people. None of them ever becomes part of a path."""

from __future__ import annotations

import re
import unicodedata

from vod.storage import EXTENSION

LONGEST_LABEL = 255
UNNAMED = "upload"
UNKNOWN_EXTENSION = "bin"


def one_line(text: str) -> str:
    """Without control, bidirectional and other invisible characters (security.md A32)."""
    visible = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def paragraphs(text: str) -> str:
    """The same for a text of several lines, which stay."""
    lines = (one_line(line) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def file_label(file_name: str) -> str:
    """The last part of what may be a path of another system."""
    last = one_line(file_name.replace("\\", "/").rpartition("/")[2])
    return last[-LONGEST_LABEL:] or UNNAMED


def extension_of(label: str) -> str:
    stem, dot, suffix = label.rpartition(".")
    return suffix.lower() if stem and dot and EXTENSION.match(suffix.lower()) else UNKNOWN_EXTENSION
