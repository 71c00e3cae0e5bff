"""Encoders in graphics hardware: what their processes may touch, and what becomes of a film that they fail on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vod.catalog.jobs import JobSnapshot
from vod.errors import HomereelError, ProcessError
from vod.ffmpeg.process import Hardware
from vod.hls.encoders import ENCODERS
from vod.hls.plan import SOFTWARE, Plan, Rung
from worker.context import Context

# Fruitless ones in a row. A chip that others keep busy is asked a second time; a film must not wait for it longer.
ATTEMPTS = 2


class HardwareFailed(HomereelError):
    """This film is to be planned anew, for x264."""


def hardware_for(encoder: str, device: str) -> Hardware:
    known = ENCODERS[encoder]
    devices = tuple(Path(path) for path in known.device_paths(device))
    return Hardware(devices=devices, reads=tuple(Path(path) for path in known.reads))


@contextmanager
def on_hardware(job: JobSnapshot, context: Context, plan: Plan) -> Iterator[None]:
    """Round what makes the job's lane. Raises HardwareFailed where this worker will not get it made."""
    if plan.encoder == SOFTWARE or not any(isinstance(part, Rung) for part in plan.parts(job.lane)):
        yield
        return
    if plan.encoder != context.encoder:
        raise HardwareFailed(f"It was planned for {plan.encoder}, which this worker does not have.")
    try:
        yield
    except ProcessError as failure:
        if context.lease.has_achieved or job.fruitless < ATTEMPTS:
            raise
        raise HardwareFailed(f"The encoder {plan.encoder} failed: {failure}") from None
