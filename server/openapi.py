"""`/openapi.json`, generated from the router and from what each handler says of itself (server.contract)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.contract import Access, Operation, operation, operation_of
from server.problems import STATUS_BY_CODE

REFERENCE = "#/components/schemas/{model}"
PATH_PARAMETER = re.compile(r"{([a-z_]+)(?::[^{}]*)?}")

PROBLEM = {
    "type": "object",
    "required": ["title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "enum": sorted(STATUS_BY_CODE)},
    },
}

SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.PUBLIC: [],
    Access.SIGNED: [],
    Access.USER: [{"session": []}, {"apiKey": []}],
    Access.ADMIN: [{"session": []}, {"apiKey": []}],
}


DOCUMENT = web.AppKey("openapi_document", bytes)


def publish(app: web.Application) -> None:
    """Once all routes are there: they never change while the server runs."""
    app[DOCUMENT] = json.dumps(document(app.router.routes())).encode()


@operation("This description of the interface.", access=Access.PUBLIC)
async def show(request: web.Request) -> web.Response:
    return web.Response(body=request.app[DOCUMENT], content_type="application/json")


def document(routes: Iterable[web.AbstractRoute]) -> dict[str, Any]:
    """Routes without a description are pages for people, and stay out."""
    described = [(route, found) for route in routes if (found := operation_of(route.handler))]
    paths: dict[str, dict[str, Any]] = {}
    for route, found in described:
        if route.method != "HEAD":  # aiohttp adds one to every GET
            path = route.resource.canonical if route.resource else ""
            paths.setdefault(path, {})[route.method.lower()] = _operation(path, route.name, found)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Homereel", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM} | _schemas(found for _, found in described),
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "homereel_session"},
                "apiKey": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(path: str, name: str | None, found: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": name,
        "summary": found.summary,
        "security": SECURITY[found.access],
        "parameters": [*_path_parameters(path), *_query_parameters(found.query)],
        "responses": {str(found.status): _answer(found), "default": _content("application/problem+json", "Problem")},
    }
    if found.access is Access.ADMIN:
        described["description"] = "For administrators."
    if found.body is not None:
        described["requestBody"] = {"required": True} | _content("application/json", found.body.__name__)
    return described


def _answer(found: Operation) -> dict[str, Any]:
    if found.answer is not None:
        return _content(found.media_type, found.answer.__name__)
    if found.status == 204:
        return {"description": "Done."}
    return {"description": "", "content": {found.media_type: {}}}


def _content(media_type: str, model: str) -> dict[str, Any]:
    return {"description": "", "content": {media_type: {"schema": {"$ref": REFERENCE.format(model=model)}}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PATH_PARAMETER.findall(path)
    ]


def _query_parameters(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    properties = query.model_json_schema(by_alias=True, ref_template=REFERENCE)["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    given: set[type[BaseModel]] = set()
    shown: set[type[BaseModel]] = set()
    for found in operations:
        given |= {model for model in (found.body, found.query) if model}
        shown |= {found.answer} if found.answer else set()
    _, document = models_json_schema(
        [*((model, "validation") for model in given), *((model, "serialization") for model in shown)],
        ref_template=REFERENCE,
        by_alias=True,
    )
    return dict(sorted(document.get("$defs", {}).items()))


routes = (web.get("/openapi.json", show, name="openapi"),)
