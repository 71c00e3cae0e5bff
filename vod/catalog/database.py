"""The only module that knows which engine holds the rows: SQLite by default, PostgreSQL by URL.

Work on rows is synchronous and happens in *units*: one connection from the pool, one transaction, a thread
of this module's own pool. peewee's asyncio bridge pins a connection to a task and so to every open event
stream; threads do not. A unit goes on and commits even when the task that awaits it is cancelled.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from peewee import SQL, InterfaceError, OperationalError
from playhouse.pool import PooledPostgresqlDatabase, PooledSqliteDatabase

from vod.catalog import models
from vod.errors import ConfigError

P = ParamSpec("P")
T = TypeVar("T")

# What a unit raises while the engine is away or busy beyond patience; worth trying again later.
OUTAGE = (OperationalError, InterfaceError)

SQLITE_PREFIX, POSTGRESQL_PREFIX = "sqlite:///", "postgresql://"
BUSY_SECONDS = 10
CONNECTIONS_BESIDE_THREADS = 2  # the caller's own thread: start, command line, tests
STALE_SECONDS = 300
MIGRATION_LOCK = 0x686F6D65  # "home": the advisory lock's number, shared by every Homereel of one database


class Database:
    def __init__(self, url: str, threads: int) -> None:
        """Raises ConfigError for a URL of no engine that we know."""
        if not url.startswith((SQLITE_PREFIX, POSTGRESQL_PREFIX)):
            raise ConfigError(f"[database] url must be empty or start with {SQLITE_PREFIX} or {POSTGRESQL_PREFIX}")
        self._url = url
        self._connections = threads + CONNECTIONS_BESIDE_THREADS
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="database")
        self._engine: Any = None

    def open(self) -> None:
        """Bind the records to this database. Tables are made by `vod.catalog.migrations.migrate`."""
        # At DEBUG peewee logs every parameter: session hashes, key hashes, titles.
        logging.getLogger("peewee").setLevel(logging.INFO)
        self._engine = self._sqlite() if self._is_sqlite else self._postgresql()
        models.proxy.initialize(self._engine)
        if self._is_sqlite:
            # The very first switch to WAL fails at once where two processes try it together.
            with self._file_lock():
                pass

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`unit` in the database's own threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(self.unit, work, *args, **kwargs))

    async def read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like `run` for work that only reads: it never waits for a writer."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(self._read, work, *args, **kwargs))

    def unit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """One transaction: `work` as a whole or not at all."""
        with self._engine.connection_context(), self._engine.atomic():
            return work(*args, **kwargs)

    def _read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        # A deferred transaction is a snapshot; only its upgrade to a write could fail, and there is none.
        snapshot = ("DEFERRED",) if self._is_sqlite else ()
        with self._engine.connection_context(), self._engine.atomic(*snapshot):
            return work(*args, **kwargs)

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        if self._engine is not None:
            self._engine.close_all()

    @property
    def _is_sqlite(self) -> bool:
        return self._url.startswith(SQLITE_PREFIX)

    @property
    def _file(self) -> Path:
        return Path(self._url.removeprefix(SQLITE_PREFIX))

    def _sqlite(self) -> Any:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # The journal files inherit this mode; the rows hold password hashes.
        os.close(os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return PooledSqliteDatabase(
            str(self._file),
            max_connections=self._connections,
            timeout=BUSY_SECONDS,  # to wait for a pooled connection
            check_same_thread=False,  # the pool hands a connection to one thread at a time
            # A deferred transaction that reads and then writes fails at once when another process wrote
            # between: the busy timeout is not asked (689 of 1,200 failed; IMMEDIATE: none).
            lock_type="IMMEDIATE",
            pragmas={
                "journal_mode": "wal",
                "synchronous": "full",
                "foreign_keys": 1,
                "busy_timeout": BUSY_SECONDS * 1000,
                "cache_size": -32_000,
                "journal_size_limit": 64 << 20,
            },
        )

    def _postgresql(self) -> Any:
        if find_spec("psycopg2") is None:
            raise ConfigError("[database] url is PostgreSQL's, and its driver psycopg2 is not installed")
        return PooledPostgresqlDatabase(
            self._url, max_connections=self._connections, stale_timeout=STALE_SECONDS, timeout=BUSY_SECONDS
        )

    @contextmanager
    def migrating(self) -> Iterator[Any]:
        """A connection outside any transaction, under a lock that ends with this process whatever happens."""
        with self._file_lock() if self._is_sqlite else self._advisory_lock():
            yield self._engine

    @contextmanager
    def _file_lock(self) -> Iterator[None]:
        beside = self._file.with_name(f"{self._file.name}.lock")
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with self._engine.connection_context():
                yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _advisory_lock(self) -> Iterator[None]:
        with self._engine.connection_context():
            self._engine.execute_sql("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
            try:
                yield
            finally:
                self._engine.execute_sql("SELECT pg_advisory_unlock(%s)", (MIGRATION_LOCK,))


def now() -> SQL:
    """The database's clock in UTC seconds, so that hosts whose clocks differ agree."""
    if _bound_to_sqlite():
        return SQL("((julianday('now') - 2440587.5) * 86400.0)")
    return SQL("EXTRACT(EPOCH FROM clock_timestamp())::double precision")


def skipping_locked(query: Any) -> Any:
    """Leave out rows that another transaction is taking; SQLite has one writer and needs no words for it."""
    return query if _bound_to_sqlite() else query.for_update("FOR UPDATE SKIP LOCKED")


def _bound_to_sqlite() -> bool:
    return isinstance(models.proxy.obj, PooledSqliteDatabase)
