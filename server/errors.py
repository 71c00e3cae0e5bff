"""The one place where an exception becomes an answer: problem+json, or a page where a browser asked for a page."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from server import problems
from server.keys import ERROR_PAGE
from server.problems import Problem
from vod.catalog.database import OUTAGE
from vod.errors import HomereelError, Unauthenticated
from vod.log import masked

log = logging.getLogger(__name__)

# A person never navigates to these; whatever Accept says, programs read the answer.
PROGRAM_PATHS = ("/api/", "/media-files", "/media/", "/uploads", "/stream/", "/events", "/health", "/metrics")


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ConnectionError:
        return web.Response(status=HTTPStatus.BAD_REQUEST)  # for the access log: nobody is left to read it
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return await _answer(request, error)
    except Exception as error:
        return await _answer(request, error)


def wants_page(request: web.Request) -> bool:
    """A browser that navigates, as opposed to a script or a player that fetches."""
    if request.path.startswith(PROGRAM_PATHS):
        return False
    return "text/html" in request.headers.get("Accept", "")


async def _answer(request: web.Request, error: Exception) -> web.StreamResponse:
    problem = _problem(error)
    if problem in (problems.INTERNAL, problems.UNAVAILABLE, problems.STORAGE_AWAY):
        log.error("%s %s failed", request.method, masked(request.path), exc_info=error)
    if request.writer.output_size > 0:
        # Part of an answer is out: a second status line would corrupt it. Cutting the connection tells the truth.
        raise error
    if not wants_page(request):
        return problem_response(request, problem)
    if isinstance(error, Unauthenticated) and request.method == "GET":
        raise web.HTTPSeeOther(f"/login?next={quote(request.path_qs, safe='/')}")
    response = await request.app[ERROR_PAGE](request, problem)
    response.headers.update(problem.headers)
    return response


def _problem(error: Exception) -> Problem:
    if isinstance(error, HomereelError):
        return problems.of_error(error)
    if isinstance(error, web.HTTPException):
        return problems.of_http(error)
    if isinstance(error, OSError) and error.errno in problems.STORAGE_FAULTS:
        return problems.STORAGE_AWAY
    return problems.UNAVAILABLE if isinstance(error, OUTAGE) else problems.INTERNAL


def problem_response(request: web.Request, problem: Problem) -> web.Response:
    body = json.dumps(problem.as_json(masked(request.path)), ensure_ascii=False).encode()
    return web.Response(
        status=problem.status, body=body, content_type="application/problem+json", headers=problem.headers
    )
