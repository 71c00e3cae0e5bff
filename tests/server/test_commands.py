"""The command line, as a person or a script types it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from server import commands
from tests.vod.hls.patients import FILM, Film, copied_film
from vod import config as configuration
from vod.catalog import media_files
from vod.catalog.database import Database
from vod.catalog.migrations import migrate
from vod.catalog.naming import MovieTitling

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HOMEREEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOMEREEL_MEDIA_ROOT", str(tmp_path / "media"))
    monkeypatch.chdir(tmp_path)


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_key_is_printed_alone(capsys: Capture) -> None:
    assert commands.run(["key", "add", "ci", "--admin"]) == 0
    assert capsys.readouterr().out.startswith("hr_")


def test_a_user_s_password_is_read_from_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "correct horse battery\n")
    assert commands.run(["user", "add", "Ada", "--admin"]) == 0
    assert "correct horse" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(["user", "add", "Ada"], "There is already a user of this name.", id="a name twice"),
        pytest.param(["key", "add", "Ada", "--admin"], "more rights", id="a key above its user"),
    ],
)
def test_a_refusal_is_one_line(
    words: list[str], complaint: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "correct horse battery\n")
    assert commands.run(["user", "add", "Ada"]) == 0
    typed(monkeypatch, "correct horse battery\n")
    assert commands.run(words) == 1
    refusal = capsys.readouterr().err
    assert complaint in refusal and refusal.count("\n") == 1


def test_the_set_up_code_is_shown_until_somebody_is_administrator(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert commands.run(["setup-code"]) == 0
    first = capsys.readouterr().out
    assert commands.run(["setup-code"]) == 0
    assert capsys.readouterr().out == first
    typed(monkeypatch, "correct horse battery\n")
    commands.run(["user", "add", "Ada", "--admin"])
    capsys.readouterr()
    assert commands.run(["setup-code"]) == 1
    assert capsys.readouterr().out == ""


def test_a_wrong_configuration_is_named_key_value_and_rule(tmp_path: Path, capsys: Capture) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[server]\nport = 70000\n")
    assert commands.run(["check-config", "--config", str(wrong)]) == 2
    complaint = capsys.readouterr().err
    assert "[server] port" in complaint and "70000" in complaint and "65535" in complaint


@pytest.mark.parametrize(
    "words", [["--config", "here.toml", "check-config"], ["check-config", "--config", "here.toml"]]
)
def test_the_file_may_be_named_before_or_after_the_command(words: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "here.toml").write_text("[server]\nport = 1\n")
    assert commands.run(words) == 0
    assert "here.toml: ok" in capsys.readouterr().out


def test_a_file_in_the_working_folder_is_found(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "config.toml").write_text("[server]\nport = 1\n")
    assert commands.run(["check-config"]) == 0
    assert "config.toml: ok" in capsys.readouterr().out


def test_the_worker_command_becomes_the_worker_program(tmp_path: Path) -> None:
    """It reaches the worker's own complaint about what it was given."""
    (tmp_path / "config.toml").write_text("[worker]\nembedded = 65\n")
    ended = subprocess.run(
        [sys.executable, "-m", "server", "worker"], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 2 and "[worker] embedded" in ended.stderr


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """READY, under a title that would clear the screen of a terminal."""
    made = copied_film(tmp_path / "media", "-g", "50")
    made.storage.plan(FILM, made.plan.digest).write_text(made.plan.to_json())
    database = Database(configuration.load(None).database_url, threads=1)
    database.open()
    migrate(database)
    database.unit(
        media_files.add,
        media_id=FILM,
        name="film.mp4",
        extension="mp4",
        size=1,
        mime_type="video/mp4",
        titling=MovieTitling(title="A film\x1b[2J"),
    )
    database.unit(
        media_files.mark_processing,
        FILM,
        probe={},
        duration=20.0,
        width=320,
        height=180,
        digest=made.plan.digest,
    )
    database.unit(media_files.mark_ready, FILM)
    database.close()
    return made


def test_the_doctor_finds_nothing_wrong_with_a_film_that_is_right(film: Film, capsys: Capture) -> None:
    assert commands.run(["doctor"]) == 0
    told = capsys.readouterr().out
    assert f"A film [2J ({FILM})" in told and "27 rules hold, 0 are broken" in told and "\x1b" not in told


def test_the_doctor_says_which_rule_is_broken_for_whom(film: Film, capsys: Capture) -> None:
    (film.below / "original" / "segments.idx").unlink()
    assert commands.run(["doctor", str(FILM)]) == 1
    told = capsys.readouterr().out
    assert "rule 24, hls.js and VLC: everything listed is there and whole" in told
    assert "original/00000.m4s: it is missing" in told and "VLC may fail: rule 24" in told


def test_a_script_reads_the_doctor_s_findings_as_json(film: Film, capsys: Capture) -> None:
    film.storage.master(FILM).unlink()
    assert commands.run(["doctor", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["films"]
    assert told["id"] == str(FILM) and told["players"] == {"hls.js": [24], "VLC": [24]}
    assert [(one["rule"], one["faults"]) for one in told["broken"]] == [
        (24, [{"where": "master.m3u8", "what": "it is missing"}])
    ]


def test_the_doctor_knows_no_film_that_is_not_there(capsys: Capture) -> None:
    assert commands.run(["doctor", str(uuid4())]) == 1
    assert capsys.readouterr().err == "homereel: There is no such film.\n"


def test_the_doctor_has_nothing_to_do_in_an_empty_house(capsys: Capture) -> None:
    assert commands.run(["doctor"]) == 0
    assert capsys.readouterr().out == ""
