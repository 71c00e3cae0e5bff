from __future__ import annotations

import errno

import pytest

from vod.errors import DiskFull, OutputRefused, ProcessFailed
from worker.runner import INTERNAL_ERROR, is_disk_full, reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(ProcessFailed("ffmpeg gave up.", "stderr with /a/path"), "ffmpeg gave up.", id="ours"),
        pytest.param(OutputRefused(""), "output-refused", id="ours without words"),
        pytest.param(OSError(errno.EACCES, "Denied", "/a/path"), INTERNAL_ERROR, id="another system error"),
        pytest.param(KeyError("secret"), INTERNAL_ERROR, id="a mistake of ours"),
        pytest.param(None, INTERNAL_ERROR, id="a body that cancelled itself"),
    ],
)
def test_people_read_one_sentence_and_never_a_path(error: BaseException | None, reason: str) -> None:
    assert reason_of(error) == reason


@pytest.mark.parametrize(
    ("error", "is_waited_out"),
    [
        pytest.param(DiskFull("The reserve would be eaten."), True, id="the reserve"),
        pytest.param(OSError(errno.ENOSPC, "No space left", "/a/path"), True, id="the disk"),
        pytest.param(OSError(errno.EDQUOT, "Quota exceeded", "/a/path"), True, id="the quota"),
        pytest.param(OSError(errno.EIO, "Broken", "/a/path"), False, id="another system error"),
        pytest.param(ProcessFailed("ffmpeg gave up."), False, id="a failure"),
        pytest.param(None, False, id="a body that cancelled itself"),
    ],
)
def test_only_a_lack_of_disk_is_waited_out(error: BaseException | None, is_waited_out: bool) -> None:
    assert is_disk_full(error) is is_waited_out
