"""Multivariant playlists: `master.m3u8` lists what can be served now, `ladder.m3u8` every rung of the plan.

`master.m3u8` lies above the plan folders (`hls/{id}/master.m3u8`), so its URIs start with the plan's digest; players
read it once. The ladder lies in the plan's folder and is for our own page, which knows which rungs it may take yet.
Every attribute is a fact of the renditions: codec strings from their init sections, bandwidths from their segments,
or, while those are being made, what the encoder is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vod.hls.codecs import codec_string
from vod.hls.ladder import box_lines
from vod.hls.plan import AudioPlan, Grid, Plan, Rendition, Rung
from vod.hls.playlist import PROTOCOL_VERSION, longest_segment_seconds
from vod.storage import INIT_SECTION, segment_name

AUDIO_GROUP = "audio"
SUBTITLE_GROUP = "subs"
# What our encoders write, as RFC 6381 says it: profile_idc and constraint flags; the level follows
HIGH_PROFILE = "6400"
AAC_LC = "mp4a.40.2"

DESCRIBES_VIDEO = "public.accessibility.describes-video"

# Apple 1.32: a player starts with the first variant, so it is neither the lowest nor the original
FIRST_VARIANT_BPS = 2_000_000
FIRST_VARIANT_LINES = range(530, 731)  # 540-720p, sides rounded to even


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one finished rendition is, bits a second over whole files."""

    peak_bps: int
    average_bps: int
    codec: str  # RFC 6381


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:  # EXT-X-MEDIA, TYPE=AUDIO
    group_id: str
    name: str
    language: str
    default: bool
    autoselect: bool
    channels: int
    characteristics: str | None
    uri: str | None  # None: the sound is in the variant itself

    def render(self) -> str:
        return "#EXT-X-MEDIA:" + _attributes(
            ("TYPE", "AUDIO"),
            ("GROUP-ID", quoted(self.group_id)),
            ("NAME", quoted(self.name)),
            ("LANGUAGE", quoted(self.language)),
            ("DEFAULT", _yes_no(self.default)),
            ("AUTOSELECT", _yes_no(self.autoselect)),
            ("CHANNELS", quoted(str(self.channels))),
            ("CHARACTERISTICS", quoted(self.characteristics) if self.characteristics else None),
            ("URI", quoted(self.uri) if self.uri else None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInf:  # EXT-X-STREAM-INF and the URI on the next line
    bandwidth: int
    average_bandwidth: int
    codecs: tuple[str, ...]
    resolution: tuple[int, int] | None
    frame_rate: Fraction | None
    audio: str | None  # GROUP-ID
    uri: str
    subtitles: str | None = None  # GROUP-ID

    def render(self) -> str:
        attributes = _attributes(
            ("BANDWIDTH", str(self.bandwidth)),
            ("AVERAGE-BANDWIDTH", str(self.average_bandwidth)),
            ("CODECS", quoted(",".join(self.codecs))),
            ("RESOLUTION", "{}x{}".format(*self.resolution) if self.resolution else None),
            ("FRAME-RATE", f"{float(self.frame_rate):.3f}" if self.frame_rate else None),
            ("AUDIO", quoted(self.audio) if self.audio else None),
            ("SUBTITLES", quoted(self.subtitles) if self.subtitles else None),
        )
        return f"#EXT-X-STREAM-INF:{attributes}\n{self.uri}"


def render_multivariant(plan: Plan, offered: Mapping[str, Measured], folder: str, subtitles: Sequence[str] = ()) -> str:
    """`offered` are the renditions to list, `folder` is where their playlists lie, seen from this one ("" or "…/").

    `subtitles` are the lines of `vod.hls.subtitle_group`.
    ValueError where there is none of them, for nothing would play.
    """
    audio = [track for track in plan.audio if track.name in offered]
    rungs = _first_variant_first([rung for rung in plan.rungs if rung.name in offered], offered)
    if not rungs and not audio:
        raise ValueError("a multivariant playlist needs at least one rendition")
    media = _audio_group(folder, audio, in_variant=not rungs)
    variants = [_video_variant(plan, folder, rung, audio, offered) for rung in rungs] or [
        _audio_variant(folder, audio, offered)
    ]
    if subtitles:
        variants = [replace(variant, subtitles=SUBTITLE_GROUP) for variant in variants]
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{PROTOCOL_VERSION}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        *(rendition.render() for rendition in media),
        *subtitles,
        *(variant.render() for variant in variants),
    ]
    return "\n".join(lines) + "\n"


def measure(folder: Path, grid: Grid) -> Measured:
    """The facts of the complete rendition in `folder`: one stat for each segment, and the init section read.

    Raises OSError where a file is missing, ValueError where the init section is not one.
    """
    sizes = [(folder / segment_name(number)).stat().st_size for number in range(grid.count)]
    return Measured(
        peak_bps=peak_bps(sizes, grid),
        average_bps=_bps(sum(sizes), sum(grid.durations)),
        codec=codec_string((folder / INIT_SECTION).read_bytes()),
    )


def estimate(rendition: Rendition) -> Measured:
    """What a rendition that is still being made will be: at most what its encoder is allowed."""
    if isinstance(rendition, AudioPlan):
        return Measured(peak_bps=rendition.bitrate_bps, average_bps=rendition.bitrate_bps, codec=AAC_LC)
    codec = f"avc1.{HIGH_PROFILE}{round(float(rendition.level) * 10):02X}"
    return Measured(peak_bps=rendition.peak_bps, average_bps=rendition.peak_bps, codec=codec)


def peak_bps(sizes: Sequence[int], grid: Grid) -> int:
    """RFC 8216 4.1: the largest rate of any run of segments that lasts 0.5 to 1.5 target durations.

    A lone last frame is therefore no peak. A film too short for any such run has only its average.
    """
    shortest, longest = (factor * longest_segment_seconds(grid) for factor in (Fraction(1, 2), Fraction(3, 2)))
    peak = 0
    for first in range(grid.count):
        size, duration = 0, Fraction(0)
        for segment in range(first, grid.count):
            size, duration = size + sizes[segment], duration + grid.duration(segment)
            if duration > longest:
                break
            if duration >= shortest:
                peak = max(peak, _bps(size, duration))
    return peak or _bps(sum(sizes), sum(grid.durations))


def quoted(text: str) -> str:
    """A quoted-string (RFC 8216 4.2) has no escape: quotation marks and control characters are replaced."""
    return '"' + "".join(character if character.isprintable() else " " for character in text.replace('"', "”")) + '"'


def _video_variant(
    plan: Plan, folder: str, rung: Rung, audio: list[AudioPlan], offered: Mapping[str, Measured]
) -> StreamInf:
    heard = [offered[track.name] for track in audio]
    return StreamInf(
        bandwidth=offered[rung.name].peak_bps + max((track.peak_bps for track in heard), default=0),
        average_bandwidth=offered[rung.name].average_bps + max((track.average_bps for track in heard), default=0),
        codecs=(offered[rung.name].codec, *dict.fromkeys(track.codec for track in heard)),
        resolution=(rung.width, rung.height),
        frame_rate=plan.video.frame_rate if plan.video else None,
        audio=AUDIO_GROUP if audio else None,
        uri=_playlist_uri(folder, rung.name),
    )


def _audio_variant(folder: str, audio: list[AudioPlan], offered: Mapping[str, Measured]) -> StreamInf:
    """A film without pictures: the variant is its default track, the others are its alternatives."""
    heard = [offered[track.name] for track in audio]
    return StreamInf(
        bandwidth=max(track.peak_bps for track in heard),
        average_bandwidth=max(track.average_bps for track in heard),
        codecs=tuple(dict.fromkeys(track.codec for track in heard)),
        resolution=None,
        frame_rate=None,
        audio=AUDIO_GROUP,
        uri=_playlist_uri(folder, _default_track(audio).name),
    )


def _audio_group(folder: str, audio: list[AudioPlan], *, in_variant: bool) -> list[Media]:
    """Only one member of a language is picked automatically (RFC 8216 4.3.4.1.1); a commentary never is."""
    group: list[Media] = []
    picked: set[tuple[str, bool]] = set()
    preferred = _default_track(audio) if audio else None
    for track in sorted(audio, key=lambda track: track is not preferred):
        default, kind = not group, (track.language, track.visually_impaired)
        autoselect = default or (not track.commentary and kind not in picked)
        picked |= {kind} if autoselect else set()
        group.append(_media(folder, track, default=default, autoselect=autoselect, in_variant=default and in_variant))
    return group


def _media(folder: str, track: AudioPlan, *, default: bool, autoselect: bool, in_variant: bool) -> Media:
    return Media(
        group_id=AUDIO_GROUP,
        name=track.label or track.name,
        language=track.language,
        default=default,
        autoselect=autoselect,
        channels=track.channels,
        characteristics=DESCRIBES_VIDEO if track.visually_impaired else None,
        uri=None if in_variant else _playlist_uri(folder, track.name),
    )


def _default_track(audio: Iterable[AudioPlan]) -> AudioPlan:
    """The first that the plan calls default; else the first that is no commentary and describes nothing."""
    return min(audio, key=lambda track: (not track.default, track.commentary, track.visually_impaired))


def _first_variant_first(rungs: list[Rung], offered: Mapping[str, Measured]) -> list[Rung]:
    """The rung of the 540-720p class nearest to 2 Mb/s, then the others, highest first."""
    middle = [rung for rung in rungs if _lines(rung) in FIRST_VARIANT_LINES] or rungs

    def distance(rung: Rung) -> float:
        return abs(math.log(max(offered[rung.name].average_bps, 1) / FIRST_VARIANT_BPS))

    first = min(middle, key=distance, default=None)
    return sorted(rungs, key=lambda rung: rung is not first)


def _lines(rung: Rung) -> int:
    return box_lines(Fraction(rung.width), Fraction(rung.height))


def _playlist_uri(folder: str, name: str) -> str:
    return f"{folder}{name}.m3u8"


def _bps(size_bytes: int, seconds: Fraction | int) -> int:
    return math.ceil(size_bytes * 8 / seconds)


def _attributes(*pairs: tuple[str, str | None]) -> str:
    return ",".join(f"{name}={value}" for name, value in pairs if value is not None)


def _yes_no(value: bool) -> str:
    return "YES" if value else "NO"
