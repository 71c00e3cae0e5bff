from __future__ import annotations

import pytest

from vod.catalog import accounts
from vod.catalog.database import Database
from vod.catalog.models import ApiKey, Session
from vod.errors import Conflict, Invalid, NotFound

NOW = 1_000_000.0


@pytest.fixture
def ada(database: Database) -> accounts.Account:
    return database.unit(accounts.add_first_admin, "Ada", "a hash")


def test_only_one_can_be_first(database: Database, ada: accounts.Account) -> None:
    with pytest.raises(Conflict):
        database.unit(accounts.add_first_admin, "Eve", "a hash")


def test_an_account_for_keys_alone_leaves_the_set_up_open(database: Database) -> None:
    database.unit(accounts.add_named_key, "ci", is_admin=True)
    assert not database.unit(accounts.is_set_up)


@pytest.mark.parametrize("name", ["ada", "ADA", " Ada "])
def test_a_name_is_the_same_however_it_is_written(database: Database, ada: accounts.Account, name: str) -> None:
    with pytest.raises(Conflict):
        database.unit(accounts.add_user, name, "a hash")
    assert database.unit(accounts.find, name) == ada


@pytest.mark.parametrize("name", ["Änne", "änne", "ÄNNE", "A\u0308nne"])
def test_a_name_beyond_ascii_is_the_same_however_it_is_written(database: Database, name: str) -> None:
    account = database.unit(accounts.add_user, "Änne", "a hash")
    assert database.unit(accounts.find, name) == account
    with pytest.raises(Conflict):
        database.unit(accounts.add_user, name, "a hash")


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\nb", "a\u202eb", "a\x00b"])
def test_a_name_that_nobody_could_read_is_refused(database: Database, name: str) -> None:
    with pytest.raises(Invalid):
        database.unit(accounts.add_user, name, "a hash")


def test_the_last_administrator_cannot_go(database: Database, ada: accounts.Account) -> None:
    database.unit(accounts.add_named_key, "ci", is_admin=True)  # cannot sign in: no replacement
    with pytest.raises(Conflict):
        database.unit(accounts.delete_user, ada.id)
    with pytest.raises(Conflict):
        database.unit(accounts.set_admin, ada.id, False)


def test_whoever_goes_takes_sessions_and_keys_along(database: Database, ada: accounts.Account) -> None:
    uwe = database.unit(accounts.add_user, "Uwe", "a hash")
    database.unit(accounts.start_session, uwe.id, NOW)
    database.unit(accounts.add_key, uwe.id, "telly")
    database.unit(accounts.delete_user, uwe.id)
    assert database.unit(lambda: (Session.select().count(), ApiKey.select().count())) == (0, 0)


@pytest.mark.parametrize("change", [("set_password", "another hash"), ("set_admin", True)])
def test_a_change_of_password_or_rights_ends_every_session(
    database: Database, ada: accounts.Account, change: tuple[str, object]
) -> None:
    uwe = database.unit(accounts.add_user, "Uwe", "a hash")
    session_id = database.unit(accounts.start_session, uwe.id, NOW)
    database.unit(getattr(accounts, change[0]), uwe.id, change[1])
    assert database.unit(accounts.session_owner, session_id, NOW) is None


def test_newer_hash_parameters_end_no_session(database: Database, ada: accounts.Account) -> None:
    session_id = database.unit(accounts.start_session, ada.id, NOW)
    database.unit(accounts.renew_hash, ada.id, "a newer hash")
    assert database.unit(accounts.session_owner, session_id, NOW) is not None
    assert database.unit(accounts.password_hash, "Ada") == (ada.id, "a newer hash")


def test_old_sessions_are_swept(database: Database, ada: accounts.Account) -> None:
    database.unit(accounts.start_session, ada.id, NOW)
    fresh = database.unit(accounts.start_session, ada.id, NOW + accounts.SESSION_IDLE_SECONDS)
    database.unit(accounts.delete_old_sessions, NOW + accounts.SESSION_IDLE_SECONDS + 1)
    kept = database.unit(lambda: [session.id_hash for session in Session.select()])
    assert kept == [accounts.hashed(fresh)]


def test_a_key_named_like_a_user_is_his(database: Database, ada: accounts.Account) -> None:
    key = database.unit(accounts.add_named_key, "ada")
    owner = database.unit(accounts.key_owner, key)
    assert owner is not None and (owner.id, owner.is_admin) == (ada.id, False)


def test_a_key_cannot_have_more_rights_than_its_user(database: Database, ada: accounts.Account) -> None:
    uwe = database.unit(accounts.add_user, "Uwe", "a hash")
    with pytest.raises(Invalid):
        database.unit(accounts.add_key, uwe.id, "more", is_admin=True)


def test_a_key_is_revoked_once(database: Database, ada: accounts.Account) -> None:
    record, key = database.unit(accounts.add_key, ada.id, "telly")
    database.unit(accounts.revoke_key, record.id, NOW)
    assert database.unit(accounts.key_owner, key) is None
    with pytest.raises(NotFound):
        database.unit(accounts.revoke_key, record.id, NOW)
