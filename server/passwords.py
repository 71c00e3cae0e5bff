"""Password hashing: argon2id at OWASP's second profile, off the loop and at most two at a time."""

from __future__ import annotations

import asyncio
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vod.errors import Invalid

MEMORY_KIB = 19_456
SHORTEST = 10
LONGEST_BYTES = 1024  # hashing a novel would be a way to keep us busy
AT_ONCE = 2  # 19 MiB each: a thousand reconnecting clients must not take 19 GB


class Passwords:
    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """Raises Invalid for a password that is too short or too long."""
        check_rules(password)
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """`None` for an unknown user takes as long as a wrong password, so that the time tells no names."""
        if len(password.encode()) > LONGEST_BYTES:
            return False
        async with self._slots:
            return await asyncio.to_thread(self._verify, stored, password)

    def outdated(self, stored: str) -> bool:
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            self._hasher.verify(stored or self._nobodys_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    @cached_property
    def _nobodys_hash(self) -> str:
        return self._hasher.hash("nobody has this password")


def check_rules(password: str) -> None:
    if len(password) < SHORTEST:
        raise Invalid(f"A password has at least {SHORTEST} characters.")
    if len(password.encode()) > LONGEST_BYTES:
        raise Invalid(f"A password has at most {LONGEST_BYTES} bytes.")
