"""What is installed is fixed by hash, and no file says from where: any registry or mirror will do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.test_layers import imports_of, our_sources

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-node.lock")
REGISTRY = re.compile(
    r"pypi\.(?:org|python)|pythonhosted\.org|registry\.(?:npmjs|yarnpkg)|npmjs\.(?:org|com)|unpkg\.com|jsdelivr\.net"
    r"|cdnjs\.|esm\.sh|(?:deb|security)\.debian\.org|archive\.ubuntu\.com|huggingface\.co"
)
PACKAGE = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def packages(lock: str) -> dict[str, set[str]]:
    """Versions by name; more than one where a marker chooses by Python version."""
    found: dict[str, set[str]] = {}
    for name, version in PACKAGE.findall((ROOT / lock).read_text(encoding="utf-8")):
        found.setdefault(name, set()).add(version)
    return found


def committed_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_no_committed_file_names_a_registry_host() -> None:
    me = Path(__file__).name
    readable = [file for file in committed_files() if file.is_file() and file.name != me]
    assert [file.name for file in readable if REGISTRY.search(file.read_text(encoding="utf-8", errors="replace"))] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_no_address(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8").strip())
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_npm_package_has_a_digest_and_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    installed = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in installed.items() if not entry["integrity"].startswith("sha512-")] == []
    assert [name for name, entry in installed.items() if "resolved" in entry] == []


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    development = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert _names(project["dependencies"]) - packages("requirements.lock").keys() == set()
    assert _names(development) - packages("requirements-dev.lock").keys() == set()


def test_users_install_nothing_that_only_tests_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert _names(project["optional-dependencies"]["dev"]) & packages("requirements.lock").keys() == set()


def test_tests_run_against_the_versions_that_users_get() -> None:
    runtime, development = packages("requirements.lock"), packages("requirements-dev.lock")
    assert {name: development.get(name) for name in runtime} == runtime


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=\[; ]", requirement, maxsplit=1)[0] for requirement in requirements}


def test_what_the_program_imports_is_what_users_get() -> None:
    """Not by luck of a developer's environment."""
    imported = {
        one.imported.partition(".")[0] for module, text in our_sources().items() for one in imports_of(module, text, {})
    }
    distributions = packages_distributions()
    foreign = imported - sys.stdlib_module_names - {"vod", "server", "worker"}
    needed = {distributions[name][0].lower().replace("_", "-") for name in foreign}
    assert needed - packages("requirements.lock").keys() == set()
