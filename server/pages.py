"""The pages a person opens, their stills and their static files. What the pages do, they do through the API."""

from __future__ import annotations

import asyncio
import mimetypes
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from server import bodies, sessions
from server.access import current_user, require_user
from server.headers import SUBTITLE_WORKER, SUBTITLE_WORKER_POLICY
from server.keys import DATABASE, STORAGE
from server.path_ids import media_id_in_path
from server.problems import Problem, of_error
from server.templating import page
from vod.catalog import shelves
from vod.errors import HomereelError, NotFound

STATIC = Path(__file__).resolve().parent / "static"
STILL = "poster.jpg"
STILL_SECONDS = 86_400
FONT_SECONDS = 30 * 86_400
LONGEST_QUERY = 200

# Python reads the machine's own mime.types, where these may be missing or wrong; a module of a wrong type is refused.
STATIC_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}

PROBLEM_TITLES = {
    HTTPStatus.NOT_FOUND: "This reel is not on the shelf.",
    HTTPStatus.FORBIDDEN: "This door is closed to you.",
    HTTPStatus.UNAUTHORIZED: "Please sign in first.",
    HTTPStatus.TOO_MANY_REQUESTS: "One moment, please.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The projectionist is away.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The film has torn.",
    HTTPStatus.INSUFFICIENT_STORAGE: "The shelves are full.",
}


async def library(request: web.Request) -> web.Response:
    if await current_user(request) is None and await sessions.needs_set_up(request):
        raise web.HTTPSeeOther("/setup")
    identity = await require_user(request)
    query = request.query.get("q", "").strip()[:LONGEST_QUERY]
    number = _page_number(request.query.get("page", "1"))
    shown = await request.app[DATABASE].read(shelves.library, identity.user_id, query, number)
    return page(request, "library.html", identity=identity, shelves=shown, query=query)


async def movie(request: web.Request) -> web.Response:
    identity = await require_user(request)
    shown = await request.app[DATABASE].read(shelves.movie, int(request.match_info["id"]), identity.user_id)
    return page(request, "movie.html", identity=identity, movie=shown)


async def series(request: web.Request) -> web.Response:
    identity = await require_user(request)
    shown = await request.app[DATABASE].read(shelves.series, int(request.match_info["id"]), identity.user_id)
    return page(request, "series.html", identity=identity, series=shown)


async def watch(request: web.Request) -> web.Response:
    identity = await require_user(request)
    shown = await request.app[DATABASE].read(shelves.film, media_id_in_path(request), identity.user_id)
    return page(request, "watch.html", identity=identity, film=shown)


async def upload(request: web.Request) -> web.Response:
    return page(request, "upload.html", identity=await require_user(request))


async def jobs(request: web.Request) -> web.Response:
    return page(request, "jobs.html", identity=await require_user(request))


async def admin_users(request: web.Request) -> web.Response:
    return page(request, "admin_users.html", identity=await require_user(request, admin=True))


async def admin_keys(request: web.Request) -> web.Response:
    return page(request, "admin_keys.html", identity=await require_user(request))


async def login_form(request: web.Request) -> web.Response:
    target = sessions.local_path(request.query.get("next", "/"))
    if await current_user(request) is not None:
        raise web.HTTPSeeOther(target)
    if await sessions.needs_set_up(request):
        raise web.HTTPSeeOther("/setup")
    return page(request, "login.html", problem="", name="", next=target)


async def login(request: web.Request) -> web.Response:
    form = await bodies.read_form(request)
    name, target = form.get("name", ""), sessions.local_path(form.get("next", "/"))
    try:
        session = await sessions.sign_in(request, name, form.get("password", ""))
    except HomereelError as error:
        return _form_again(request, "login.html", error, name=name, next=target)
    return _signed_in(session, target)


async def setup_form(request: web.Request) -> web.Response:
    if not await sessions.needs_set_up(request):
        raise web.HTTPSeeOther("/login")
    return page(request, "setup.html", problem="", code="", name="")


async def setup(request: web.Request) -> web.Response:
    form = await bodies.read_form(request)
    code, name = form.get("code", ""), form.get("name", "")
    try:
        session = await sessions.set_up(request, code, name, form.get("password", ""))
    except HomereelError as error:
        return _form_again(request, "setup.html", error, code=code, name=name)
    return _signed_in(session, "/")


async def logout(request: web.Request) -> web.Response:
    await require_user(request)
    form = await bodies.read_form(request)
    response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/login"})
    await sessions.sign_out(request, response, everywhere="everywhere" in form)
    return response


async def still(request: web.Request) -> web.StreamResponse:
    await require_user(request)
    path = request.app[STORAGE].artwork(media_id_in_path(request), STILL)
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("There is no still of this film yet.")
    headers = {"Cache-Control": f"private, max-age={STILL_SECONDS}", "Content-Type": "image/jpeg"}
    return web.FileResponse(path, headers=headers)


async def static(request: web.Request) -> web.StreamResponse:
    """Revalidated each time by ETag, for an old module beside a new page would break it; but an old font would not."""
    path = await asyncio.to_thread(_static_file, request.match_info["path"])
    kind = STATIC_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kept = f"public, max-age={FONT_SECONDS}" if path.suffix == ".woff2" else "no-cache"
    headers = {"Cache-Control": kept, "Content-Type": kind}
    if path.name == SUBTITLE_WORKER:
        headers["Content-Security-Policy"] = SUBTITLE_WORKER_POLICY
    return web.FileResponse(path, headers=headers)


async def error_page(request: web.Request, problem: Problem) -> web.Response:
    """For `server.keys.ERROR_PAGE`."""
    title = PROBLEM_TITLES.get(problem.status, problem.title)
    detail = "" if problem.detail == f"{problem.title}." else problem.detail  # the phrase says less than our title
    return page(request, "error.html", status=problem.status, title=title, detail=detail, code=problem.code)


def _form_again(request: web.Request, template: str, error: HomereelError, **fields: Any) -> web.Response:
    """The form as it was sent, but for secrets, with the reason above it."""
    problem = of_error(error)
    response = page(request, template, status=problem.status, problem=problem.detail, **fields)
    response.headers.update(problem.headers)
    return response


def _signed_in(session: sessions.NewSession, target: str) -> web.Response:
    response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": target})
    session.attach(response)
    return response


def _page_number(text: str) -> int:
    return int(text) if re.fullmatch("[1-9][0-9]{0,4}", text) else 1


def _static_file(name: str) -> Path:
    """Raises HTTPNotFound, also for whatever a link or `..` would reach outside."""
    try:
        path = (STATIC / name).resolve()
        if path.is_relative_to(STATIC) and path.is_file():
            return path
    except (OSError, ValueError):  # too long a name, a NUL in it
        pass
    raise web.HTTPNotFound


routes: tuple[web.RouteDef, ...] = (
    web.get("/", library, name="library"),
    web.get(r"/movies/{id:\d{1,18}}", movie, name="movie"),
    web.get(r"/series/{id:\d{1,18}}", series, name="series"),
    web.get("/watch/{id}", watch, name="watch"),
    web.get("/upload", upload, name="upload-page"),
    web.get("/jobs", jobs, name="jobs-page"),
    web.get("/admin/users", admin_users, name="admin-users"),
    web.get("/admin/keys", admin_keys, name="admin-keys"),
    web.get("/login", login_form, name="login"),
    web.post("/login", login, name="login-submit"),
    web.get("/setup", setup_form, name="setup"),
    web.post("/setup", setup, name="set-up"),
    web.post("/logout", logout, name="sign-out"),
    web.get("/artwork/{id}/poster.jpg", still, name="still"),
    web.get("/static/{path:.+}", static, name="static"),
)
