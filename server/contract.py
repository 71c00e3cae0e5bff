"""What a route promises, said beside its handler: who may call it, what goes in and what comes out.

The handler enforces it; `server.openapi` publishes it, and the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

Handler = TypeVar("Handler", bound=Callable[[web.Request], Awaitable[web.StreamResponse]])


class Access(StrEnum):
    PUBLIC = "public"
    USER = "user"  # a session or an API key
    ADMIN = "admin"
    SIGNED = "signed"  # a stream token in the path


class Given(BaseModel):
    """What a caller sends; a field that we do not know is refused, for it is a typing error."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Shown(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    summary: str
    access: Access
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    media_type: str = "application/json"


_OPERATIONS: dict[Any, Operation] = {}


def operation(
    summary: str,
    *,
    access: Access = Access.USER,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    answer: type[BaseModel] | None = None,
    status: int = 200,
    media_type: str = "application/json",
) -> Callable[[Handler], Handler]:
    described = Operation(
        summary=summary, access=access, query=query, body=body, answer=answer, status=status, media_type=media_type
    )

    def describe(handler: Handler) -> Handler:
        _OPERATIONS[handler] = described
        return handler

    return describe


def operation_of(handler: object) -> Operation | None:
    return _OPERATIONS.get(handler)


def shown(model: Shown, status: int = 200) -> web.Response:
    return web.Response(
        body=model.model_dump_json(by_alias=True).encode(), status=status, content_type="application/json"
    )
