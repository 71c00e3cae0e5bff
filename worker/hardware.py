"""Encoders in graphics hardware: what their processes may touch, and when a film is taken from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vod.catalog.jobs import JobSnapshot
from vod.errors import ProcessError
from vod.ffmpeg.process import Hardware
from vod.hls.encoders import ENCODERS
from vod.hls.plan import SOFTWARE
from worker.context import Context
from worker.replanning import HardwareFailed

# Fruitless ones in a row. A chip that others keep busy is asked a second time; a film must not wait for it longer.
ATTEMPTS = 2


def hardware_for(encoder: str, device: str) -> Hardware:
    known = ENCODERS[encoder]
    devices = tuple(Path(path) for path in known.device_paths(device))
    return Hardware(devices=devices, reads=tuple(Path(path) for path in known.reads))


@contextmanager
def on_hardware(job: JobSnapshot, context: Context, encoder: str) -> Iterator[None]:
    """Round a process that encodes with `encoder`. Raises HardwareFailed where this worker will not get it made."""
    if encoder == SOFTWARE:
        yield
        return
    if encoder != context.encoder:
        raise HardwareFailed(f"It was planned for {encoder}, which this worker does not have.")
    try:
        yield
    except ProcessError as failure:
        if may_try_again(job, context):
            raise
        raise HardwareFailed(f"The encoder {encoder} failed: {failure}") from None


def may_try_again(job: JobSnapshot, context: Context) -> bool:
    """Before the film is planned anew, for what a busy machine or a killed process may be to blame for."""
    return context.lease.has_achieved or job.fruitless < ATTEMPTS
