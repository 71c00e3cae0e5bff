"""Stream tokens: a signed right to stream one media file until a time (design.md section 7).

``{kid}.{expiry}.{subject}.{scope}.{signature}`` stands in the path, so that the relative URIs of a playlist
inherit it. The signature is HMAC-SHA256 cut to 128 bits over those parts and the media id of the path. What
is checked once is remembered; the expiry and the subject are looked at on every request all the same.

Several keys are live at once: the newest signs, the others still verify, so a rotation interrupts nobody.
"""

from __future__ import annotations

import hmac
import json
import math
import os
import re
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from vod.errors import ConfigError, TokenRefused

SKEW_SECONDS = 60  # clocks of a household differ (security.md 3.1)
# What [hls] token_seconds allows: a key verifies at least that long after it last signed.
LONGEST_LIFE_SECONDS = 7 * 24 * 3600
REMEMBERED = 4096  # verified tokens, about 400 bytes each
KEY_BYTES = 32
SIGNATURE_BYTES = 16

TOKEN = re.compile(
    r"(?P<kid>[a-z0-9]{4,16})\.(?P<expiry>[1-9][0-9]{0,11})\.(?P<subject>[A-Za-z0-9_-]{1,64})"
    r"\.(?P<scope>[ho])\.(?P<signature>[A-Za-z0-9_-]{22})\Z"
)


class Scope(StrEnum):
    HLS = "h"  # everything below hls/{id}
    ORIGINAL = "o"  # that, and the uploaded file itself


@dataclass(frozen=True, slots=True)
class Claims:
    expiry: int
    subject: str
    scope: Scope

    def covers(self, scope: Scope) -> bool:
        return scope == self.scope or self.scope is Scope.ORIGINAL


class Subjects:
    """Who may use what was signed for them: an allow list, so that a vanished account fails closed.

    The server replaces it from the database every 30 s at most; `admit` and `revoke` act at once.
    """

    def __init__(self, live: Iterable[str] = ()) -> None:
        self._live = set(live)
        self._admitted: set[str] = set()

    def __contains__(self, subject: str) -> bool:
        return subject in self._live

    def admit(self, subject: str) -> None:
        self._live.add(subject)
        self._admitted.add(subject)

    def revoke(self, subject: str) -> None:
        self._live.discard(subject)
        self._admitted.discard(subject)

    def reading(self) -> None:
        """The database is being asked: whoever is admitted from here on may be missing in its answer."""
        self._admitted.clear()

    def replace(self, live: Iterable[str]) -> None:
        self._live = {*live, *self._admitted}


class Key(NamedTuple):
    kid: str
    secret: bytes
    created_at: float  # it signs from here until the next key's


class TokenKeys:
    """Signs and verifies. `path` is a 0600 JSON file that `load` makes where it is missing."""

    def __init__(self, path: Path, keys: list[Key], identity: tuple[int, int] = (0, 0)) -> None:
        self.subjects = Subjects()
        self._path = path
        self._identity = identity
        self._adopt(keys)

    @classmethod
    def load(cls, path: Path) -> TokenKeys:
        """Raises ConfigError for a file that holds no usable key."""
        if not path.exists():
            _create(path, [_new_key(time.time())])
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        identity = _identity(path)
        return cls(path, _read(path), identity)

    def refresh(self) -> None:
        """Adopt what `rotate` in another process wrote. Reads the disk: not for the event loop."""
        if (identity := _identity(self._path)) != self._identity:
            self._adopt(_read(self._path))
            self._identity = identity

    def rotate(self, now: float | None = None) -> str:
        """Sign with a new key from now on; keys whose last token has expired go. Returns the new kid."""
        now = time.time() if now is None else now
        keys = list(self._keys.values())
        retired_at = [following.created_at for following in keys[1:]] + [math.inf]
        kept = [key for key, end in zip(keys, retired_at, strict=True) if now - end <= LONGEST_LIFE_SECONDS]
        kept.append(_new_key(now))
        _replace(self._path, kept)
        self._adopt(kept)
        self._identity = _identity(self._path)
        return kept[-1].kid

    def sign(self, media_id: UUID | str, subject: str, scope: Scope | str, expiry: int) -> str:
        """The caller has just proved who it is, so its subject is admitted."""
        newest = next(reversed(self._keys.values()))
        unsigned = f"{newest.kid}.{int(expiry)}.{subject}.{Scope(scope)}"
        token = f"{unsigned}.{_signature(newest.secret, unsigned, str(media_id))}"
        if not TOKEN.match(token):
            raise ValueError(f"no token can carry the subject {subject!r} or the expiry {expiry!r}")
        self.subjects.admit(subject)
        return token

    def verify(self, token: str, media_id: UUID | str, scope: Scope, now: float) -> Claims:
        """Raises TokenRefused, with the same words whatever is wrong but the time."""
        known = (token, str(media_id))
        claims = self._verified.get(known)
        if claims is None:
            claims = self._check_signature(token, known[1])
            self._remember(known, claims)
        if now > claims.expiry + SKEW_SECONDS:
            raise TokenRefused("This link has expired.")
        if claims.subject not in self.subjects or not claims.covers(scope):
            raise TokenRefused("This link is not valid.")
        return claims

    def _check_signature(self, token: str, media_id: str) -> Claims:
        parts = TOKEN.match(token)
        key = self._keys.get(parts["kid"]) if parts else None
        if parts is None or key is None:
            raise TokenRefused("This link is not valid.")
        expected = _signature(key.secret, token[: parts.start("signature") - 1], media_id)
        # As text: the last character of 22 carries two bits, and decoding would forgive the other four.
        if not hmac.compare_digest(expected, parts["signature"]):
            raise TokenRefused("This link is not valid.")
        return Claims(int(parts["expiry"]), parts["subject"], Scope(parts["scope"]))

    def _remember(self, known: tuple[str, str], claims: Claims) -> None:
        if len(self._verified) >= REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[known] = claims

    def _adopt(self, keys: list[Key]) -> None:
        self._keys = {key.kid: key for key in sorted(keys, key=lambda key: key.created_at)}
        self._verified: dict[tuple[str, str], Claims] = {}


def user_subject(user_id: int) -> str:
    return f"u{user_id}"


def key_subject(key_id: int) -> str:
    """Apart from its user's, so that links made with a revoked key end while the user watches on."""
    return f"k{key_id}"


def expiry_for(duration_seconds: float, longest_seconds: int, now: float) -> int:
    """Twice the film and four hours more, at most `longest_seconds`; the same for an hour, so that a URL is stable."""
    life = min(duration_seconds * 2 + 4 * 3600, longest_seconds)
    step = min(3600, int(life) // 4)
    return int(now + life) // step * step


def _signature(secret: bytes, unsigned: str, media_id: str) -> str:
    digest = hmac.digest(secret, f"v1|{unsigned}|{media_id}".encode(), "sha256")
    return urlsafe_b64encode(digest[:SIGNATURE_BYTES]).rstrip(b"=").decode()


def _new_key(now: float) -> Key:
    return Key(secrets.token_hex(4), secrets.token_bytes(KEY_BYTES), now)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def _read(path: Path) -> list[Key]:
    try:
        records = json.loads(path.read_text(encoding="ascii"))["keys"]
        keys = [Key(record["kid"], bytes.fromhex(record["secret"]), record["created_at"]) for record in records]
    except (ValueError, KeyError, TypeError):
        keys = []
    if not keys or any(len(key.secret) < KEY_BYTES for key in keys):
        raise ConfigError("The file of token keys holds no usable key; delete it to have a new one made.")
    return keys


def _create(path: Path, keys: list[Key]) -> None:
    """As `_replace`, but a file that another process has made meanwhile stays."""
    aside = _write_aside(path, keys)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _replace(path: Path, keys: list[Key]) -> None:
    _write_aside(path, keys).replace(path)


def _write_aside(path: Path, keys: list[Key]) -> Path:
    records = [{"kid": key.kid, "secret": key.secret.hex(), "created_at": key.created_at} for key in keys]
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump({"keys": records}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return aside
