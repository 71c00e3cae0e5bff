"""One file of the corpus on its way: uploaded, made, played."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.e2e.players import Show
from tests.hls_package import Package
from vod.hls.plan import Plan


@dataclass(kw_only=True)
class Film:
    """What became of one file of the corpus."""

    name: str
    identifier: str = ""
    status: str = "REFUSED"
    reason: str | None = None  # of a refusal: its code; of a failure: what people are told
    facts: dict[str, Any] = field(default_factory=dict)  # of the media file, as the server tells them
    subtitles: list[dict[str, Any]] = field(default_factory=list)  # as the page is told of them
    plan: Plan | None = None
    package: Package | None = None
    decoded_seconds: float = 0.0  # of the original, by ffmpeg
    shows: dict[str, Show] = field(default_factory=dict)

    def heard_tracks(self) -> list[int]:
        """Streams of the original; each is there as stereo, and surround perhaps beside it."""
        assert self.plan is not None
        return list(dict.fromkeys(sound.stream_index for sound in self.plan.sounds))
