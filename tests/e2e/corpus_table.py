"""artifacts/corpus.md: each file of the corpus, what became of it, and how each player played it."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.browsers import ELSEWHERE, OURS
from tests.e2e.corpus_film import Film
from tests.e2e.corpus_run import Evening
from tests.e2e.players import PLAYERS
from tests.hls_package import Package
from tests.hls_rules import HTTP_RULES, PACKAGE_RULES, rule_5_peaks_are_at_most_twice_the_average, rule_id
from vod.hls.plan import Plan

TABLE = Path(__file__).parents[2] / "artifacts" / "corpus.md"
FACTS = ("seconds", "pictures", "sound", "subtitles", "chapters")
COLUMNS = (*PLAYERS, OURS, *ELSEWHERE)

# Rule 5 asks for evenly coded films. The German track here is silent for its second half, so that its first half
# is just above twice the average. At this test's few lines no picture is as uneven.
UNEVEN = {"der_mkv_4lang_3sub_font_chap.mkv"}

NOTES = {
    "der_zero_bytes.mp4": "empty: refused at upload",
    "mp4_malformed_free.mp4": "its second box claims 3 bytes, where a header has 8: nothing behind it can be found",
    "mp4_wrongfile.mp4": "48 bytes of text",
    "mp4_missing_stsd.mp4": "ready without sound: its picture decodes and plays, its sound track has no description",
    "mp4_corrupted.mp4": "damaged: what can be decoded is shown, what cannot is bridged",
}


def broken_rules(name: str, package: Package) -> dict[str, str]:
    """Of hls-rules.md, over HTTP: which did not hold, and why."""
    broken = {}
    for rule in (*PACKAGE_RULES, *HTTP_RULES):
        if name in UNEVEN and rule is rule_5_peaks_are_at_most_twice_the_average:
            continue
        try:
            rule(package)
        except AssertionError as failure:
            broken[rule_id(rule)] = str(failure)
    return broken


def write_table(evening: Evening) -> None:
    lines = [
        f"| {' | '.join(('file', 'status', *FACTS, *COLUMNS, 'HLS rules', 'note'))} |",
        "|---" * (4 + len(FACTS) + len(COLUMNS)) + "|",
        *(_row(film) for film in evening.films.values()),
    ]
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(film: Film) -> str:
    status = f"{film.status} ({film.reason})" if film.reason else film.status
    if film.plan is None:
        cells = [film.name, status, *[""] * (len(FACTS) + len(COLUMNS) + 1), NOTES.get(film.name, "")]
    else:
        played = [film.shows[player].verdict for player in COLUMNS]
        cells = [film.name, status, *_facts(film, film.plan), *played, *_rules(film)]
    return f"| {' | '.join(cells)} |"


def _facts(film: Film, plan: Plan) -> tuple[str, ...]:
    """In the order of `FACTS`."""
    sizes = [f"{picture.name} {picture.width}x{picture.height}" for picture in plan.pictures]
    sounds = [f"{sound.name} {sound.language}{' (default)' if sound.default else ''}" for sound in plan.sounds]
    texts = [
        " ".join([track["language"], track["kind"], *(flag for flag in ("default", "forced") if track[flag])])
        for track in film.subtitles
    ]
    seconds = f"{float(plan.duration_seconds):.3f} (decoded {film.decoded_seconds:.3f})"
    return seconds, ", ".join(sizes), ", ".join(sounds), ", ".join(texts), str(len(film.facts["chapters"]) or "")


def _rules(film: Film) -> tuple[str, str]:
    assert film.package is not None
    broken = broken_rules(film.name, film.package)
    uneven = "rule 5 left out: half of one track is silence; " if film.name in UNEVEN else ""
    return ", ".join(broken) or "all hold", uneven + NOTES.get(film.name, "")
