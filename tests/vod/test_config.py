from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from vod import config
from vod.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_file_and_environment_the_defaults_hold() -> None:
    assert config.load(None, {}) == config.Config()


def test_a_key_of_the_file_overrides_its_default_alone(tmp_path: Path) -> None:
    loaded = config.load(write(tmp_path, "[hls]\nsegment_seconds = 4\n"), {})
    assert loaded.hls == config.HlsSection(segment_seconds=4)
    assert loaded.server == config.ServerSection()


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\nport = 9000\n")
    assert config.load(path, {"HOMEREEL_SERVER_PORT": "9001"}).server.port == 9001


def test_a_list_in_the_environment_is_split_at_commas() -> None:
    loaded = config.load(None, {"HOMEREEL_SERVER_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,"})
    assert loaded.server.trusted_proxies == ("127.0.0.1", "10.0.0.0/8")


def test_a_secret_is_read_from_the_file_that_the_environment_names(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:p@host/db\n", encoding="utf-8")
    assert config.load(None, {"HOMEREEL_DATABASE_URL_FILE": str(secret)}).database_url == "postgresql://u:p@host/db"


def test_a_plain_variable_wins_over_the_named_file(tmp_path: Path) -> None:
    environment = {"HOMEREEL_LOG_LEVEL": "DEBUG", "HOMEREEL_LOG_LEVEL_FILE": str(tmp_path / "absent")}
    assert config.load(None, environment).log.level == "DEBUG"


def test_variables_of_others_are_left_alone() -> None:
    assert config.load(None, {"HOMEREEL_NO_SUCH_KEY": "1", "PATH": "/bin"}) == config.Config()


def test_unset_database_url_is_sqlite_beside_the_media(tmp_path: Path) -> None:
    loaded = config.load(None, {"HOMEREEL_MEDIA_ROOT": str(tmp_path)})
    assert loaded.database_url == f"sqlite:///{tmp_path}/homereel.db"


def test_public_url_loses_its_trailing_slash() -> None:
    assert config.ServerSection(public_url="https://films.example.org/").public_url == "https://films.example.org"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "[server]\nport = 70000", "[server] port = 70000: Input should be less than or equal to 65535", id="range"
        ),
        pytest.param('[server]\nport = "x"', "[server] port = 'x': Input should be a valid integer", id="type"),
        pytest.param("[server]\nprot = 1", "[server] prot = 1: Extra inputs are not permitted", id="unknown key"),
        pytest.param(
            "[sever]\nport = 1", "[sever] = {'port': 1}: Extra inputs are not permitted", id="unknown section"
        ),
        pytest.param("server = 1", "[server] = 1: Input should be a valid dictionary", id="section is no table"),
        pytest.param(
            '[server]\npublic_url = "films"', "must be empty or start with http:// or https://", id="own rule"
        ),
        pytest.param(
            '[server]\ntrusted_proxies = ["proxy.local"]',
            "does not appear to be an IPv4 or IPv6 network",
            id="a network",
        ),
        pytest.param('[queue]\nurl = "redis://host"', "must be empty: jobs are announced", id="a feature to come"),
        pytest.param('[hls]\npreset = "placebo"', "[hls] preset = 'placebo': Input should be 'ultrafast'", id="choice"),
    ],
)
def test_an_error_names_key_value_and_rule(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config.load(write(tmp_path, text), {})
    assert message in raised.value.detail


def test_all_wrong_keys_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        config.load(write(tmp_path, "[server]\nport = -1\n[hls]\ncrf = 99\n"), {})
    assert "[server] port = -1" in raised.value.detail and "[hls] crf = 99" in raised.value.detail


def test_a_wrong_url_is_not_shown_for_it_may_hold_a_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        config.load(write(tmp_path, '[database]\nurl = ["secret"]'), {})
    assert "[database] url = (hidden)" in raised.value.detail and "secret" not in raised.value.detail


@pytest.mark.parametrize("content", [pytest.param(b"[server\n", id="no TOML"), pytest.param(b"\xff", id="no UTF-8")])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.toml: "):
        config.load(path, {})


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: No such file"):
        config.load(tmp_path / "absent.toml", {})


def test_an_absent_secret_file_is_named_by_its_variable() -> None:
    with pytest.raises(ConfigError, match="HOMEREEL_DATABASE_URL_FILE"):
        config.load(None, {"HOMEREEL_DATABASE_URL_FILE": "/nowhere/at/all"})


def test_environment_under_a_section_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[server\] must be a table"):
        config.load(write(tmp_path, "server = 1"), {"HOMEREEL_SERVER_PORT": "1"})


def test_a_loaded_config_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        config.Config().server.port = 1  # type: ignore[misc]
