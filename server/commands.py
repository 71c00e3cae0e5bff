"""The command line. Each command gets the checked configuration, and its return value is the exit status."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from server import doctor, serving, setup_code
from server.passwords import Passwords
from vod import config as configuration
from vod.catalog import accounts
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.config import Config
from vod.errors import ConfigError, HomereelError, Invalid
from vod.storage import Storage

DEFAULT_CONFIG = Path("config.toml")

Arguments = argparse.Namespace
Command = Callable[[Config, Arguments], int]


def run(words: Sequence[str]) -> int:
    arguments = _parser().parse_args(words)
    path = _config_path(arguments.config)
    command: Command = arguments.command
    try:
        return command(configuration.load(path), arguments)
    except ConfigError as error:
        _complain(f"The configuration is wrong: {error.detail}")
        return 2
    except HomereelError as error:
        _complain(error.detail)
        return 1
    except KeyboardInterrupt:
        return 130


def serve(config: Config, arguments: Arguments) -> int:
    return serving.serve(config, _config_path(arguments.config))


def worker(_config: Config, arguments: Arguments) -> int:
    """Become the worker program: server and worker share no process and import nothing of each other."""
    path = _config_path(arguments.config)
    options = ["--config", str(path)] if path else []
    os.execv(sys.executable, [sys.executable, "-m", "worker", *options])  # noqa: S606 — no shell is wanted


def add_user(config: Config, arguments: Arguments) -> int:
    password_hash = asyncio.run(Passwords().hash(_new_password()))
    with _database(config) as database:
        account = database.unit(accounts.add_user, arguments.name, password_hash, is_admin=arguments.admin)
    _say(f"User {account.name} can sign in now.")
    return 0


def add_key(config: Config, arguments: Arguments) -> int:
    with _database(config) as database:
        key = database.unit(accounts.add_named_key, arguments.name, is_admin=arguments.admin)
    _say(key)
    return 0


def show_setup_code(config: Config, _arguments: Arguments) -> int:
    with _database(config) as database:
        if database.unit(accounts.is_set_up):
            _complain("This Homereel is already set up.")
            return 1
    _say(setup_code.ensure(Storage(config.media.root)))
    return 0


def check_config(config: Config, arguments: Arguments) -> int:
    Database(config.database_url, threads=1)  # it alone knows which URLs there are
    path = _config_path(arguments.config)
    _say(f"{path or 'The environment and the defaults'}: ok")
    return 0


def examine(config: Config, arguments: Arguments) -> int:
    with _database(config) as database:
        patients = doctor.find_patients(database, arguments.media_ids)
    findings = []
    for finding in doctor.examine_all(config, patients):
        findings.append(finding)
        if not arguments.json:
            _say("\n".join(doctor.as_lines(finding)))
    if arguments.json:
        _say(doctor.as_json(findings))
    return 0 if all(finding.is_well for finding in findings) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="homereel", description="A self-hosted media server.")
    # Accepted before and after the command's name.
    parser.add_argument("--config", type=Path, default=None, metavar="FILE", help="default: ./config.toml if it exists")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        group: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command, explanation: str
    ) -> argparse.ArgumentParser:
        added = group.add_parser(name, help=explanation, description=explanation, parents=[shared])
        added.set_defaults(command=command)
        return added

    add(commands, "serve", serve, "Run the server and its embedded workers.")
    add(commands, "worker", worker, "Run one more worker.")
    add(commands, "setup-code", show_setup_code, "Show the one-time code that makes the first administrator.")
    add(commands, "check-config", check_config, "Check the configuration and say what is wrong with it.")
    _doctor_options(add(commands, "doctor", examine, "Hold READY films, or those named, against the rules of players."))
    users = commands.add_parser("user", help="Manage users.").add_subparsers(required=True, metavar="ACTION")
    keys = commands.add_parser("key", help="Manage API keys.").add_subparsers(required=True, metavar="ACTION")
    _name_options(add(users, "add", add_user, "Add a user; the password is asked for, or read from standard input."))
    _name_options(add(keys, "add", add_key, "Add an API key and print it, this once."))
    return parser


def _name_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--admin", action="store_true", help="with an administrator's rights")


def _doctor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("media_ids", type=UUID, nargs="*", metavar="MEDIA_ID")
    parser.add_argument("--json", action="store_true", help="for scripts")


def _config_path(given: Path | None) -> Path | None:
    if given is not None:
        return given
    return DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None


@contextmanager
def _database(config: Config) -> Iterator[Database]:
    Storage(config.media.root).prepare()
    database = Database(config.database_url, threads=1)
    try:
        database.open()
        migrate(database)
        yield database
    finally:
        database.close()


def _new_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise Invalid("The two passwords differ.")
    return password


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _complain(line: str) -> None:
    sys.stderr.write(f"homereel: {line}\n")
