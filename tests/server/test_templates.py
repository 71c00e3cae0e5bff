"""What no template may hold, because the content policy refuses it or autoescaping does not cover it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from server.pages import STATIC
from server.templating import TEMPLATES, make_environment

TEMPLATE_FILES = sorted(TEMPLATES.rglob("*.html"))
MODULES = sorted((STATIC / "js").rglob("*.js"))
EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.S)
SHEETS = sorted((STATIC / "css").rglob("*.css"))
SHEET_URL = re.compile(r'url\("?([^")]+)"?\)')
IMPORTED = re.compile(r'^import (?:.*? from )?"([^"]+)"', re.M)
FORBIDDEN_IN_MODULES = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def by_name(paths: list[Path], root: Path) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(root))) for path in paths]


@pytest.fixture(params=by_name(TEMPLATE_FILES, TEMPLATES))
def template(request: pytest.FixtureRequest) -> str:
    path: Path = request.param
    return path.read_text(encoding="utf-8")


def test_nothing_is_declared_safe(template: str) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", template)


def test_every_expression_in_an_attribute_stands_in_quotes(template: str) -> None:
    unquoted = re.sub(r'"[^"]*"', '"', EXPRESSION.sub("\0", template))
    assert not re.search("=\\s*\0", unquoted)


def test_links_made_of_values_begin_with_our_own_path(template: str) -> None:
    """Autoescaping lets `javascript:` through."""
    assert not re.search(r'(?:href|src|action|poster)="\s*\{\{', template)


def test_there_is_no_inline_script_or_style(template: str) -> None:
    tags = Tags()
    tags.feed(EXPRESSION.sub("", template))
    for tag, attributes in tags.tags:
        assert tag != "style"
        assert tag != "script" or "src" in attributes
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


def test_the_environment_escapes_whatever_a_template_is_called() -> None:
    shown = make_environment().from_string("{{ title }}").render(title="<script>")
    assert shown == "&lt;script&gt;"


def test_unseen_characters_are_left_out() -> None:
    shown = make_environment().from_string("{{ title }}").render(title="a\u202eb\x1b[2Jc\u2066d")
    assert shown == "ab[2Jcd"


@pytest.mark.parametrize("module", by_name(MODULES, STATIC))
def test_modules_import_only_what_is_there(module: Path) -> None:
    for target in IMPORTED.findall(module.read_text(encoding="utf-8")):
        assert target.startswith(".")
        assert (module.parent / target).is_file()


@pytest.mark.parametrize("module", by_name(MODULES, STATIC))
def test_modules_never_make_markup_from_text(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    assert [word for word in FORBIDDEN_IN_MODULES if word in source] == []


@pytest.mark.parametrize("module", by_name(MODULES, STATIC))
def test_a_module_fits_one_head(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) < 300


@pytest.mark.parametrize("sheet", by_name(SHEETS, STATIC))
def test_style_sheets_name_only_files_that_are_there(sheet: Path) -> None:
    """Fonts are there because `./setup` copies them."""
    for target in SHEET_URL.findall(sheet.read_text(encoding="utf-8")):
        assert target.startswith("/static/")
        assert (STATIC / target.removeprefix("/static/")).is_file()
