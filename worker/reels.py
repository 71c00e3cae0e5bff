"""A rendition of a Matroska original that is read segment by segment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vod.containers.matroska import MatroskaFile, read_matroska
from vod.containers.matroska_codecs import audio_track, video_track
from vod.containers.matroska_samples import AudioTrack
from vod.containers.samples import Track
from vod.hls.copying import Clock
from vod.hls.matroska_copying import audio_segment, video_segment
from vod.hls.plan import Copied, CopiedRung, Plan
from vod.hls.segment_index import VirtualSegment


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    path: Path
    film: MatroskaFile
    track: Track | AudioTrack
    clock: Clock
    cuts: tuple[int, ...]

    @classmethod
    def of(cls, path: Path, plan: Plan, copied: Copied) -> Reel:
        """Blocks; raises NotCopyable or OSError."""
        film, cuts = read_matroska(path), plan.grid(copied.name).cuts
        if isinstance(copied, CopiedRung):
            track = video_track(film, copied.stream_index)
            clock = Clock.of_pictures(track.timescale, plan.start_seconds)
            return cls(path=path, film=film, track=track, clock=clock, cuts=cuts)
        sound = audio_track(path, film, copied.stream_index)
        clock = Clock.of_sound(sound.track.timescale, plan.start_seconds)
        return cls(path=path, film=film, track=sound, clock=clock, cuts=cuts)

    def segment(self, number: int) -> VirtualSegment:
        """Blocks; raises NotCopyable or OSError."""
        if isinstance(self.track, AudioTrack):
            return audio_segment(self.path, self.film, self.track, self.clock, self.cuts, number)
        return video_segment(self.path, self.film, self.track, self.clock, self.cuts, number)
