"""What a container's index says of its tracks: where every sample lies and when it is decoded and shown.

Columns, not records: a film of two hours has half a million samples. Times are in the track's timescale on the
clock of `ffprobe -show_packets`: edit lists are applied, so a track may begin before zero or behind it.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Literal

Kind = Literal["video", "audio", "other"]

MOST_TRACKS = 64
MOST_SAMPLES = 8 << 20  # in all tracks; 24 hours of video and audio have six million


class NotCopyable(ValueError):
    """The original may be fine, but its samples cannot be handed on as they are: it is encoded instead.

    The text is one short reason for a person and the log, without paths.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    index: int  # position among the container's tracks: ffprobe's stream index
    track_id: int  # the container's own number
    kind: Kind
    codec: str  # four characters: "avc1", "hvc1", "hev1", "mp4a", "ac-3", "ec-3"; Matroska's are translated
    sample_entry: bytes  # the whole box as it lies in stsd (built from CodecPrivate where the container has none)
    timescale: int  # ticks a second
    sample_rate: int = 0  # of audio, samples a second
    channels: int = 0  # of audio


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Columns of one length, in decode order; `keyframes` holds rising positions in them."""

    offsets: array[int]  # "q": bytes from the start of the file
    sizes: array[int]  # "I": bytes
    decode_times: array[int]  # "q": ticks
    times: array[int]  # "q": ticks, when the sample is shown
    keyframes: array[int]  # "I": every sample of an audio track is one
    end: int  # ticks; when the sample shown last stops being shown

    def __len__(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedTrack:
    """A track with its samples, or with the reason why they cannot be handed on."""

    track: Track
    samples: Samples | None
    refusal: str = ""
    in_place: bool = True  # the samples lie in the file as players take them; else `offsets` and `sizes` mean nothing

    def require(self) -> Samples:
        """Raises NotCopyable."""
        if self.samples is None:
            raise NotCopyable(self.refusal)
        return self.samples
