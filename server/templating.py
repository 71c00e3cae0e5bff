"""The one factory of the template environment, and the one way a page is answered.

Autoescaping is on for every template, whatever its suffix. Text of people (titles, file names, user names)
loses control and bidirectional-override characters on its way out, for escaping alone lets them through
(security.md A32). Templates hold no inline script or style; `tests/server/test_pages.py` lints them.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from server.access import Identity

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
THEMES = frozenset({"dark", "light"})
TINTS = 8  # title cards without a still take one of the colours of css/cards.css

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_unseen,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # a page must not ask the disk whether its template is newer
        cache_size=-1,
    )
    environment.filters |= {"clock": clock, "spoken": spoken, "percent": percent, "tint": tint}
    for name in environment.list_templates():
        environment.get_template(name)  # into the cache: later it would block the loop
    return environment


def page(
    request: web.Request, template: str, *, identity: Identity | None = None, status: int = 200, **context: Any
) -> web.Response:
    """A whole HTML page; never cached, for it shows one person's library."""
    theme = request.cookies.get("theme", "")
    html = _ENVIRONMENT.get_template(template).render(
        context, identity=identity, path=request.path, status=int(status), theme=theme if theme in THEMES else ""
    )
    return web.Response(
        text=html, status=status, content_type="text/html", charset="utf-8", headers={"Cache-Control": "no-store"}
    )


def clock(seconds: float | None) -> str:
    """`1:02:03` or `2:03`; a dash where unknown."""
    if seconds is None:
        return "–"
    minutes, second = divmod(int(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


def spoken(seconds: float | None) -> str:
    """`1 h 32 min`, as people say it; nothing where unknown."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def percent(fraction: float) -> str:
    """Rounded down, so that 100 % means done."""
    return f"{int(fraction * 100)} %"


def tint(identifier: uuid.UUID | int | str) -> int:
    return sum(str(identifier).encode()) % TINTS


def _without_unseen(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNSEEN.sub("", value)
    return value


_ENVIRONMENT = make_environment()
