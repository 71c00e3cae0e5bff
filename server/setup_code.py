"""The one-time code that makes the first visitor an administrator, only if he can read this machine's console.

It lives in a 0600 file until somebody has used it; `homereel setup-code` shows it. All functions block.
"""

from __future__ import annotations

import hmac
import secrets

from vod.storage import Storage, publish

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # no character that a person could read as another
GROUPS, GROUP_LENGTH = 4, 4  # 79 bits
FILE = "setup-code"


def ensure(storage: Storage) -> str:
    """The code in force; a new one where there is none."""
    path = storage.secret(FILE)
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        code = "-".join(_group() for _ in range(GROUPS))
        publish(path, f"{code}\n".encode(), mode=0o600)
        return code


def is_right(storage: Storage, code: str) -> bool:
    """Case, spaces and dashes do not matter: people copy it by hand. Once it is used, nothing is right."""
    try:
        expected = storage.secret(FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return hmac.compare_digest(_bare(code), _bare(expected))


def discard(storage: Storage) -> None:
    storage.secret(FILE).unlink(missing_ok=True)


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH))


def _bare(code: str) -> bytes:
    return "".join(code.split()).replace("-", "").upper().encode()
