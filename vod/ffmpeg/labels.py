"""Words that an original brings along, made safe to keep: languages and titles."""

from __future__ import annotations

import re

import langcodes

UNKNOWN_LANGUAGE = "und"
# Undetermined, several, none, uncoded: nothing a player could choose by.
UNHELPFUL = {"und", "mul", "zxx", "mis"}
PRIVATE_USE = re.compile(r"q[a-t][a-z]")  # ISO 639-2 keeps qaa-qtz for local agreements; television uses them freely

TITLE_CHARACTERS = 500
# C0 and C1, line and paragraph separators, and what turns the writing direction of the text round it.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


def language_tag(text: str) -> str:
    """BCP-47 for what containers call a language ("ger", "pt-BR"); "und" where that says nothing."""
    try:
        tag = langcodes.standardize_tag(text.strip())
    except (ValueError, LookupError):
        return UNKNOWN_LANGUAGE
    primary, *_ = tag.split("-")
    if primary in UNHELPFUL or PRIVATE_USE.fullmatch(primary) or not langcodes.tag_is_valid(tag):
        return UNKNOWN_LANGUAGE
    return tag


def clean_title(text: str) -> str:
    """One line without control characters, at most 500 characters."""
    return " ".join(CONTROLS.sub(" ", text).split())[:TITLE_CHARACTERS]
