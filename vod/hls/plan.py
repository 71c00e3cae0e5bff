"""The plan: everything that fixes the grid rendition x segment, decided once and stored (design.md section 2).

Nothing here looks at a file. All times are integers in the rendition's own `timescale`, counted from time 0
of the film; from them the full-length playlists follow before a single segment exists. The digest names the
folder, so a new plan never mixes with what somebody is watching.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from vod.hls.grid import Grid

PLAN_VERSION = 2
SOFTWARE = "x264"  # the encoder of every machine
LADDER_LANE = "ladder"
PREVIEW_LANE = "preview"
REMUX_LANE = "remux"
COPY_LANE = "copy"  # virtual segments; where the whole original is indexed at once, nothing is ever made in it
AUDIO_LANE_PREFIX = "audio-"
AAC_FRAME_SAMPLES = 1024
PLAN_FRACTIONS = {"start_seconds", "duration_seconds", "segment_seconds"}

LATER = {"later": True}  # of a field: left out of the JSON while it says nothing, so that older plans keep their digest

# "ass" is text whose styling is kept beside its plain cues; "picture" is drawn by the page
SubtitleKind = Literal["text", "ass", "picture"]

# Sound that stops earlier than the film is padded with silence, which copying cannot do.
EARLIEST_END_SECONDS = Fraction(1, 2)
PREVIEW_LINES = 360  # what is made first should be good to look at on a laptop


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One video rendition. Profile and level are fixed here, so that every worker's SPS is the same."""

    name: str  # "720p": also its folder and playlist
    width: int
    height: int
    profile: str  # "high"
    level: str  # "3.1"
    crf: int
    peak_bps: int  # x264 maxrate
    buffer_bits: int  # x264 bufsize


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalRung:
    """The original's own pictures, on the cuts of the encoded rungs."""

    name: str
    stream_index: int
    width: int
    height: int
    codec: str  # RFC 6381
    expected_bps: int  # until it is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedRung(OriginalRung):
    """Ranges of the original: its segments are virtual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemuxedRung(OriginalRung):
    """Written into segments like what is encoded: its container keeps no samples that could be handed on in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPlan:
    stream_index: int
    timescale: int  # ticks a second of every video rendition
    ticks_per_source_tick: int  # source ticks x this = our ticks
    origin_ticks: int  # our ticks at the original's time 0; subtracted from every frame
    tolerance_ticks: int  # half a frame where the rate is constant, 0 where cuts are exact frames
    cuts: tuple[int, ...]  # N + 1; segment k shows the frames with cut[k] - tolerance <= time < cut[k+1] - tolerance
    frames_end_ticks: int  # where the last frame of the original stops; later cuts only repeat it
    frame_rate: Fraction  # for FRAME-RATE and for the encoder's VUI
    frame_count: int  # 0 where only the encoder will know
    longest_gop_seconds: Fraction
    rotation: int
    interlaced: bool
    transfer: str  # "sdr", "pq", "hlg"
    colour: tuple[str, str, str, str]  # primaries, transfer, matrix, range of the original, "" where unknown
    rungs: tuple[Rung, ...]  # highest first
    copied: CopiedRung | None = None
    copy_refusal: str = ""  # why the original's pictures are not handed on as they are
    remuxed: RemuxedRung | None = field(default=None, metadata=LATER)

    @property
    def ends_in_still(self) -> bool:
        """Whether whole segments lie behind the last frame, where the sound goes on: they repeat it."""
        return self.cuts[-2] >= self.frames_end_ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPlan:
    """One stereo AAC rendition. `cuts` are samples, each a multiple of 1024."""

    name: str  # "audio-eng"
    lane: str  # "audio-0"
    stream_index: int
    sample_rate: int  # of the rendition
    channels: int  # of the rendition: 1 or 2
    bitrate_bps: int
    cuts: tuple[int, ...]
    source_sample_rate: int
    source_first_sample: int  # where the original's first packet lies, in its samples, from the demuxer's zero
    source_frame_samples: int  # lattice of packet starts, 0 = unknown
    source_tick_seconds: Fraction
    language: str  # BCP-47
    label: str  # NAME of the rendition, unique within the film
    default: bool
    commentary: bool
    visually_impaired: bool

    @property
    def timescale(self) -> int:
        return self.sample_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedAudio:
    """The original's own packets, cut where they begin; its segments are virtual."""

    name: str
    stream_index: int
    timescale: int
    cuts: tuple[int, ...]
    codec: str  # RFC 6381
    expected_bps: int  # until it is measured
    channels: int
    language: str
    label: str
    default: bool
    commentary: bool
    visually_impaired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitlePlan:
    """One subtitle track. It has no lane: a `subtitles` job makes all tracks of a film at once."""

    name: str  # "subs-eng": also its folder and playlist
    stream_index: int
    kind: SubtitleKind
    codec: str  # of the original: "subrip", "hdmv_pgs_subtitle"
    language: str  # BCP-47
    label: str  # NAME of the rendition, unique within the film
    default: bool
    forced: bool
    hearing_impaired: bool


Picture = Rung | CopiedRung | RemuxedRung
Sound = AudioPlan | CopiedAudio
Copied = CopiedRung | CopiedAudio
Written = Rung | RemuxedRung | AudioPlan  # by a process, into segments
Rendition = Picture | Sound


@dataclass(frozen=True, kw_only=True)
class Plan:
    format_name: str
    indexed: bool
    start_seconds: Fraction  # the original's time 0 on the demuxer's clock
    duration_seconds: Fraction
    segment_seconds: Fraction  # nominal
    preset: str
    video: VideoPlan | None
    audio: tuple[AudioPlan, ...]
    copied_audio: tuple[CopiedAudio, ...] = ()
    copied_on_demand: bool = False  # each virtual segment is read from the original when it is asked for
    subtitles: tuple[SubtitlePlan, ...] = ()
    encoder: str = field(default=SOFTWARE, metadata=LATER)  # of all its rungs, a key of `vod.hls.encoders`
    captions: bool = field(default=False, metadata=LATER)  # inside the pictures of every rung
    version: int = PLAN_VERSION

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    @property
    def rungs(self) -> tuple[Rung, ...]:
        return self.video.rungs if self.video else ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The original's own first, then highest first."""
        own = (self.video.copied, self.video.remuxed) if self.video else ()
        return (*(picture for picture in own if picture), *self.rungs)

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """In the original's order; a track may be there encoded and as it stands."""
        return tuple(sorted((*self.audio, *self.copied_audio), key=lambda sound: (sound.stream_index, sound.name)))

    @property
    def copies(self) -> tuple[Copied, ...]:
        """Renditions whose segments are virtual."""
        return (*(picture for picture in self.pictures if isinstance(picture, CopiedRung)), *self.copied_audio)

    @property
    def renditions(self) -> dict[str, Rendition]:
        """By name, pictures first, then sound in the original's order."""
        found: tuple[Rendition, ...] = (*self.pictures, *self.sounds)
        return {rendition.name: rendition for rendition in found}

    @property
    def preview(self) -> Rung | None:
        """The rung that is made alone where somebody waits: the lowest that is good to look at."""
        good = [rung for rung in self.rungs if min(rung.width, rung.height) >= PREVIEW_LINES]
        return good[-1] if good else next(iter(self.rungs), None)

    @property
    def lanes(self) -> dict[str, tuple[Rendition, ...]]:
        """What is made together, by one ffmpeg process or none, span by span until all of it is there."""
        lanes: dict[str, tuple[Rendition, ...]] = {LADDER_LANE: self.rungs} if self.rungs else {}
        if self.copied_on_demand and self.copies:
            lanes[COPY_LANE] = self.copies
        if self.video and self.video.remuxed:
            lanes[REMUX_LANE] = (self.video.remuxed,)
        return lanes | {audio.lane: (audio,) for audio in self.audio}

    def parts(self, lane: str) -> tuple[Rendition, ...]:
        """The renditions of a lane; beside `lanes` there are the preview and each rendition alone, for viewers.

        Raises KeyError for a lane that this plan does not know.
        """
        if lane == PREVIEW_LANE and self.preview is not None:
            return (self.preview,)
        return self.lanes.get(lane) or (self.renditions[lane],)

    def grid(self, rendition: str) -> Grid:
        """Raises KeyError for a rendition this plan does not hold."""
        found = self.renditions[rendition]
        clock = found if isinstance(found, Sound) else self.video
        if clock is None:
            raise KeyError(rendition)
        return Grid(clock.timescale, clock.cuts)

    def to_json(self) -> str:
        return json.dumps(_encode(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Raises ValueError for a plan of another version."""
        record = json.loads(text)
        if record.get("version") != PLAN_VERSION:
            raise ValueError(f"plan version {record.get('version')} is not {PLAN_VERSION}")
        video = record["video"]
        return cls(
            **_scalars(record, PLAN_FRACTIONS, {"video", "audio", "copied_audio", "subtitles"}),
            video=_video(video) if video else None,
            audio=tuple(_audio(audio) for audio in record["audio"]),
            copied_audio=tuple(_copied_audio(audio) for audio in record["copied_audio"]),
            subtitles=tuple(SubtitlePlan(**track) for track in record["subtitles"]),
        )


def _encode(value: Any) -> Any:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, tuple):
        return [_encode(part) for part in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        known = dataclasses.fields(value)
        told = [one.name for one in known if one.metadata != LATER or getattr(value, one.name) != one.default]
        return {name: _encode(getattr(value, name)) for name in told}
    return value


def _video(record: dict[str, Any]) -> VideoPlan:
    return VideoPlan(
        **_scalars(record, {"frame_rate", "longest_gop_seconds"}, {"cuts", "colour", "rungs", "copied", "remuxed"}),
        cuts=tuple(record["cuts"]),
        colour=tuple(record["colour"]),
        rungs=tuple(Rung(**rung) for rung in record["rungs"]),
        copied=CopiedRung(**record["copied"]) if record["copied"] else None,
        remuxed=RemuxedRung(**record["remuxed"]) if record.get("remuxed") else None,
    )


def _copied_audio(record: dict[str, Any]) -> CopiedAudio:
    return CopiedAudio(**record | {"cuts": tuple(record["cuts"])})


def _audio(record: dict[str, Any]) -> AudioPlan:
    return AudioPlan(**_scalars(record, {"source_tick_seconds"}, {"cuts"}), cuts=tuple(record["cuts"]))


def _scalars(record: dict[str, Any], fractions: set[str], left_out: set[str]) -> dict[str, Any]:
    return {key: Fraction(value) if key in fractions else value for key, value in record.items() if key not in left_out}
