"""A real application on an empty media root, with SQLite, and people who use it."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar, web

from server.access import CSRF_HEADER, SESSION_COOKIE
from server.app import build_app
from server.keys import DATABASE, PASSWORDS, STORAGE
from tests.server.running import running
from tests.server.streaming import make_plan
from vod.catalog import accounts, media_files
from vod.catalog.models import Session
from vod.catalog.naming import MovieTitling, Titling
from vod.config import Config
from vod.hls.plan import Plan
from vod.storage import make_folder, publish

PASSWORD = "correct horse battery"

AddFilm = Callable[..., Awaitable[UUID]]
PlanFilm = Callable[[UUID], Awaitable[Plan]]
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


class Person:
    """A browser or a program: one cookie jar, and what it sends by itself."""

    def __init__(self, session: ClientSession, headers: dict[str, str]) -> None:
        self.session = session
        self.headers = headers

    async def ask(self, method: str, path: str, **options: Any) -> ClientResponse:
        headers = self.headers | options.pop("headers", {})
        return await self.session.request(method, path, headers=headers, allow_redirects=False, **options)

    async def get(self, path: str, **options: Any) -> ClientResponse:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, **options: Any) -> ClientResponse:
        return await self.ask("POST", path, **options)

    @property
    def session_id(self) -> str:
        return {cookie.key: cookie.value for cookie in self.session.cookie_jar}[SESSION_COOKIE]


@dataclass
class House:
    """One running server; each person it hands out has a connection of his own."""

    app: web.Application
    origin: str
    people: AsyncExitStack

    async def visitor(self, **headers: str) -> Person:
        session = ClientSession(self.origin, cookie_jar=CookieJar(unsafe=True))  # unsafe: of an IP address, too
        return Person(await self.people.enter_async_context(session), headers)

    async def add_user(self, name: str, *, admin: bool = False) -> int:
        password_hash = await self.app[PASSWORDS].hash(PASSWORD)
        account = await self.app[DATABASE].run(accounts.add_user, name, password_hash, is_admin=admin)
        return account.id

    async def browser(self, name: str, *, password: str = PASSWORD) -> Person:
        """Signed in through the form; sends what our pages send."""
        person = await self.visitor(Origin=self.origin)
        answer = await person.post("/login", data={"name": name, "password": password})
        assert answer.status == 303, await answer.text()
        person.headers[CSRF_HEADER] = await self.csrf_token(person)
        return person

    async def program(self, name: str, *, admin: bool = False) -> Person:
        """Holds an API key of this user."""
        owner = await self.app[DATABASE].run(accounts.find, name)
        assert owner is not None
        _, key = await self.app[DATABASE].run(accounts.add_key, owner.id, "a program", is_admin=admin)
        return await self.visitor(Authorization=f"Bearer {key}")

    async def csrf_token(self, person: Person) -> str:
        session = await self.app[DATABASE].run(Session.get, Session.id_hash == accounts.hashed(person.session_id))
        return str(session.csrf_token)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.model_validate({"media": {"root": tmp_path / "media", "reserve_bytes": 0}, "worker": {"embedded": 0}})


@pytest.fixture
async def house(config: Config) -> AsyncIterator[House]:
    async with running(build_app(config)) as server, AsyncExitStack() as people:
        yield House(server.app, server.url(""), people)


@pytest.fixture
async def admin(house: House) -> Person:
    await house.add_user("Ada", admin=True)
    return await house.browser("Ada")


@pytest.fixture
async def user(house: House, admin: Person) -> Person:
    await house.add_user("Uwe")
    return await house.browser("Uwe")


@pytest.fixture
def add_film(house: House) -> AddFilm:
    """Adds a row and a probe job as an upload does, without the bytes."""

    async def add(titling: Titling | None = None, *, name: str = "film.mp4") -> UUID:
        media_id = uuid4()
        await house.app[DATABASE].run(
            media_files.add,
            media_id=media_id,
            name=name,
            extension="mp4",
            size=1,
            mime_type="video/mp4",
            titling=titling or MovieTitling(title="A film"),
        )
        return media_id

    return add


@pytest.fixture
def plan_film(house: House) -> PlanFilm:
    """Plans four segments of 720p, and makes none."""

    async def plan_it(media_id: UUID) -> Plan:
        plan, storage = make_plan(), house.app[STORAGE]
        make_folder(storage.rendition(media_id, plan.digest, "720p"))
        publish(storage.plan(media_id, plan.digest), plan.to_json().encode())
        await house.app[DATABASE].run(
            media_files.mark_processing,
            media_id,
            probe={},
            duration=24.0,
            width=1280,
            height=720,
            digest=plan.digest,
        )
        return plan

    return plan_it


@pytest.fixture
def tls(tmp_path: Path) -> Contexts:
    """The server's side and the client's, with a certificate of their own."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key),
        ],
        check=True,
        capture_output=True,
    )
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate, key)
    return ours, ssl.create_default_context(cafile=certificate)
