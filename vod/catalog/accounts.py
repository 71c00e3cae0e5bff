"""Who may use this Homereel: users, their sessions and their API keys.

Everything here runs inside a unit of work. A session id and an API key are 256 random bits; the database
holds their SHA-256 alone, so that a stolen backup opens nothing. Password hashes come in ready made: hashing
is slow on purpose and has no place inside a transaction.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass, replace

from vod.catalog.models import ApiKey, Session, User
from vod.errors import Conflict, Invalid, NotFound

SESSION_IDLE_SECONDS = 30 * 86_400
SESSION_LIFE_SECONDS = 90 * 86_400
SEEN_EVERY_SECONDS = 300  # how fine `seen_at` is kept: a write each request would only wear the disk
API_KEY_PREFIX = "hr_"  # lets people and secret scanners see what a leaked string is


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: int
    name: str
    is_admin: bool
    created_at: float
    key_id: int | None = None  # where an API key speaks for the user


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOwner:
    account: Account
    csrf_token: str
    seen_long_ago: bool  # time to `touch_session`


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    id: int
    name: str
    user_name: str
    is_admin: bool
    created_at: float


def add_user(name: str, password_hash: str, *, is_admin: bool = False) -> Account:
    """An empty `password_hash` makes an account that only API keys can use. Raises Invalid, Conflict."""
    name = checked_name(name)
    if _by_name(name) is not None:
        raise Conflict("There is already a user of this name.")
    return _account(User.create(name=name, password_hash=password_hash, is_admin=is_admin))


def add_first_admin(name: str, password_hash: str) -> Account:
    """Raises Conflict once somebody else was first, whatever both of them had checked before."""
    if is_set_up():
        raise Conflict("This Homereel is already set up.")
    return add_user(name, password_hash, is_admin=True)


def is_set_up() -> bool:
    """Whether some administrator can sign in; an account for API keys alone does not count."""
    return bool(User.select().where(User.is_admin, User.password_hash != "").exists())


def find(name: str) -> Account | None:
    user = _by_name(name)
    return _account(user) if user else None


def password_hash(name: str) -> tuple[int, str] | None:
    """The user's id and stored hash; None for an unknown user and for one without a password."""
    user = _by_name(name)
    return (user.id, user.password_hash) if user and user.password_hash else None


def users() -> list[Account]:
    return [_account(user) for user in User.select().order_by(User.id)]


def user(user_id: int) -> Account:
    return _account(_by_id(user_id))


def password_hash_of(user_id: int) -> str:
    return str(_by_id(user_id).password_hash)


def set_password(user_id: int, password_hash: str) -> None:
    """Ends every session: whoever knew the old password is out."""
    found = _by_id(user_id)
    found.password_hash = password_hash
    found.save()
    end_sessions(user_id)


def renew_hash(user_id: int, password_hash: str) -> None:
    """The same password under newer parameters; sessions live on."""
    User.update(password_hash=password_hash).where(User.id == user_id).execute()


def set_admin(user_id: int, is_admin: bool) -> None:
    """Ends every session, so that none outlives a change of rights. Raises Conflict for the last administrator."""
    found = _by_id(user_id)
    if found.is_admin and not is_admin:
        _keep_one_admin(found)
    found.is_admin = is_admin
    found.save()
    end_sessions(user_id)


def delete_user(user_id: int) -> None:
    """Sessions, keys and remembered positions go too. Raises Conflict for the last administrator."""
    found = _by_id(user_id)
    _keep_one_admin(found)
    found.delete_instance()


def start_session(user_id: int, now: float) -> str:
    """The new session's id, which is known to nobody else from here on."""
    session_id = secrets.token_urlsafe(32)
    Session.create(
        id_hash=hashed(session_id),
        user=user_id,
        csrf_token=secrets.token_urlsafe(32),
        created_at=now,
        seen_at=now,
    )
    return session_id


def session_owner(session_id: str, now: float) -> SessionOwner | None:
    """None for an unknown session and for one that idled or lived too long. Only reads: it waits for no writer."""
    query = Session.select(Session, User).join(User).where(Session.id_hash == hashed(session_id))
    session = query.first()
    if session is None or _is_over(session, now):
        return None
    return SessionOwner(
        account=_account(session.user),
        csrf_token=session.csrf_token,
        seen_long_ago=now - session.seen_at > SEEN_EVERY_SECONDS,
    )


def touch_session(session_id: str, now: float) -> None:
    Session.update(seen_at=now).where(Session.id_hash == hashed(session_id)).execute()


def delete_old_sessions(now: float) -> None:
    idle, old = now - SESSION_IDLE_SECONDS, now - SESSION_LIFE_SECONDS
    Session.delete().where((Session.seen_at < idle) | (Session.created_at < old)).execute()


def end_session(session_id: str) -> None:
    Session.delete().where(Session.id_hash == hashed(session_id)).execute()


def end_sessions(user_id: int) -> None:
    Session.delete().where(Session.user == user_id).execute()


def add_key(user_id: int, name: str, *, is_admin: bool = False) -> tuple[KeyRecord, str]:
    """The key itself is shown this once. Raises Invalid where it would get more rights than its user has."""
    user = _by_id(user_id)
    if is_admin and not user.is_admin:
        raise Invalid("A key cannot have more rights than its user.")
    key = API_KEY_PREFIX + secrets.token_urlsafe(32)
    record = ApiKey.create(name=checked_name(name), key_hash=hashed(key), user=user, is_admin=is_admin)
    return _key(record), key


def add_named_key(name: str, *, is_admin: bool = False) -> str:
    """A key for the user of this name; where there is none, for an account made for it that cannot sign in."""
    owner = find(name) or add_user(name, "", is_admin=is_admin)
    return add_key(owner.id, name, is_admin=is_admin)[1]


def key_owner(key: str) -> Account | None:
    """The key's user with the key's rights, which are never more than the user's own today."""
    query = ApiKey.select(ApiKey, User).join(User).where(ApiKey.key_hash == hashed(key), ApiKey.revoked_at.is_null())
    found = query.first()
    if found is None:
        return None
    owner = _account(found.user)
    return replace(owner, is_admin=owner.is_admin and found.is_admin, key_id=found.id)


def keys(user_id: int | None = None) -> list[KeyRecord]:
    """Living keys of one user, or of everybody."""
    query = ApiKey.select(ApiKey, User).join(User).where(ApiKey.revoked_at.is_null()).order_by(ApiKey.id)
    if user_id is not None:
        query = query.where(ApiKey.user == user_id)
    return [_key(record) for record in query]


def revoke_key(key_id: int, now: float, *, user_id: int | None = None) -> None:
    """Raises NotFound for a key of another user where `user_id` is given."""
    query = ApiKey.update(revoked_at=now).where(ApiKey.id == key_id, ApiKey.revoked_at.is_null())
    if user_id is not None:
        query = query.where(ApiKey.user == user_id)
    if query.execute() == 0:
        raise NotFound("There is no such key.")


def hashed(secret: str) -> str:
    """Plain SHA-256 is enough for 256 random bits: there is nothing to guess."""
    # A header's bytes that are no UTF-8 come as lone surrogates: they are a wrong secret, not an error.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def checked_name(name: str) -> str:
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= 64:
        raise Invalid("A name has 1 to 64 characters.")
    if any(unicodedata.category(character)[0] == "C" for character in name):
        raise Invalid("A name has no control characters.")
    return name


def _is_over(session: Session, now: float) -> bool:
    return now - session.seen_at > SESSION_IDLE_SECONDS or now - session.created_at > SESSION_LIFE_SECONDS


def folded(name: str) -> str:
    """Two spellings of one name are equal here: phones write "Anna" where she signed up as "anna"."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def _by_name(name: str) -> User | None:
    # Compared here, for SQLite's LOWER knows the letters of ASCII alone; a household's names are few.
    wanted = folded(name)
    return next((user for user in User.select() if folded(user.name) == wanted), None)


def _by_id(user_id: int) -> User:
    found = User.get_or_none(User.id == user_id)
    if found is None:
        raise NotFound("There is no such user.")
    return found


def _keep_one_admin(leaving: User) -> None:
    others = User.select().where(User.is_admin, User.password_hash != "", User.id != leaving.id)
    if leaving.is_admin and leaving.password_hash and not others.exists():
        raise Conflict("This is the last administrator.")


def _key(record: ApiKey) -> KeyRecord:
    return KeyRecord(
        id=record.id,
        name=record.name,
        user_name=record.user.name,
        is_admin=record.is_admin,
        created_at=record.created_at,
    )


def _account(record: User) -> Account:
    return Account(id=record.id, name=record.name, is_admin=record.is_admin, created_at=record.created_at)
