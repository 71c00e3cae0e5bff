from __future__ import annotations

import errno

import pytest

from vod.errors import OutputRefused, ProcessFailed
from worker.runner import DISK_FULL, INTERNAL_ERROR, reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(ProcessFailed("ffmpeg gave up.", "stderr with /a/path"), "ffmpeg gave up.", id="ours"),
        pytest.param(OutputRefused(""), "output-refused", id="ours without words"),
        pytest.param(OSError(errno.ENOSPC, "No space left", "/a/path"), DISK_FULL, id="disk full"),
        pytest.param(OSError(errno.EACCES, "Denied", "/a/path"), INTERNAL_ERROR, id="another system error"),
        pytest.param(KeyError("secret"), INTERNAL_ERROR, id="a mistake of ours"),
        pytest.param(None, INTERNAL_ERROR, id="a body that cancelled itself"),
    ],
)
def test_people_read_one_sentence_and_never_a_path(error: BaseException | None, reason: str) -> None:
    assert reason_of(error) == reason
