"""Which body does which kind of job."""

from __future__ import annotations

from vod.catalog.models import JobKind
from worker import artwork, encoding, probing, verifying
from worker.context import Tasks

TASKS: Tasks = {
    JobKind.PROBE: probing.run,
    JobKind.ENCODE: encoding.run,
    JobKind.ARTWORK: artwork.run,
    JobKind.VERIFY: verifying.run,
}
