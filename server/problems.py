"""What went wrong, as RFC 9457 says it: each stable code with its HTTP status and title."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web

from vod.errors import HomereelError, SegmentNotReady, Throttled

STATUS_BY_CODE: dict[str, HTTPStatus] = {
    "invalid-request": HTTPStatus.BAD_REQUEST,
    "upload-empty": HTTPStatus.BAD_REQUEST,
    "upload-failed": HTTPStatus.BAD_REQUEST,
    "upload-interrupted": HTTPStatus.BAD_REQUEST,
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "access-refused": HTTPStatus.FORBIDDEN,
    "forbidden": HTTPStatus.FORBIDDEN,
    "token-refused": HTTPStatus.FORBIDDEN,
    "not-found": HTTPStatus.NOT_FOUND,
    "method-not-allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "body-timeout": HTTPStatus.REQUEST_TIMEOUT,
    "upload-stalled": HTTPStatus.REQUEST_TIMEOUT,
    "conflict": HTTPStatus.CONFLICT,
    "job-cancelled": HTTPStatus.CONFLICT,
    "precondition-failed": HTTPStatus.PRECONDITION_FAILED,
    "body-too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "upload-too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported-body": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "range-not-satisfiable": HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    "expectation-failed": HTTPStatus.EXPECTATION_FAILED,
    "misdirected": HTTPStatus.MISDIRECTED_REQUEST,
    "original-unusable": HTTPStatus.UNPROCESSABLE_ENTITY,
    "subtitles-unusable": HTTPStatus.UNPROCESSABLE_ENTITY,
    "throttled": HTTPStatus.TOO_MANY_REQUESTS,
    "internal-error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "segment-not-ready": HTTPStatus.SERVICE_UNAVAILABLE,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "disk-full": HTTPStatus.INSUFFICIENT_STORAGE,
}

# aiohttp's own refusals (unknown path, wrong method, body over client_max_size…) get a code too.
CODE_BY_STATUS = {
    400: "invalid-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "body-timeout",
    412: "precondition-failed",
    413: "body-too-large",
    415: "unsupported-body",
    416: "range-not-satisfiable",
    417: "expectation-failed",
    421: "misdirected",
    429: "throttled",
    503: "unavailable",
    507: "disk-full",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    code: str
    status: HTTPStatus
    detail: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.status.phrase

    def as_json(self, instance: str) -> dict[str, object]:
        return {
            "type": "about:blank",
            "title": self.title,
            "status": int(self.status),
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
        }


INTERNAL = Problem(
    code="internal-error",
    status=HTTPStatus.INTERNAL_SERVER_ERROR,
    detail="Something went wrong here. The log says what.",
)

UNAVAILABLE = Problem(
    code="unavailable",
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    detail="The database does not answer just now. Try again in a moment.",
    headers={"Retry-After": "5"},
)

STORAGE_AWAY = Problem(
    code="unavailable",
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    detail="The media folder cannot be written just now.",
    headers={"Retry-After": "60"},
)

# A disk that was pulled out, failed, or went read-only because it is failing.
STORAGE_FAULTS = frozenset({errno.EROFS, errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.EACCES, errno.EPERM})


def of_error(error: HomereelError) -> Problem:
    """A code without a status of its own is our fault, and its detail stays in the log."""
    status = STATUS_BY_CODE.get(error.code)
    if status is None:
        return INTERNAL
    return Problem(code=error.code, status=status, detail=error.detail, headers=_headers(error))


def of_http(error: web.HTTPException) -> Problem:
    status = HTTPStatus(error.status)
    # What aiohttp wants to say beside the status: Allow of a 405, Retry-After…
    headers = {name: value for name, value in error.headers.items() if name.lower() in {"allow", "retry-after"}}
    code = CODE_BY_STATUS.get(error.status, "internal-error" if error.status >= 500 else "invalid-request")
    return Problem(code=code, status=status, detail=f"{status.phrase}.", headers=headers)


def _headers(error: HomereelError) -> dict[str, str]:
    if isinstance(error, Throttled | SegmentNotReady):
        return {"Retry-After": str(error.retry_after_seconds)}
    if error.code == "unauthenticated":
        return {"WWW-Authenticate": "Bearer"}
    return {}
