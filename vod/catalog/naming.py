"""What a title is called, and what a file name says about it when nobody else does."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieTitling:
    title: str
    release_date: str | None = None  # ISO 8601, as precise as known: "2019"
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeTitling:
    series: str
    season: int
    episode: int
    title: str = ""


Titling = MovieTitling | EpisodeTitling

UNTITLED = "Untitled"
LONGEST_TITLE = 300
LONGEST_DESCRIPTION = 4000
RELEASE_DATE = r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$"

_EXTENSION = re.compile(r"\.[A-Za-z0-9]{2,5}\Z")
_BRACKETED_GROUP = re.compile(r"\A\s*\[[^\]]*\]\s*")
_SEPARATORS = re.compile(r"[\s._]+")
_EPISODE = re.compile(r"\bs(?P<season>\d{1,2})[\s._-]?e(?P<episode>\d{1,4})\b|\b(?P<s>\d{1,2})x(?P<e>\d{2,3})\b", re.I)
# "Blade Runner 2049" and IMG_2041 name none.
_YEAR = re.compile(r"[(\[]?\b(?P<year>19[2-9]\d|20[0-3]\d)\b[)\]]?")
# What releases put behind the title; the first such word ends it.
_RELEASE_WORD = re.compile(
    r"\b(?:\d{3,4}[pi]|\d{3,4}x\d{3,4}|4k|uhd|[xh][ .]?26[45]|hevc|avc|av1|xvid|divx"
    r"|bluray|blu-ray|bdrip|brrip|dvdrip|dvd|hdtv|web-?dl|web-?rip|web|remux|proper|repack"
    r"|hdr(?:10)?|10bit|aac|ac3|e?ac-?3|dts|ddp?5[ .]1|5\.1|truehd|atmos)\b.*",
    re.I,
)


def guess(file_name: str) -> Titling:
    """Never refuses: what looks like nothing else is a movie called as its file is."""
    text = _BRACKETED_GROUP.sub("", _EXTENSION.sub("", file_name))
    return _as_episode(text) or _as_movie(text, fallback=file_name)


def _as_episode(text: str) -> EpisodeTitling | None:
    match = _EPISODE.search(text)
    if match is None or not (series := _tidy(text[: match.start()])):
        return None
    return EpisodeTitling(
        series=series,
        season=int(match["season"] or match["s"]),
        episode=int(match["episode"] or match["e"]),
        title=_tidy(_RELEASE_WORD.sub("", _SEPARATORS.sub(" ", text[match.end() :]))),
    )


def _as_movie(text: str, fallback: str) -> MovieTitling:
    spaced = _SEPARATORS.sub(" ", text)
    # The last year is the release's ("2001 A Space Odyssey 1968"); at the very start it is the title itself.
    years = [match for match in _YEAR.finditer(spaced) if match.start() > 0]
    if years and (title := _tidy(spaced[: years[-1].start()])):
        return MovieTitling(title=title, release_date=years[-1]["year"])
    title = _tidy(_RELEASE_WORD.sub("", spaced)) or _tidy(spaced) or _tidy(fallback)
    return MovieTitling(title=title or UNTITLED)


def _tidy(text: str) -> str:
    printable = "".join(character for character in text if character.isprintable())
    return _SEPARATORS.sub(" ", printable).strip(" -_.()[]")[:LONGEST_TITLE]
