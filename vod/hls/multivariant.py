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

from vod.hls.bandwidth import Measured
from vod.hls.ladder import box_lines
from vod.hls.plan import CopiedAudio, OriginalRung, Picture, Plan, Sound
from vod.hls.playlist import PROTOCOL_VERSION
from vod.hls.track_names import label

AUDIO_GROUP = "audio"
SUBTITLE_GROUP = "subs"
CAPTION_GROUP = "cc"
CAPTION_CHANNEL = "CC1"  # where the language that is heard is written down; others would have to be decoded to be known

DESCRIBES_VIDEO = "public.accessibility.describes-video"

# Apple 1.32: a player starts with the first variant, so it is neither the lowest nor the original
FIRST_VARIANT_BPS = 2_000_000
FIRST_VARIANT_LINES = range(530, 731)  # 540-720p, sides rounded to even


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
    video_range: str | None  # SDR, PQ or HLG
    audio: str | None  # GROUP-ID
    uri: str
    subtitles: str | None = None  # GROUP-ID
    closed_captions: str | None = None  # GROUP-ID; never NONE, for a film's first frames do not tell of its others

    def render(self) -> str:
        attributes = _attributes(
            ("BANDWIDTH", str(self.bandwidth)),
            ("AVERAGE-BANDWIDTH", str(self.average_bandwidth)),
            ("CODECS", quoted(",".join(self.codecs))),
            ("RESOLUTION", "{}x{}".format(*self.resolution) if self.resolution else None),
            ("FRAME-RATE", f"{float(self.frame_rate):.3f}" if self.frame_rate else None),
            ("VIDEO-RANGE", self.video_range),
            ("AUDIO", quoted(self.audio) if self.audio else None),
            ("SUBTITLES", quoted(self.subtitles) if self.subtitles else None),
            ("CLOSED-CAPTIONS", quoted(self.closed_captions) if self.closed_captions else None),
        )
        return f"#EXT-X-STREAM-INF:{attributes}\n{self.uri}"


def render_multivariant(
    plan: Plan,
    offered: Mapping[str, Measured],
    folder: str,
    subtitles: Sequence[str] = (),
    *,
    surround: bool = True,
) -> str:
    """`offered` are the renditions to list, `folder` is where their playlists lie, seen from this one ("" or "…/").

    `subtitles` are the lines of `vod.hls.subtitle_group`. Without `surround` there is one variant a rung.
    ValueError where there is none of them, for nothing would play.
    """
    sounds = [sound for sound in plan.sounds if sound.name in offered]
    pictures = _first_variant_first([picture for picture in plan.pictures if picture.name in offered], offered)
    if not pictures and not sounds:
        raise ValueError("a multivariant playlist needs at least one rendition")
    groups = _audio_groups(sounds, surround=surround and bool(pictures))
    media = [line for name, group in groups.items() for line in _audio_group(folder, name, group, pictures)]
    variants = [
        _video_variant(plan, folder, picture, name, group, offered)
        for name, group in (groups or {"": []}).items()
        for picture in pictures
    ] or [_audio_variant(folder, sounds, offered)]
    if subtitles:
        variants = [replace(variant, subtitles=SUBTITLE_GROUP) for variant in variants]
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{PROTOCOL_VERSION}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        *(rendition.render() for rendition in media),
        *subtitles,
        *([_caption_line(plan)] if plan.captions and pictures else []),
        *(variant.render() for variant in variants),
    ]
    return "\n".join(lines) + "\n"


def caption_language(plan: Plan) -> str:
    """Nothing in the pictures tells it."""
    return _default_track(plan.sounds).language if plan.sounds else "und"


def _caption_line(plan: Plan) -> str:
    language = caption_language(plan)
    return "#EXT-X-MEDIA:" + _attributes(
        ("TYPE", "CLOSED-CAPTIONS"),
        ("GROUP-ID", quoted(CAPTION_GROUP)),
        ("NAME", quoted(label("", language, "Captions") + " (CC)")),
        ("LANGUAGE", quoted(language)),
        ("DEFAULT", "NO"),
        ("AUTOSELECT", "YES"),
        ("INSTREAM-ID", quoted(CAPTION_CHANNEL)),
    )


def quoted(text: str) -> str:
    """A quoted-string (RFC 8216 4.2) has no escape: quotation marks and control characters are replaced."""
    return '"' + "".join(character if character.isprintable() else " " for character in text.replace('"', "”")) + '"'


def _audio_groups(sounds: Sequence[Sound], *, surround: bool) -> dict[str, list[Sound]]:
    """By GROUP-ID. A variant holds one codec of sound (hls-rules.md rule 2), so each has its group; stereo first."""
    groups: dict[str, list[Sound]] = {}
    for sound in sorted(sounds, key=_is_surround):
        if surround or not _is_surround(sound):
            groups.setdefault(_group_name(sound), []).append(sound)
    return groups


def _is_surround(sound: Sound) -> bool:
    return isinstance(sound, CopiedAudio) and (sound.channels > 2 or not sound.codec.startswith("mp4a"))


def _group_name(sound: Sound) -> str:
    if not isinstance(sound, CopiedAudio) or not _is_surround(sound):
        return AUDIO_GROUP
    return f"{AUDIO_GROUP}-{sound.codec.partition('.')[0].replace('-', '')}"


def _video_variant(
    plan: Plan, folder: str, picture: Picture, group: str, sounds: Sequence[Sound], offered: Mapping[str, Measured]
) -> StreamInf:
    heard = [offered[sound.name] for sound in sounds]
    return StreamInf(
        bandwidth=offered[picture.name].peak_bps + max((sound.peak_bps for sound in heard), default=0),
        average_bandwidth=offered[picture.name].average_bps + max((sound.average_bps for sound in heard), default=0),
        codecs=(offered[picture.name].codec, *dict.fromkeys(sound.codec for sound in heard)),
        resolution=(picture.width, picture.height),
        frame_rate=plan.video.frame_rate if plan.video else None,
        video_range=_video_range(plan, picture),
        audio=group or None,
        uri=_playlist_uri(folder, picture.name),
        closed_captions=CAPTION_GROUP if plan.captions else None,
    )


def _video_range(plan: Plan, picture: Picture) -> str | None:
    """Told on every variant where one of them is not SDR (Apple 9.16)."""
    if plan.video is None or plan.video.transfer == "sdr" or plan.pictures == plan.rungs:
        return None
    return plan.video.transfer.upper() if isinstance(picture, OriginalRung) else "SDR"


def _audio_variant(folder: str, sounds: Sequence[Sound], offered: Mapping[str, Measured]) -> StreamInf:
    """A film without pictures: the variant is its default track, the others are its alternatives."""
    stereo = [sound for sound in sounds if not _is_surround(sound)]
    heard = [offered[sound.name] for sound in stereo]
    return StreamInf(
        bandwidth=max(sound.peak_bps for sound in heard),
        average_bandwidth=max(sound.average_bps for sound in heard),
        codecs=tuple(dict.fromkeys(sound.codec for sound in heard)),
        resolution=None,
        frame_rate=None,
        video_range=None,
        audio=AUDIO_GROUP,
        uri=_playlist_uri(folder, _default_track(stereo).name),
    )


def _audio_group(folder: str, name: str, sounds: Sequence[Sound], pictures: Sequence[Picture]) -> list[Media]:
    """Only one member of a language is picked automatically (RFC 8216 4.3.4.1.1); a commentary never is."""
    group: list[Media] = []
    picked: set[tuple[str, bool]] = set()
    preferred = _default_track(sounds)
    for sound in sorted(sounds, key=lambda sound: sound is not preferred):
        default, kind = not group, (sound.language, sound.visually_impaired)
        autoselect = default or (not sound.commentary and kind not in picked)
        picked |= {kind} if autoselect else set()
        group.append(
            Media(
                group_id=name,
                name=sound.label or sound.name,
                language=sound.language,
                default=default,
                autoselect=autoselect,
                channels=sound.channels,
                characteristics=DESCRIBES_VIDEO if sound.visually_impaired else None,
                # of a film without pictures the default is the variant itself
                uri=None if default and not pictures else _playlist_uri(folder, sound.name),
            )
        )
    return group


def _default_track(sounds: Iterable[Sound]) -> Sound:
    """The first that the plan calls default; else the first that is no commentary and describes nothing."""
    return min(sounds, key=lambda sound: (not sound.default, sound.commentary, sound.visually_impaired))


def _first_variant_first(pictures: list[Picture], offered: Mapping[str, Measured]) -> list[Picture]:
    """The rung of the 540-720p class nearest to 2 Mb/s, then the others, highest first."""
    common = [picture for picture in pictures if offered[picture.name].codec.startswith("avc1")] or pictures
    middle = [picture for picture in common if _lines(picture) in FIRST_VARIANT_LINES] or common

    def distance(picture: Picture) -> float:
        return abs(math.log(max(offered[picture.name].average_bps, 1) / FIRST_VARIANT_BPS))

    first = min(middle, key=distance, default=None)
    return sorted(pictures, key=lambda picture: picture is not first)


def _lines(picture: Picture) -> int:
    return box_lines(Fraction(picture.width), Fraction(picture.height))


def _playlist_uri(folder: str, name: str) -> str:
    return f"{folder}{name}.m3u8"


def _attributes(*pairs: tuple[str, str | None]) -> str:
    return ",".join(f"{name}={value}" for name, value in pairs if value is not None)


def _yes_no(value: bool) -> str:
    return "YES" if value else "NO"
