"""`/api/users`: who may sign in."""

from __future__ import annotations

import time
from typing import Annotated

from aiohttp import web
from pydantic import Field, SecretStr

from server import bodies, sessions
from server.access import Identity, require_user
from server.contract import Access, Given, Shown, operation, shown
from server.hosts import client_address
from server.keys import DATABASE, PASSWORDS, TOKENS
from server.path_ids import number_in_path
from vod.catalog import accounts, throttle
from vod.errors import Forbidden, NotFound, Unauthenticated
from vod.tokens import user_subject


class NewUser(Given):
    name: Annotated[str, Field(max_length=64)]
    password: SecretStr
    is_admin: bool = False


class UserChange(Given):
    """`currentPassword` is asked of whoever changes his own password."""

    password: SecretStr | None = None
    current_password: SecretStr | None = None
    is_admin: bool | None = None


class UserView(Shown):
    id: int
    name: str
    is_admin: bool
    created_at: float


class UserList(Shown):
    items: list[UserView]
    next: str | None = None


@operation("Everybody who may sign in.", access=Access.ADMIN, answer=UserList)
async def list_users(request: web.Request) -> web.Response:
    await require_user(request, admin=True)
    found = await request.app[DATABASE].read(accounts.users)
    return shown(UserList(items=[_view(account) for account in found]))


@operation("Add a user.", access=Access.ADMIN, body=NewUser, answer=UserView, status=201)
async def add_user(request: web.Request) -> web.Response:
    await require_user(request, admin=True)
    body = await bodies.read_json(request, NewUser)
    password_hash = await request.app[PASSWORDS].hash(body.password.get_secret_value())
    account = await request.app[DATABASE].run(accounts.add_user, body.name, password_hash, is_admin=body.is_admin)
    return shown(_view(account), status=201)


@operation("Change a password or a user's rights; ends the user's sessions.", body=UserChange, answer=UserView)
async def change_user(request: web.Request) -> web.Response:
    identity = await require_user(request)
    user_id = _visible_user(request, identity)
    body = await bodies.read_json(request, UserChange)
    if body.is_admin is not None and not identity.is_admin:
        raise Forbidden("Only an administrator may change rights.")
    if body.password is not None:
        await _check_current_password(request, identity, user_id, body.current_password)
        password_hash = await request.app[PASSWORDS].hash(body.password.get_secret_value())
        await request.app[DATABASE].run(accounts.set_password, user_id, password_hash)
    if body.is_admin is not None:
        await request.app[DATABASE].run(accounts.set_admin, user_id, body.is_admin)
    response = shown(_view(await request.app[DATABASE].read(accounts.user, user_id)))
    if identity.user_id == user_id and identity.csrf_token is not None:
        (await sessions.start(request, user_id)).attach(response)
    return response


@operation("Delete a user with his sessions, keys and remembered positions.", access=Access.ADMIN, status=204)
async def delete_user(request: web.Request) -> web.Response:
    await require_user(request, admin=True)
    user_id = number_in_path(request)
    await request.app[DATABASE].run(accounts.delete_user, user_id)
    request.app[TOKENS].subjects.revoke(user_subject(user_id))
    return web.Response(status=204)


def _visible_user(request: web.Request, identity: Identity) -> int:
    user_id = number_in_path(request)
    if user_id != identity.user_id and not identity.is_admin:
        raise NotFound("There is no such user.")
    return user_id


async def _check_current_password(
    request: web.Request, identity: Identity, user_id: int, current: SecretStr | None
) -> None:
    """A stolen session or key must not become a stolen account. An administrator resets other people's freely."""
    if user_id != identity.user_id:
        return
    database, address = request.app[DATABASE], client_address(request)
    await database.run(throttle.count_attempt, identity.name, address, time.time())
    stored = await database.read(accounts.password_hash_of, user_id)
    given = current.get_secret_value() if current else ""
    if not await request.app[PASSWORDS].matches(stored or None, given):
        raise Unauthenticated("The current password is wrong.")
    await database.run(throttle.forgive, identity.name, address)


def _view(account: accounts.Account) -> UserView:
    return UserView(id=account.id, name=account.name, is_admin=account.is_admin, created_at=account.created_at)


routes = (
    web.get("/api/users", list_users, name="users"),
    web.post("/api/users", add_user, name="user-add"),
    web.patch("/api/users/{id}", change_user, name="user-change"),
    web.delete("/api/users/{id}", delete_user, name="user-delete"),
)
