"""A module fits one head, a function one screen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULE_LINES = 300
FUNCTION_LINES = 40
MEDIAN_FUNCTION_LINES = 10

SOURCES = sorted(file for package in ("vod", "server", "worker", "bench") for file in (ROOT / package).rglob("*.py"))
SCRIPTS = sorted((ROOT / "server" / "static" / "js").rglob("*.js"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize("file", [*SOURCES, *SCRIPTS, *TEMPLATES], ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_fits_one_head(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_function_fits_one_screen(file: Path) -> None:
    assert {name: lines for name, lines in function_lines(file).items() if lines > FUNCTION_LINES} == {}


def test_half_of_all_functions_are_a_few_lines() -> None:
    lengths = sorted(lines for file in SOURCES for lines in function_lines(file).values())
    assert lengths[len(lengths) // 2] < MEDIAN_FUNCTION_LINES


def function_lines(file: Path) -> dict[str, int]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {f"{node.name}:{node.lineno}": (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
