"""Every secret that a test run issues or uses (security.md bar 16); `tests.watching.leaks` looks for them in the logs.

The code under test is wrapped where it makes secrets and the client where it sends them, in the tests' own process
and in every program that they start. What was seen is written down at once: a killed process keeps no secret.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.watching.patching import patch_modules, wrap

SEEN = "secrets"
# Shorter ones are words that a log may well hold.
SHORTEST = 8
SESSION = "_session"  # other cookies are settings


class Registry:
    def __init__(self, folder: Path) -> None:
        path = folder / f"{SEEN}-{os.getpid()}.jsonl"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._known: set[str] = set()

    def remember(self, kind: str, secret: str) -> None:
        if len(secret) >= SHORTEST and secret not in self._known:
            self._known.add(secret)
            os.write(self._descriptor, f"{json.dumps([kind, secret])}\n".encode())


def record(folder: Path) -> Registry:
    """From now on, whatever the code under test makes and whatever a client of aiohttp sends."""
    registry = Registry(folder)
    patch_modules({name: partial(watch, registry.remember) for name, watch in MAKERS.items()})
    return registry


Remember = Callable[[str, str], None]


def _tokens(remember: Remember, module: ModuleType) -> None:
    def sign(original: Callable[..., str]) -> Callable[..., str]:
        def signed(*arguments: Any, **named: Any) -> str:
            token = original(*arguments, **named)
            remember("stream token", token)
            remember("signature of a stream token", token.rpartition(".")[2])
            return token

        return signed

    def adopt(original: Callable[..., None]) -> Callable[..., None]:
        def adopted(keys: Any, known: Any) -> None:
            for key in known:
                remember("token key", key.secret.hex())
            original(keys, known)

        return adopted

    wrap(module.TokenKeys, "sign", sign)
    wrap(module.TokenKeys, "_adopt", adopt)


def _accounts(remember: Remember, module: ModuleType) -> None:
    def api_key(key: str) -> None:
        remember("API key", key.removeprefix(module.API_KEY_PREFIX))

    def session_owner(owner: Any) -> None:
        remember("CSRF token", owner.csrf_token if owner else "")

    _on_result(module, "start_session", lambda session_id: remember("session id", session_id))
    _on_result(module, "session_owner", session_owner)
    _on_result(module, "add_key", lambda made: api_key(made[1]))
    _on_result(module, "add_named_key", api_key)


def _setup_code(remember: Remember, module: ModuleType) -> None:
    def code(made: str) -> None:
        remember("set-up code", made)
        remember("set-up code", made.replace("-", ""))

    _on_result(module, "ensure", code)


def _passwords(remember: Remember, module: ModuleType) -> None:
    def hashing(original: Callable[..., Any]) -> Callable[..., Any]:
        async def hashed(passwords: Any, password: str) -> Any:
            remember("password", password)
            made = await original(passwords, password)
            remember("hash of a password", made)
            return made

        return hashed

    def matching(original: Callable[..., Any]) -> Callable[..., Any]:
        async def matches(passwords: Any, stored: str | None, password: str) -> Any:
            remember("password", password)
            return await original(passwords, stored, password)

        return matches

    wrap(module.Passwords, "hash", hashing)
    wrap(module.Passwords, "matches", matching)


def _client(remember: Remember, module: ModuleType) -> None:
    def requesting(original: Callable[..., Any]) -> Callable[..., Any]:
        async def request(session: Any, *arguments: Any, **named: Any) -> Any:
            answer = await original(session, *arguments, **named)
            for kind, secret in _sent(answer.request_info.headers):
                remember(kind, secret)
            for cookie in answer.cookies.values():
                remember("cookie", cookie.value if cookie.key.endswith(SESSION) else "")
            return answer

        return request

    wrap(module.ClientSession, "_request", requesting)


def _sent(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "Authorization header", headers.get("Authorization", "").rpartition(" ")[2].removeprefix("hr_")
    yield "X-CSRF-Token header", headers.get("X-CSRF-Token", "")
    for cookie in headers.get("Cookie", "").split("; "):
        name, _, value = cookie.partition("=")
        yield "cookie", value.strip('"') if name.endswith(SESSION) else ""


def _on_result(module: ModuleType, name: str, use: Callable[[Any], object]) -> None:
    def around(original: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            result = original(*arguments, **named)
            use(result)
            return result

        return watched

    wrap(module, name, around)


MAKERS: dict[str, Callable[[Remember, ModuleType], None]] = {
    "vod.tokens": _tokens,
    "vod.catalog.accounts": _accounts,
    "server.setup_code": _setup_code,
    "server.passwords": _passwords,
    "aiohttp.client": _client,
}
