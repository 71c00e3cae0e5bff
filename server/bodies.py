"""Reading request bodies: bounded in size and in time, and never inflated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from server.keys import CONFIG
from vod.errors import HomereelError, Invalid, UnsupportedBody

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
LARGEST_BYTES = 256 * 1024  # of a JSON body or form; uploads count their own bytes

Model = TypeVar("Model", bound=BaseModel)
Read = TypeVar("Read")


class BodyTimeout(HomereelError):
    code = "body-timeout"


@web.middleware
async def refuse_encoded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """200 kB of gzip can be 200 MB: no route takes an encoded body (security.md 0.10)."""
    if any(coding.strip().lower() != "identity" for coding in request.headers.getall("Content-Encoding", ())):
        raise UnsupportedBody("A body with a content encoding is not accepted.")
    return await handler(request)


async def read_json(request: web.Request, model: type[Model]) -> Model:
    """Raises Invalid, UnsupportedBody, BodyTimeout."""
    if request.content_type != JSON:
        raise UnsupportedBody("The body must be application/json.")
    body = await _within_time(request, request.read())
    return validated(lambda: model.model_validate_json(body))


def read_query(request: web.Request, model: type[Model]) -> Model:
    """Raises Invalid."""
    return validated(lambda: model.model_validate(dict(request.query)))


async def read_form(request: web.Request) -> dict[str, str]:
    """Text fields of a urlencoded form; read once, asked as often as needed.

    Raises UnsupportedBody, Invalid, BodyTimeout.
    """
    if request.content_type != FORM or (request.charset or "utf-8").lower() != "utf-8":
        raise UnsupportedBody("The body must be a form, in UTF-8.")
    try:
        fields = await _within_time(request, request.post())
    except UnicodeDecodeError:
        raise Invalid("The form is not UTF-8.") from None
    return {name: value for name, value in fields.items() if isinstance(value, str)}


async def _within_time(request: web.Request, read: Awaitable[Read]) -> Read:
    """aiohttp itself never gives up on a body that stopped coming (security.md 0.11)."""
    try:
        async with asyncio.timeout(request.app[CONFIG].upload.idle_seconds):
            return await read
    except TimeoutError:
        raise BodyTimeout("The body did not arrive in time.") from None


def validated(validate: Callable[[], Model]) -> Model:
    try:
        return validate()
    except ValidationError as error:
        raise Invalid("; ".join(_explain(problem) for problem in error.errors())) from None


def _explain(problem: ErrorDetails) -> str:
    """The value itself is left out: it may be a password."""
    field = ".".join(str(part) for part in problem["loc"]) or "body"
    return f"{field}: {problem['msg']}"
