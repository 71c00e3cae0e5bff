"""Imports go down and never sideways: ARCHITECTURE.md's tables are the rule, the source trees are held against them."""

from __future__ import annotations

import ast
import graphlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("vod", "server", "worker")
GROUND_FLOOR = "vod.errors"


@dataclass(frozen=True, slots=True)
class Import:
    importer: str
    imported: str
    inside_function: bool


@dataclass(frozen=True, slots=True)
class Row:
    may_import: tuple[str, ...]
    late: tuple[str, ...]  # heavy modules that may be imported inside a function


@dataclass(frozen=True, slots=True)
class Rules:
    rows: Mapping[str, Row]  # by part: "vod.hls", "server"
    owners: Mapping[str, tuple[str, ...]]  # library -> the parts that may import it

    def part_of(self, module: str) -> str:
        """The longest row that holds the module; "" for one that no row holds."""
        holders = [part for part in self.rows if _is_within(module, part)]
        return max(holders, key=len, default="")


def test_the_source_trees_keep_to_the_architecture_page() -> None:
    assert violations(our_sources(), architecture()) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_name_resolves_inside_this_checkout(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin == str(ROOT / package / "__init__.py")


def test_every_row_of_the_architecture_page_exists() -> None:
    modules = our_sources()
    named = {name for part, row in architecture().rows.items() for name in (part, *row.may_import)}
    assert {name for name in named if name not in modules} == set()


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        pytest.param("vod.config", "import server.app", "may not import server.app", id="upward"),
        pytest.param("server.app", "from worker import app", "may not import worker", id="server to worker"),
        pytest.param("worker.app", "import server.app", "may not import server.app", id="worker to server"),
        pytest.param(
            "vod.config", "from vod import storage", "may not import vod.storage", id="sibling by its package"
        ),
        pytest.param(
            "vod.catalog.jobs", "import vod.config", "may not import vod.config", id="sibling of a subpackage"
        ),
        pytest.param("vod.errors", "import vod.config", "may not import vod.config", id="from the ground floor"),
        pytest.param("vod.config", "from . import storage", "relative import", id="relative"),
        pytest.param("vod.config", "def f():\n    import json", "inside a function: json", id="inside a function"),
        pytest.param(
            "vod.config",
            "class C:\n    def f(self):\n        from os import path",
            "inside a function",
            id="in a method",
        ),
        pytest.param(
            "vod.hls.plan", "import vod.ffmpeg.process", "may not import vod.ffmpeg.process", id="past the records"
        ),
        pytest.param("vod.drawer", "import json", "no row of ARCHITECTURE.md", id="a part nobody named"),
        pytest.param(
            "vod.config", "from aiohttp import web", "aiohttp belongs to server", id="a library of another floor"
        ),
    ],
)
def test_a_planted_violation_is_caught(module: str, source: str, complaint: str) -> None:
    planted = {**dict.fromkeys(our_sources(), ""), module: source}
    assert [text for text in violations(planted, architecture()) if complaint in text]


def test_a_planted_cycle_is_caught() -> None:
    planted = {"server": "", "server.app": "import server.routes", "server.routes": "from server import app"}
    assert [text for text in violations(planted, architecture()) if "cycle" in text]


def test_a_type_checking_import_counts_as_an_arrow() -> None:
    planted = {"vod.config": "if TYPE_CHECKING:\n    from vod.storage import Storage", "vod.storage": ""}
    assert violations(planted, architecture()) == ["vod.config may not import vod.storage"]


def violations(sources: Mapping[str, str], rules: Rules) -> list[str]:
    found = [one for module, source in sources.items() for one in imports_of(module, source, sources)]
    complaints = [f"{module}: no row of ARCHITECTURE.md holds it" for module in sources if not rules.part_of(module)]
    complaints += [complaint for one in found for complaint in complaints_about(one, rules)]
    return complaints + cycles(found)


def complaints_about(one: Import, rules: Rules) -> Iterator[str]:
    part = rules.part_of(one.importer)
    row = rules.rows.get(part, Row((), ()))
    library = one.imported.partition(".")[0]
    if one.imported.startswith("."):
        yield f"{one.importer}: relative import"
    elif library in PACKAGES:
        if not _may_import(one.imported, part, row, rules):
            yield f"{one.importer} may not import {one.imported}"
    elif library in rules.owners and part not in rules.owners[library]:
        yield f"{one.importer}: {library} belongs to {', '.join(rules.owners[library])}"
    if one.inside_function and library not in row.late:
        yield f"{one.importer} imports inside a function: {one.imported}"


def _may_import(imported: str, part: str, row: Row, rules: Rules) -> bool:
    allowed = (GROUND_FLOOR, *row.may_import)
    return rules.part_of(imported) == part or any(_is_within(imported, name) for name in allowed)


def _is_within(module: str, part: str) -> bool:
    """A bare package row ("vod") holds its `__init__` alone; server and worker are one part each."""
    return module == part or (part != "vod" and module.startswith(f"{part}."))


def cycles(found: list[Import]) -> list[str]:
    graph: dict[str, set[str]] = {}
    for one in found:
        if one.imported.partition(".")[0] in PACKAGES and one.imported != one.importer:
            graph.setdefault(one.importer, set()).add(one.imported)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return [f"import cycle: {' -> '.join(error.args[1])}"]
    return []


def imports_of(module: str, source: str, known: Mapping[str, str]) -> Iterator[Import]:
    def visit(node: ast.AST, inside: bool) -> Iterator[Import]:
        for name in _imported_names(node, known):
            yield Import(module, name, inside)
        enters = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside or enters)

    return visit(ast.parse(source), False)


def _imported_names(node: ast.AST, known: Mapping[str, str]) -> list[str]:
    """`from vod import storage` is an import of the module vod.storage, not of the package alone."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    package = "." * node.level + (node.module or "")
    inner = [f"{package}.{alias.name}" for alias in node.names]
    return list(dict.fromkeys(name if name in known else package for name in inner))


def our_sources() -> dict[str, str]:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return {_module_name(file): file.read_text(encoding="utf-8") for file in files}


def _module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def architecture() -> Rules:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = {part: Row(_names(imports), _names(late)) for part, imports, late in _table(page, "part")}
    owners = {library: _names(parts) for library, parts in _table(page, "library")}
    return Rules(
        {part.strip("`"): row for part, row in rows.items()}, {name.strip("`"): parts for name, parts in owners.items()}
    )


def _table(page: str, first_heading: str) -> list[list[str]]:
    lines = page.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_heading} |")) + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def _names(cell: str) -> tuple[str, ...]:
    """Backquoted names; anything else in the cell is for people."""
    return tuple(cell.split("`")[1::2])


def test_the_server_runs_without_what_only_workers_need() -> None:
    """Twenty megabytes, in a process that lives as long as the machine."""
    code = "import sys, server.__main__, server.app; print('numpy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "False"
