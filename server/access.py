"""Who is asking, and whether he may: a session cookie or an API key; unsafe methods prove their origin too."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass

from aiohttp import web

from server import bodies
from server.hosts import origin_allowed
from server.keys import CONFIG, DATABASE
from vod.catalog import accounts
from vod.errors import Forbidden, Unauthenticated
from vod.tokens import key_subject, user_subject

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
SESSION_COOKIE = "homereel_session"
BEARER = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`csrf_token` is None for an API key, which no browser sends by itself."""

    user_id: int
    name: str
    is_admin: bool
    csrf_token: str | None
    key_id: int | None

    @property
    def stream_subject(self) -> str:
        """Under this name streams are signed, and revoked."""
        return user_subject(self.user_id) if self.key_id is None else key_subject(self.key_id)


IDENTITY: web.RequestKey[Identity | None] = web.RequestKey("identity")


async def require_user(request: web.Request, admin: bool = False) -> Identity:
    """Raises Unauthenticated, or Forbidden: not an administrator, or an unsafe request that may be forged."""
    identity = await current_user(request)
    if identity is None:
        raise Unauthenticated("Sign in, or send an API key.")
    if admin and not identity.is_admin:
        raise Forbidden("Only an administrator may do this.")
    if request.method not in SAFE_METHODS and identity.csrf_token is not None:
        await _check_forgery(request, identity.csrf_token)
    return identity


async def current_user(request: web.Request) -> Identity | None:
    """None for nobody. Asked once a request."""
    if IDENTITY not in request:
        request[IDENTITY] = await identify(request)
    return request[IDENTITY]


def session_cookie(request: web.Request) -> str:
    """Under https the browser itself guarantees that no other host or path has set it (`__Host-`)."""
    secure = request.app[CONFIG].server.public_url.startswith("https://")
    return f"__Host-{SESSION_COOKIE}" if secure else SESSION_COOKIE


def check_origin(request: web.Request, *, required: bool) -> None:
    """Raises Forbidden for a request that another site's page made.

    Where a session vouches for the request, an origin is required. The sign-in form may come without: only
    browsers can be tricked into signing in, and they all send it.
    """
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return
    origin = request.headers.get("Origin")
    if origin is None and not required:
        return
    public_url = request.app[CONFIG].server.public_url
    if origin is None or not origin_allowed(origin, request.headers.get("Host", ""), public_url):
        raise Forbidden("This request came from another site.")


async def identify(request: web.Request) -> Identity | None:
    """Asks the database each time, for requests that last."""
    database = request.app[DATABASE]
    authorization = request.headers.get("Authorization", "")
    if authorization.lower().startswith(BEARER):
        account = await database.read(accounts.key_owner, authorization[len(BEARER) :].strip())
        return _identity(account, None) if account else None
    session_id = request.cookies.get(session_cookie(request))
    if not session_id:
        return None
    now = time.time()
    owner = await database.read(accounts.session_owner, session_id, now)
    if owner is None:
        return None
    if owner.seen_long_ago:
        await database.run(accounts.touch_session, session_id, now)
    return _identity(owner.account, owner.csrf_token)


def _identity(account: accounts.Account, csrf_token: str | None) -> Identity:
    return Identity(
        user_id=account.id,
        name=account.name,
        is_admin=account.is_admin,
        csrf_token=csrf_token,
        key_id=account.key_id,
    )


async def _check_forgery(request: web.Request, expected: str) -> None:
    check_origin(request, required=True)
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.content_type == bodies.FORM:
        given = (await bodies.read_form(request)).get(CSRF_FIELD, "")
    # Bytes of a header that are no UTF-8 come as lone surrogates.
    if not hmac.compare_digest((given or "").encode(errors="surrogatepass"), expected.encode()):
        raise Forbidden("The form is out of date. Reload the page and try again.")
