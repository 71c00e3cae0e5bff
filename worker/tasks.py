"""Which body does which kind of job."""

from __future__ import annotations

from vod.catalog.models import JobKind
from worker import artwork, encoding, probing, subtitling, trickplay, verifying
from worker.context import Tasks

TASKS: Tasks = {
    JobKind.PROBE: probing.run,
    JobKind.ENCODE: encoding.run,
    JobKind.ARTWORK: artwork.run,
    JobKind.SUBTITLES: subtitling.run,
    JobKind.TRICKPLAY: trickplay.run,
    JobKind.VERIFY: verifying.run,
}
