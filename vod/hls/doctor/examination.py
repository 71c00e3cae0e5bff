"""One film held against every rule, and what came of it. Blocking: call it in a thread."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from vod.hls.doctor.package import Fault
from vod.hls.doctor.reading import read_package, said
from vod.hls.doctor.rules import EVERYTHING_IS_THERE, PLAYERS, RULES, Rule
from vod.hls.plan import Plan
from vod.storage import MASTER, Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    rule: Rule
    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    verdicts: tuple[Verdict, ...]  # of every rule that was looked at

    @property
    def broken(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.faults]

    @property
    def noted(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.notes]

    @property
    def by_player(self) -> dict[str, list[int]]:
        """The numbers of the broken rules that matter to each player that one matters to."""
        numbers = {
            player: [verdict.rule.number for verdict in self.broken if player in verdict.rule.players]
            for player in PLAYERS
        }
        return {player: rules for player, rules in numbers.items() if rules}


def examine(storage: Storage, media_id: UUID, plan: Plan, on_demand: Collection[str] = frozenset()) -> Examination:
    """Of renditions `on_demand`, segments may be missing. A film that cannot be read at all breaks rule 24."""
    try:
        package = read_package(storage.hls(media_id), plan, _original(storage, media_id), on_demand)
    except (OSError, ValueError) as fault:
        unreadable = Fault(where=MASTER, what=said(fault))
        return Examination(verdicts=(Verdict(rule=EVERYTHING_IS_THERE, faults=(unreadable,), notes=()),))
    return Examination(verdicts=tuple(_verdict(rule, list(rule.look(package))) for rule in RULES))


def _verdict(rule: Rule, found: list[Fault]) -> Verdict:
    return Verdict(
        rule=rule,
        faults=tuple(fault for fault in found if not fault.is_note),
        notes=tuple(fault for fault in found if fault.is_note),
    )


def _original(storage: Storage, media_id: UUID) -> Path | None:
    try:
        return storage.find_original(media_id)
    except FileNotFoundError:
        return None
