"""How often somebody may guess; the counts are rows, so that a restart forgives nothing (security.md 3.2).

An attempt is counted before it is judged and taken back when it was right. Counting afterwards would let a
thousand guesses sent at once all pass the check before the first failure is written.
"""

from __future__ import annotations

import hashlib
import math

from vod.catalog.accounts import folded
from vod.catalog.models import SignInFailure
from vod.errors import Throttled

FREE_FAILURES = 5  # typing errors of a person
LONGEST_DELAY_SECONDS = 60  # delayed, never locked out: a stranger must not shut the owner out
FORGET_SECONDS = 3600
ADDRESS_ATTEMPTS = 30
ADDRESS_WINDOW_SECONDS = 60


def count_attempt(account: str, address: str, now: float) -> None:
    """Raises Throttled, and then counts nothing."""
    account_row = _row(_account_subject(account), now)
    address_row = _row(_address_subject(address), now)
    _refuse_before(account_row.not_before, now)
    _refuse_address(address_row, now)
    _count_for_account(account_row, now)
    _count_for_address(address_row, now)


def forgive(account: str, address: str) -> None:
    """The attempt was right: the account starts anew, the address gets its attempt back."""
    SignInFailure.delete().where(SignInFailure.subject == _account_subject(account)).execute()
    SignInFailure.update(failures=SignInFailure.failures - 1).where(
        SignInFailure.subject == _address_subject(address), SignInFailure.failures > 0
    ).execute()


def forget_old(now: float) -> None:
    SignInFailure.delete().where(SignInFailure.updated_at < now - FORGET_SECONDS).execute()


def _count_for_account(row: SignInFailure, now: float) -> None:
    row.failures += 1
    beyond = row.failures - FREE_FAILURES
    row.not_before = now + min(LONGEST_DELAY_SECONDS, 2 ** min(beyond, 10)) if beyond >= 0 else now
    row.updated_at = now
    row.save()


def _count_for_address(row: SignInFailure, now: float) -> None:
    """For an address `not_before` is the end of the window in which `failures` are counted."""
    if now >= row.not_before:
        row.failures, row.not_before = 0, now + ADDRESS_WINDOW_SECONDS
    row.failures += 1
    row.updated_at = now
    row.save()


def _refuse_address(row: SignInFailure, now: float) -> None:
    if row.failures >= ADDRESS_ATTEMPTS:
        _refuse_before(row.not_before, now)


def _refuse_before(not_before: float, now: float) -> None:
    if now < not_before:
        wait = math.ceil(not_before - now)
        raise Throttled(f"Too many attempts. Try again in {wait} s.", wait)


def _row(subject: str, now: float) -> SignInFailure:
    row: SignInFailure | None = SignInFailure.get_or_none(SignInFailure.subject == subject)
    if row is None:
        row = SignInFailure.create(subject=subject, updated_at=now)
    if row.updated_at < now - FORGET_SECONDS:
        row.failures = 0
    return row


def _account_subject(account: str) -> str:
    return hashlib.sha256(f"account:{folded(account)}".encode()).hexdigest()


def _address_subject(address: str) -> str:
    return hashlib.sha256(f"address:{address}".encode()).hexdigest()
