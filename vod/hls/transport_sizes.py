"""Which pictures are too large for transport segments. Blocking: call it in a thread.

What is encoded here never is: its rate is bounded. An original's own may be: what a camera writes at 100 Mb/s.
"""

from __future__ import annotations

from uuid import UUID

from vod.hls.bandwidth import segment_sizes
from vod.hls.plan import OriginalRung, Plan
from vod.hls.playlist import longest_segment_seconds
from vod.storage import Storage

# Six seconds at 85 Mb/s; four times as much is held while it is put together.
LARGEST_BYTES = 64 << 20
SOUND_BYTES = 4 << 20  # more than a stereo track has in the longest segment
# Of the film's rate: what the busiest segment may have where none has been measured yet (Apple 1.30)
BUSIEST = 2


def too_large(storage: Storage, media_id: UUID, plan: Plan) -> frozenset[str]:
    """Renditions that are not to be listed, for a segment of theirs would be refused."""
    own = [picture for picture in plan.pictures if isinstance(picture, OriginalRung)]
    limit = LARGEST_BYTES - SOUND_BYTES
    return frozenset(rung.name for rung in own if _largest_bytes(storage, media_id, plan, rung) > limit)


def _largest_bytes(storage: Storage, media_id: UUID, plan: Plan, rung: OriginalRung) -> int:
    grid = plan.grid(rung.name)
    try:
        return max(segment_sizes(storage.rendition(media_id, plan.digest, rung.name), grid, plan.renditions[rung.name]))
    except (OSError, ValueError):  # not all of them are known yet
        return BUSIEST * rung.expected_bps * longest_segment_seconds(grid) // 8
