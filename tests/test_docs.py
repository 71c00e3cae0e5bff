"""What the pages say is so: links, keys, commands, variables, targets."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import commands
from vod.config import Config

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.name for path in ROOT.glob("*.md"))
SCRIPTS = ("setup", "run", "test", ".ci/run")
KEYS = {(section, key) for section, model in Config() for key in type(model).model_fields}
VARIABLES = {f"HOMEREEL_{section}_{key}".upper() for section, key in KEYS}
PATTERNS_OF_VARIABLES = {"HOMEREEL_SECTION_KEY", "HOMEREEL_SECTION_KEY_FILE"}  # how the others are named
ARCHITECTURE_LINES = 120  # one page


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_links_only_to_what_exists(page: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", text_of(page))
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_keys_that_exist(page: str) -> None:
    named = re.findall(r"\[(\w+)\] (\w+)", text_of(page))
    assert {name for name in named if name != ("section", "key")} <= KEYS


@pytest.mark.parametrize("page", [*PAGES, "systemd/homereel.service", "systemd/homereel-worker@.service"])
def test_a_page_names_only_variables_that_exist(page: str) -> None:
    assert set(re.findall(r"HOMEREEL_[A-Z_]+", text_of(page))) - PATTERNS_OF_VARIABLES <= VARIABLES


def test_the_readme_names_every_command_with_its_options() -> None:
    table = re.findall(r"^\| `homereel ([^`]+)` \|", text_of("README.md"), re.MULTILINE)
    assert sorted(table) == sorted(usages(commands._parser()))


def test_the_readme_names_the_default_port() -> None:
    ports = re.findall(r"(?:localhost|\d+\.\d+\.\d+\.\d+):(\d+)", text_of("README.md"))
    assert set(ports) == {str(Config().server.port)}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_executable_and_parses(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert subprocess.run(["bash", "-n", ROOT / script], check=False).returncode == 0


def test_every_make_target_says_what_it_does() -> None:
    makefile = text_of("Makefile")
    declared = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert declared is not None
    assert re.findall(r"^(\w+):.*?  ## \w", makefile, re.MULTILINE) == declared[1].split()


def test_every_module_that_make_runs_exists() -> None:
    modules = re.findall(r"python -m ([\w.]+)", text_of("Makefile"))
    places = [(ROOT / module.replace(".", "/")) for module in modules]
    assert [
        place for place in places if not place.with_suffix(".py").is_file() and not (place / "__main__.py").is_file()
    ] == []


def test_the_architecture_is_one_page() -> None:
    assert len(text_of("ARCHITECTURE.md").splitlines()) <= ARCHITECTURE_LINES


def usages(parser: argparse.ArgumentParser, words: str = "") -> Iterator[str]:
    """ "user add NAME [--admin]" for each leaf of the command tree, as help would print it."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for group in groups:
        for name, inner in group.choices.items():
            yield from usages(inner, f"{words} {name}".strip())
    if not groups:
        shown = [action for action in parser._actions if action.help != argparse.SUPPRESS and action.dest != "help"]
        yield " ".join([words, *(_shown(action) for action in shown)])


def _shown(action: argparse.Action) -> str:
    if action.nargs == "*":
        return f"[{action.metavar}…]"
    return f"[{action.option_strings[0]}]" if action.option_strings else str(action.metavar)
