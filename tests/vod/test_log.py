"""What is masked, and what a line looks like."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys

import pytest

from vod import log
from vod.log import JsonFormatter, TextFormatter, masked

TOKEN = "abcd.1795248000.u1.h.amFX7DCxaAL9r17yCEpYcA"
FILM = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("said", "written_down"),
    [
        pytest.param(f"/stream/hls/{FILM}/{TOKEN}/master.m3u8", f"/stream/hls/{FILM}/***/master.m3u8", id="segment"),
        pytest.param(f"/stream/original/{FILM}/{TOKEN}/a.mkv", f"/stream/original/{FILM}/***/a.mkv", id="original"),
        pytest.param(f"/play/{FILM}/{TOKEN}.m3u", f"/play/{FILM}/***.m3u", id="play list"),
        pytest.param(
            f"/stream/hls/{FILM}/master.m3u8?token={TOKEN}&t=1",
            f"/stream/hls/{FILM}/master.m3u8?token=***&t=1",
            id="query",
        ),
        pytest.param("Authorization: Bearer hr_abcdefghij", "Authorization: Bearer ***", id="API key in a header"),
        pytest.param("key hr_abcdefghij is", "key hr_*** is", id="API key in a sentence"),
        pytest.param(
            "Cookie: homereel_session=abc; theme=dark", "Cookie: homereel_session=***; theme=dark", id="cookie"
        ),
        pytest.param(f"/STREAM/hls/x/{TOKEN}/master.m3u8", "/STREAM/hls/x/***/master.m3u8", id="misspelt path"),
        pytest.param("GET /login?next=/jobs", "GET /login?next=/jobs", id="nothing to hide"),
    ],
)
def test_what_is_secret_is_masked_and_nothing_else(said: str, written_down: str) -> None:
    assert masked(said) == written_down


def test_a_json_line_is_one_object_with_what_the_caller_gave_beside_the_message() -> None:
    record = logging.makeLogRecord({"name": "x", "levelno": 40, "levelname": "ERROR", "msg": "said\n%s"})
    record.args, record.fields = ("twice",), {"status": 500}
    line = json.loads(JsonFormatter().format(record))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {"level": "ERROR", "logger": "x", "process": os.getpid(), "message": "said\ntwice", "status": 500}


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_what_an_exception_holds_is_masked_too(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(f"/stream/hls/{FILM}/{TOKEN}/master.m3u8")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    line = formatter.format(record)
    assert "ValueError" in line and TOKEN not in line


def test_every_logger_writes_to_stderr_in_the_form_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    text, root = io.StringIO(), logging.getLogger()
    monkeypatch.setattr(sys, "stderr", text)
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    log.configure("INFO", "json")
    logging.getLogger("aiohttp").info("here")
    assert json.loads(text.getvalue())["message"] == "here"
