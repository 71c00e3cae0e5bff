"""The watch over a test run finds what is planted, and lets pass what is right (tests.watching)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.watching import blocking
from tests.watching.child import FOLDER
from tests.watching.leaks import Leak, leaks, seen
from tests.watching.secrets import Registry

ROOT = Path(__file__).parents[1]
ASKED_FOR = "from pathlib import Path\nimport asyncio, hashlib, os, sqlite3, subprocess, threading, time\n"
# A program whose coroutine is ours to the watch, for its file would lie among ours.
OF_OURS = """
async def main():
    {line}
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("secret", "line"),
    [
        pytest.param("s3ssionid-of-somebody", "GET /?s=s3ssionid-of-somebody 200", id="in a line"),
        pytest.param("s3ssionid-of-somebody", "xs3ssionid-of-somebodyx", id="inside a word"),
        pytest.param("12345678", "12345678", id="the shortest, at both ends of a file"),
        pytest.param("correct horse battery", "tried 'correct horse battery'", id="a password of words"),
    ],
)
def test_a_planted_secret_is_found_and_not_repeated(tmp_path: Path, secret: str, line: str) -> None:
    Registry(tmp_path).remember("planted", secret)
    (tmp_path / "log-server.txt").write_text(f"first\n{line}")
    assert leaks(tmp_path) == [Leak("log-server.txt", 2, "planted", line.replace(secret, "***"))]


def test_a_log_without_a_secret_is_clean(tmp_path: Path) -> None:
    Registry(tmp_path).remember("planted", "s3ssionid-of-somebody")
    (tmp_path / "log-server.txt").write_text("s3ssionid-of-somebode\n")
    (tmp_path / "log-worker.txt").write_text("")
    assert leaks(tmp_path) == []


def test_every_kind_of_secret_that_a_program_makes_is_known_and_its_log_is_searched(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
import asyncio, sys, time
from server import setup_code
from server.passwords import Passwords
from vod.catalog import accounts
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.storage import Storage
from vod.tokens import TokenKeys
from pathlib import Path
storage = Storage(Path("media"))
storage.prepare()
keys = TokenKeys.load(storage.secret("token-keys"))
database = Database("sqlite:///rows.db", 1)
database.open()
migrate(database)
password_hash = asyncio.run(Passwords().hash("a long enough password"))
user = database.unit(accounts.add_user, "Uwe", password_hash)
session_id = database.unit(accounts.start_session, user.id, time.time())
print(keys.sign("film", "u1", "h", 2000000000), file=sys.stderr)
print(database.unit(accounts.session_owner, session_id, time.time()).csrf_token, file=sys.stderr)
print(password_hash, session_id, setup_code.ensure(storage), database.unit(accounts.add_key, user.id, "telly"))
print("a long enough password", Path("media/secrets/token-keys").read_text(), file=sys.stderr)
database.close()
""",
    )
    assert (
        set(seen(tmp_path).values())
        == {leak.kind for leak in leaks(tmp_path)}
        == {
            *("stream token", "signature of a stream token", "token key", "session id", "CSRF token", "API key"),
            *("set-up code", "password", "hash of a password"),
        }
    )


@pytest.mark.parametrize(
    ("line", "what"),
    [
        pytest.param("open('/etc/hostname').close()", "open", id="open"),
        pytest.param("os.close(os.open('/etc/hostname', os.O_RDONLY))", "open", id="os.open"),
        pytest.param("Path('/etc/hostname').exists()", "os.stat", id="stat"),
        pytest.param("os.listdir('/')", "os.listdir", id="listing"),
        pytest.param("Path('x').mkdir()", "os.mkdir", id="mkdir"),
        pytest.param("os.fsync(1)", "os.fsync", id="fsync"),
        pytest.param("sqlite3.connect(':memory:')", "sqlite3.connect", id="database"),
        pytest.param("subprocess.run(['true'])", "subprocess.Popen", id="process"),
        pytest.param("time.sleep(0)", "time.sleep", id="sleep"),
        pytest.param("L.acquire(); L.acquire(True, 1.5)", "a lock", id="lock"),
        pytest.param("hashlib.sha256(bytes(200_000_000))", "a long computation", id="hash"),
        pytest.param("libc.usleep(900_000)", "the system call clock_nanosleep", id="behind Python's back"),
    ],
)
def test_a_planted_blocking_call_is_found(tmp_path: Path, line: str, what: str) -> None:
    setting = "import ctypes; libc = ctypes.CDLL(None); L = threading.Lock()\n"
    run(tmp_path, f"{ASKED_FOR}{setting}{OF_OURS.format(line=line)}", as_file="vod/planted.py")
    assert any(found.startswith(f"{what} on the loop's thread, in vod/planted.py:main") for found in found_in(tmp_path))


ROWS = """
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.catalog.models import Job
rows = Database("sqlite:///rows.db", 1)
rows.open()
migrate(rows)
"""


def test_a_database_statement_on_the_loop_is_found(tmp_path: Path) -> None:
    coroutine = OF_OURS.format(line="rows.unit(lambda: list(Job.select()))")
    run(tmp_path, f"{ASKED_FOR}{ROWS}{coroutine}", as_file="server/planted.py")
    assert any(found.startswith("a database statement on the loop's thread") for found in found_in(tmp_path))


def test_a_password_hashed_on_the_loop_is_found(tmp_path: Path) -> None:
    line = "import argon2; argon2.PasswordHasher().hash('x')"
    run(tmp_path, f"{ASKED_FOR}{OF_OURS.format(line=line)}", as_file="server/planted.py")
    assert any(found.startswith("argon2 hash on the loop's thread") for found in found_in(tmp_path))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("await asyncio.to_thread(lambda: open('/etc/hostname').close())", id="in a thread"),
        pytest.param("await asyncio.sleep(0.3)", id="waiting as one should"),
        pytest.param("[hashlib.sha256(b'').digest() for _ in range(1000)]", id="a little work"),
        pytest.param("await asyncio.to_thread(time.sleep, 0.7)", id="waiting for a thread"),
    ],
)
def test_what_does_not_block_is_no_finding(tmp_path: Path, line: str) -> None:
    run(tmp_path, f"{ASKED_FOR}{OF_OURS.format(line=line)}", as_file="vod/planted.py")
    assert found_in(tmp_path) == []


def test_the_tests_own_coroutines_may_block(tmp_path: Path) -> None:
    run(tmp_path, f"{ASKED_FOR}{OF_OURS.format(line='time.sleep(0.1)')}", as_file="tests/planted.py")
    assert found_in(tmp_path) == []


LEAK = """
import logging
from pathlib import Path
from server import setup_code
from vod.storage import Storage
def test_it():
    storage = Storage(Path("media"))
    storage.prepare()
    logging.getLogger("x").debug("the code is %s", setup_code.ensure(storage))
"""
BLOCK = f"""
import asyncio, time
def test_it():
    exec(compile("async def main(): time.sleep(0)", {str(ROOT / "server/planted.py")!r}, "exec"), globals())
    asyncio.run(globals()["main"]())
"""


@pytest.mark.parametrize(
    ("test", "said"),
    [
        pytest.param(LEAK, "a secret is in the log: log-tests.txt:1: set-up code: ", id="a secret"),
        pytest.param(
            BLOCK, "blocked: time.sleep on the loop's thread, in server/planted.py:main", id="a blocking call"
        ),
    ],
)
def test_a_run_whose_tests_all_pass_fails_for_what_was_seen_beside_them(tmp_path: Path, test: str, said: str) -> None:
    (tmp_path / "test_planted.py").write_text(test)
    words = ["-m", "pytest", "-q", "-p", "tests.watching.plugin", "-c", os.devnull, "--rootdir", ".", "."]
    unwatched = {name: value for name, value in os.environ.items() if name != FOLDER} | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=unwatched, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1 and "1 passed" in ended.stdout and said in ended.stdout
    code = tmp_path / "media" / "secrets" / "setup-code"
    assert not code.exists() or code.read_text().strip() not in ended.stdout


def run(folder: Path, source: str, *, as_file: str = "tests/planted.py") -> None:
    """A program that is watched as every program of the tests is, but tells `folder` alone."""
    code = f"exec(compile({source!r}, {str(ROOT / as_file)!r}, 'exec'))"
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=os.environ | {FOLDER: str(folder)}, check=True)


def found_in(folder: Path) -> list[str]:
    return blocking.found_in(folder)
