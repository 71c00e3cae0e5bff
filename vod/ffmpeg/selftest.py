"""Proves at start that the walls hold, by running ffprobe against them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from vod.errors import ProcessFailed, SandboxUnavailable
from vod.ffmpeg.cage import Walls
from vod.ffmpeg.command import Command, Finished

# Readable by everybody on every system, and no child's business.
FOREIGN_FILE = Path("/etc/passwd")
# Nobody listens on the discard port; without a wall the kernel would say "Connection refused".
FOREIGN_SOCKET = "tcp://127.0.0.1:9"


async def prove(run: Callable[[Command], Awaitable[Finished]], walls: Walls) -> str:
    """The verdict in words; raises SandboxUnavailable for a wall that does not hold."""
    verdict = []
    if walls.landlock_abi:
        await _expect(run, f"file:{FOREIGN_FILE}", (), "Permission denied", "a foreign file could be opened")
        # The same file, named: a denial for any other reason would prove nothing.
        await _expect(run, f"file:{FOREIGN_FILE}", (FOREIGN_FILE,), "Invalid data", "a named file could not be opened")
        verdict.append("foreign file denied")
    if walls.seccomp:
        await _expect(run, FOREIGN_SOCKET, (), "Operation not permitted", "a socket could be opened")
        verdict.append("socket denied")
    return ", ".join(verdict) or "nothing denied"


async def _expect(
    run: Callable[[Command], Awaitable[Finished]], url: str, reads: tuple[Path, ...], words: str, otherwise: str
) -> None:
    try:
        await run(Command(program="ffprobe", arguments=("-i", url), reads=reads))
    except ProcessFailed as error:
        if words in error.stderr_tail:
            return
        raise SandboxUnavailable(f"self-test: {otherwise}", error.stderr_tail) from None
    raise SandboxUnavailable(f"self-test: {otherwise}")
