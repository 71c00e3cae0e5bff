"""The shared corpus beside the checkout: real files of many makers, with what is known of them."""

from __future__ import annotations

import csv
from pathlib import Path

ROOT = Path(__file__).parents[4] / "shared" / "corpus"
MEDIA = ROOT / "media"


def manifest() -> dict[str, dict[str, str]]:
    with (ROOT / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["local_name"]: row for row in rows}


def good(row: dict[str, str]) -> bool:
    """Six seconds of it could be decoded, if need be with losses."""
    return row["decode6s"].startswith(("ok", "recover"))
