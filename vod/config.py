"""Configuration: TOML file, then environment, then checked as a whole.

Key `[section] key` is also `HOMEREEL_SECTION_KEY`; `HOMEREEL_SECTION_KEY_FILE` names a file that holds
the value (for secrets). The result is frozen and handed on as values; nobody imports it as a global.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vod.errors import ConfigError

ENVIRONMENT_PREFIX = "HOMEREEL_"

GIB = 1 << 30


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSection(Section):
    host: str = "0.0.0.0"
    port: int = Field(8470, ge=0, le=65535)
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    shutdown_seconds: int = Field(20, ge=1, le=300)
    fast_lane: bool = False

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must be empty or start with http:// or https://")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in value:
            ip_network(proxy, strict=False)  # its own ValueError says what is wrong
        return value


class MediaSection(Section):
    root: Path = Path("media")
    reserve_bytes: int = Field(5 * GIB, ge=0)


class DatabaseSection(Section):
    url: str = ""
    threads: int = Field(4, ge=1, le=64)


class QueueSection(Section):
    url: str = ""
    poll_seconds: float = Field(1.0, ge=0.05, le=60)
    lease_seconds: float = Field(60, ge=2, le=3600)
    sweep_seconds: float = Field(15, ge=1, le=600)
    max_attempts: int = Field(3, ge=1, le=20)

    @field_validator("url")
    @classmethod
    def _in_the_database(cls, value: str) -> str:
        if value:
            raise ValueError("must be empty: jobs are announced through the database and the media folder")
        return value


class UploadSection(Section):
    max_bytes: int = Field(200 * GIB, ge=1)
    idle_seconds: float = Field(30, ge=1, le=3600)


Preset = Literal["ultrafast", "superfast", "superfast-lookahead", "veryfast", "faster", "fast", "medium"]


class HlsSection(Section):
    segment_seconds: float = Field(6.0, ge=2, le=10)
    span_seconds: float = Field(60.0, ge=6, le=3600)
    audio_span_seconds: float = Field(600.0, ge=6, le=7200)
    open_spans: int = Field(4, ge=1, le=64)
    preset: Preset = "veryfast"
    encoder: Literal["software", "auto", "nvenc", "qsv", "vaapi"] = "software"
    crf: int = Field(23, ge=10, le=40)
    max_lines: int = Field(1080, ge=144, le=1080)
    copy_originals: bool = True
    mpegts: bool = False
    policy: Literal["eager", "on-demand"] = "eager"
    cache_bytes: int = Field(0, ge=0)
    token_seconds: int = Field(24 * 3600, ge=300, le=7 * 24 * 3600)


class FfmpegSection(Section):
    ffmpeg: str = "ffmpeg"
    ffprobe: str = "ffprobe"
    threads: int = Field(0, ge=0, le=64)
    device: str = "/dev/dri/renderD128"
    nice: int = Field(19, ge=0, le=19)
    sandbox: Literal["required", "preferred", "off"] = "required"
    max_pixels: int = Field(35_389_440, ge=65_536)
    stall_seconds: float = Field(120, ge=5, le=3600)


class WorkerSection(Section):
    embedded: int = Field(2, ge=0, le=64)
    drain_seconds: float = Field(20, ge=1, le=300)


class LogSection(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"


class Config(Section):
    server: ServerSection = ServerSection()
    media: MediaSection = MediaSection()
    database: DatabaseSection = DatabaseSection()
    queue: QueueSection = QueueSection()
    upload: UploadSection = UploadSection()
    hls: HlsSection = HlsSection()
    ffmpeg: FfmpegSection = FfmpegSection()
    worker: WorkerSection = WorkerSection()
    log: LogSection = LogSection()

    @property
    def database_url(self) -> str:
        """The configured URL, or the embedded database beside the media."""
        return self.database.url or f"sqlite:///{self.media.root.resolve() / 'homereel.db'}"


def load(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """Raises ConfigError that names every wrong key, its value and its rule."""
    values = _from_file(path) if path is not None else {}
    _overlay_environment(values, environment)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None


def _overlay_environment(values: dict[str, Any], environment: Mapping[str, str]) -> None:
    for section, model in _sections():
        for key, field in model.model_fields.items():
            text = _environment_value(environment, f"{ENVIRONMENT_PREFIX}{section}_{key}".upper())
            if text is None:
                continue
            table = values.setdefault(section, {})
            if not isinstance(table, dict):
                raise ConfigError(f"[{section}] must be a table")
            is_list = getattr(field.annotation, "__origin__", None) is tuple
            table[key] = [part.strip() for part in text.split(",") if part.strip()] if is_list else text


def _environment_value(environment: Mapping[str, str], name: str) -> str | None:
    if name in environment:
        return environment[name]
    if (file_name := environment.get(f"{name}_FILE")) is None:
        return None
    try:
        return Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{name}_FILE: the file {file_name!r} cannot be read") from None


def _sections() -> list[tuple[str, type[Section]]]:
    return [
        (name, field.annotation)
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    ]


def _explain(error: ValidationError) -> str:
    return "; ".join(_explain_one(problem["loc"], problem["input"], problem["msg"]) for problem in error.errors())


def _explain_one(location: tuple[int | str, ...], value: object, rule: str) -> str:
    section, *key = [str(part) for part in location]
    name = f"[{section}] {'.'.join(key)}" if key else f"[{section}]"
    shown = "(hidden)" if key and key[0] in {"url"} else repr(value)
    return f"{name} = {shown}: {rule}"
