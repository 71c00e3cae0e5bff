"""`homereel doctor`: films held against the rules of real players, told to a person or, as JSON, to a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.labels import one_line
from vod.catalog import media_files
from vod.catalog.database import Database
from vod.catalog.media_files import Entry, Filters
from vod.catalog.models import MediaStatus
from vod.catalog.naming import EpisodeTitling
from vod.config import Config
from vod.errors import HomereelError, Invalid
from vod.hls.doctor.examination import Examination, Verdict, examine
from vod.hls.doctor.package import Fault
from vod.hls.doctor.rules import NOT_LOOKED_AT
from vod.hls.policy import kept_renditions
from vod.hls.progress import load_plan
from vod.storage import Storage

FILMS_AT_ONCE = 100
# Of one rule: a film whose segments are all wrong says so once.
FAULTS_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    media_id: UUID
    title: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    patient: Patient
    examination: Examination | None
    complaint: str = ""  # why there is no examination

    @property
    def is_well(self) -> bool:
        return self.examination is not None and not self.examination.broken


def find_patients(database: Database, media_ids: Sequence[UUID]) -> list[Patient]:
    """Every READY film, newest first, or those that are named. Raises NotFound, Invalid."""
    if media_ids:
        entries = [database.unit(media_files.get, media_id) for media_id in dict.fromkeys(media_ids)]
    else:
        entries = list(_ready(database))
    return [_patient(entry) for entry in entries]


def _ready(database: Database) -> Iterator[Entry]:
    cursor: str | None = None
    while True:
        page = database.unit(media_files.page, Filters(status=MediaStatus.READY), limit=FILMS_AT_ONCE, cursor=cursor)
        yield from page.entries
        cursor = page.next_cursor
        if cursor is None:
            return


def _patient(entry: Entry) -> Patient:
    media = entry.media_file
    if media.status != MediaStatus.READY:
        raise Invalid(f"{media.id} is {media.status}: only films that are READY can be examined.")
    return Patient(media_id=media.id, title=_title(entry), digest=media.plan_digest or "")


def _title(entry: Entry) -> str:
    titling = entry.titling
    if titling is None:
        return one_line(entry.media_file.original_name)
    if isinstance(titling, EpisodeTitling):
        return one_line(f"{titling.series} {titling.season}x{titling.episode:02d} {titling.title}")
    return one_line(titling.title)


def examine_all(config: Config, patients: Sequence[Patient]) -> Iterator[Finding]:
    """One by one: a film of two hours takes some seconds."""
    storage = Storage(config.media.root)
    for number, patient in enumerate(patients, 1):
        _show_progress(f"{number} of {len(patients)}: {patient.title}")
        try:
            plan = load_plan(storage, patient.media_id, patient.digest)
        except HomereelError as error:
            yield Finding(patient=patient, examination=None, complaint=error.detail)
            continue
        on_demand = frozenset(plan.renditions) - kept_renditions(plan, config.hls.policy)
        yield Finding(patient=patient, examination=examine(storage, patient.media_id, plan, on_demand))
    _show_progress("")


def _show_progress(line: str) -> None:
    """On one line of a terminal, that the report then takes."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line[:70]}")
        sys.stderr.flush()


def as_lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.patient.title} ({finding.patient.media_id})"
    if finding.examination is None:
        yield f"  cannot be examined: {finding.complaint}"
        return
    examination = finding.examination
    count = len(examination.broken)
    yield f"  {len(examination.verdicts) - count} rules hold, {count} {'is' if count == 1 else 'are'} broken"
    for verdict in examination.broken:
        yield f"  rule {verdict.rule.number}, {' and '.join(verdict.rule.players)}: {verdict.rule.sentence}"
        yield from _fault_lines(verdict.faults)
    for verdict in examination.noted:
        yield f"  note on rule {verdict.rule.number}: {verdict.rule.sentence}"
        yield from _fault_lines(verdict.notes)
    for player, numbers in examination.by_player.items():
        yield f"  {player} may fail: rule{'s' if numbers[1:] else ''} {', '.join(map(str, numbers))}"


def _fault_lines(faults: Sequence[Fault]) -> Iterator[str]:
    for fault in faults[:FAULTS_TOLD]:
        yield f"    {one_line(f'{fault.where}: {fault.what}')}"
    if len(faults) > FAULTS_TOLD:
        yield f"    and {len(faults) - FAULTS_TOLD} more"


def as_json(findings: Sequence[Finding]) -> str:
    films = [_film_record(finding) for finding in findings]
    return json.dumps({"films": films, "rulesNotLookedAt": NOT_LOOKED_AT}, indent=2)


def _film_record(finding: Finding) -> dict[str, Any]:
    record: dict[str, Any] = {"id": str(finding.patient.media_id), "title": finding.patient.title}
    if finding.examination is None:
        return record | {"error": finding.complaint}
    examination = finding.examination
    return record | {
        "broken": [_verdict_record(verdict, verdict.faults) for verdict in examination.broken],
        "notes": [_verdict_record(verdict, verdict.notes) for verdict in examination.noted],
        "players": examination.by_player,
    }


def _verdict_record(verdict: Verdict, faults: Sequence[Fault]) -> dict[str, Any]:
    return {
        "rule": verdict.rule.number,
        "sentence": verdict.rule.sentence,
        "players": list(verdict.rule.players),
        "faults": [{"where": fault.where, "what": fault.what} for fault in faults],
    }
