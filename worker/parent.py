"""An embedded worker ends with the server that started it, whatever kills that one."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


def follow(parent: int) -> None:
    """SIGTERM, so that the job in hand is given back. Raises SystemExit when the parent is gone already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # It may have died between our start and the line above; then no signal ever comes.
    if os.getppid() != parent:
        raise SystemExit(0)
