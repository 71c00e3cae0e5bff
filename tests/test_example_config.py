"""The example file is the reference: every key, at its default, explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vod import config

EXAMPLE = Path(__file__).parents[1] / "config.example.toml"
KEYS = [
    pytest.param(section, key, id=f"{section}.{key}")
    for section, model in config.Config()
    for key in type(model).model_fields
]


def test_example_equals_the_defaults() -> None:
    assert config.load(EXAMPLE, {}) == config.Config()


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_a_comment_stands_above_every_key(section: str, key: str) -> None:
    lines = _lines_of(section)
    position = next(number for number, line in enumerate(lines) if line.startswith(f"{key} = "))
    assert lines[position - 1].startswith("#")


def _lines_of(section: str) -> list[str]:
    tables = re.split(r"^\[(\w+)\]$", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(tables[1::2], tables[2::2], strict=True))[section].strip().splitlines()
