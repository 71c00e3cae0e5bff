"""The same segments for players of MPEG-DASH: `manifest.mpd` in the plan's folder (ISO/IEC 23009-1:2022). Pure.

It lists what `master.m3u8` lists. Pictures that a player may switch between are one AdaptationSet, so each codec has
its own; every track of sound or text is one by itself, for none replaces another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from vod.hls.bandwidth import Measured
from vod.hls.grid import Grid
from vod.hls.multivariant import CAPTION_CHANNEL, caption_language
from vod.hls.plan import OriginalRung, Picture, Plan, Sound
from vod.hls.playlist import MICROSECONDS
from vod.hls.subtitles import SubtitleTrack
from vod.hls.thumbnails import Thumbnails
from vod.hls.track_names import three_letters
from vod.storage import INIT_SECTION, TRICKPLAY, WHOLE_SUBTITLES

NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
LIVE_PROFILE = "urn:mpeg:dash:profile:isoff-live:2011"  # segments by template, though the film is whole
ROLE = "urn:mpeg:dash:role:2011"
CHANNELS = "urn:mpeg:mpegB:cicp:ChannelConfiguration"  # ISO/IEC 23091-3; 7.1 is its layout 12
TRANSFER = "urn:mpeg:mpegB:cicp:TransferCharacteristics"
AUDIO_PURPOSE = "urn:tva:metadata:cs:AudioPurposeCS:2007"
FOR_THE_BLIND = "1"
CAPTIONS = "urn:scte:dash:cc:cea-608:2015"  # DASH-IF IOP 6.4.3
THUMBNAIL_TILE = "http://dashif.org/guidelines/thumbnail_tile"

CHANNEL_LAYOUTS = {7: 11, 8: 12}
TRANSFERS = {"pq": 16, "hlg": 18}  # ISO/IEC 23091-2
ALIGNED = {"segmentAlignment": "true", "startWithSAP": "1"}
INIT_TEMPLATE = f"$RepresentationID$/{INIT_SECTION}"
SEGMENT_TEMPLATE = "$RepresentationID$/$Number%05d$.m4s"
SHEET_TEMPLATE = f"{TRICKPLAY}/sheet-$Number%02d$.jpg"
TEXT_BPS = 1000  # of a file that is fetched whole; players want a number

DEFAULT_STEREO, ANY_STEREO, SURROUND = 3, 2, 1  # selectionPriority: as master.m3u8 has its groups


def render_dash(
    plan: Plan,
    offered: Mapping[str, Measured],
    subtitles: Sequence[SubtitleTrack] = (),
    thumbnails: Thumbnails | None = None,
) -> str:
    """`offered` are the renditions to list. Its URIs are relative to the plan's folder."""
    attributes = {
        "xmlns": NAMESPACE,
        "type": "static",
        "profiles": LIVE_PROFILE,
        "mediaPresentationDuration": _duration(plan.duration_seconds),
        "minBufferTime": _duration(plan.segment_seconds),
    }
    manifest = Element("MPD", attributes)
    period = SubElement(manifest, "Period", {"id": "film", "start": "PT0S"})
    for pictures in _switchable(plan, offered):
        _add_pictures(period, plan, pictures, offered)
    for sound in plan.sounds:
        if sound.name in offered:
            _add_sound(period, plan, sound, offered[sound.name])
    for track in subtitles:
        _add_text(period, track)
    if thumbnails:
        _add_thumbnails(period, thumbnails)
    for number, adaptation_set in enumerate(period):
        adaptation_set.set("id", str(number))
    ElementTree.indent(manifest)
    return ElementTree.tostring(manifest, encoding="unicode", xml_declaration=True) + "\n"


def _switchable(plan: Plan, offered: Mapping[str, Measured]) -> Iterable[list[Picture]]:
    """Pictures that one decoder takes."""
    groups: dict[str, list[Picture]] = {}
    for picture in plan.pictures:
        if picture.name in offered:
            groups.setdefault(offered[picture.name].codec.partition(".")[0], []).append(picture)
    return groups.values()


def _add_pictures(period: Element, plan: Plan, pictures: Sequence[Picture], offered: Mapping[str, Measured]) -> None:
    attributes = {"contentType": "video", "mimeType": "video/mp4", **ALIGNED}
    adaptation_set = SubElement(period, "AdaptationSet", attributes)
    transfer = TRANSFERS.get(plan.video.transfer) if plan.video else None
    if transfer and isinstance(pictures[0], OriginalRung):
        SubElement(adaptation_set, "EssentialProperty", {"schemeIdUri": TRANSFER, "value": str(transfer)})
    if plan.captions:
        told = f"{CAPTION_CHANNEL}={three_letters(caption_language(plan))}"
        SubElement(adaptation_set, "Accessibility", {"schemeIdUri": CAPTIONS, "value": told})
    _add_template(adaptation_set, plan.grid(pictures[0].name))
    rate = {"frameRate": str(plan.video.frame_rate)} if plan.video else {}
    for picture in pictures:
        size = {"width": str(picture.width), "height": str(picture.height)}
        _add_representation(adaptation_set, picture.name, offered[picture.name], size | rate)


def _add_sound(period: Element, plan: Plan, sound: Sound, measured: Measured) -> None:
    is_stereo = measured.codec.startswith("mp4a") and sound.channels <= 2
    priority = (DEFAULT_STEREO if sound.default else ANY_STEREO) if is_stereo else SURROUND
    attributes = {"contentType": "audio", "mimeType": "audio/mp4", "lang": sound.language, **ALIGNED}
    adaptation_set = SubElement(period, "AdaptationSet", attributes | {"selectionPriority": str(priority)})
    if sound.visually_impaired:
        SubElement(adaptation_set, "Accessibility", {"schemeIdUri": AUDIO_PURPOSE, "value": FOR_THE_BLIND})
    _add_role(adaptation_set, "commentary" if sound.commentary else "main" if sound.default else "alternate")
    SubElement(adaptation_set, "Label").text = _printable(sound.label or sound.name)
    _add_template(adaptation_set, plan.grid(sound.name))
    representation = _add_representation(adaptation_set, sound.name, measured, {})
    layout = str(CHANNEL_LAYOUTS.get(sound.channels, sound.channels))
    SubElement(representation, "AudioChannelConfiguration", {"schemeIdUri": CHANNELS, "value": layout})


def _add_text(period: Element, track: SubtitleTrack) -> None:
    """One file: dash.js takes WebVTT in no other way."""
    attributes = {"contentType": "text", "mimeType": "text/vtt", "lang": track.language}
    adaptation_set = SubElement(period, "AdaptationSet", attributes)
    _add_role(
        adaptation_set, "forced-subtitle" if track.forced else "caption" if track.hearing_impaired else "subtitle"
    )
    if track.default:
        _add_role(adaptation_set, "main")
    SubElement(adaptation_set, "Label").text = _printable(track.label)
    representation = SubElement(adaptation_set, "Representation", {"id": track.name, "bandwidth": str(TEXT_BPS)})
    SubElement(representation, "BaseURL").text = f"{track.name}/{WHOLE_SUBTITLES}"


def _add_thumbnails(period: Element, thumbnails: Thumbnails) -> None:
    """Sheets of stills, which players show on their seek bars."""
    adaptation_set = SubElement(period, "AdaptationSet", {"contentType": "image", "mimeType": "image/jpeg"})
    times = {"timescale": str(MICROSECONDS), "duration": str(thumbnails.sheet_microseconds), "startNumber": "0"}
    SubElement(adaptation_set, "SegmentTemplate", times | {"media": SHEET_TEMPLATE})
    facts = {name: str(getattr(thumbnails, name)) for name in ("bandwidth", "width", "height")}
    representation = SubElement(adaptation_set, "Representation", {"id": TRICKPLAY, **facts})
    tiles = f"{thumbnails.columns}x{thumbnails.rows}"
    SubElement(representation, "EssentialProperty", {"schemeIdUri": THUMBNAIL_TILE, "value": tiles})


def _add_role(adaptation_set: Element, value: str) -> None:
    SubElement(adaptation_set, "Role", {"schemeIdUri": ROLE, "value": value})


def _add_representation(
    adaptation_set: Element, name: str, measured: Measured, attributes: Mapping[str, str]
) -> Element:
    facts = {"id": name, "bandwidth": str(measured.peak_bps), "codecs": measured.codec, **attributes}
    return SubElement(adaptation_set, "Representation", facts)


def _add_template(adaptation_set: Element, grid: Grid) -> None:
    attributes = {"timescale": str(grid.timescale), "startNumber": "0", "initialization": INIT_TEMPLATE}
    template = SubElement(adaptation_set, "SegmentTemplate", attributes | {"media": SEGMENT_TEMPLATE})
    timeline = SubElement(template, "SegmentTimeline")
    for start, length, repeats in _runs(grid.cuts):
        SubElement(timeline, "S", {"t": str(start), "d": str(length), "r": str(repeats)})


def _runs(cuts: Sequence[int]) -> Iterable[tuple[int, int, int]]:
    """Start, length, and how many further segments have that length."""
    position = cuts[0]
    for length, alike in groupby(end - start for start, end in pairwise(cuts)):
        count = sum(1 for _ in alike)
        yield position, length, count - 1
        position += length * count


def _duration(seconds: Fraction) -> str:
    return f"PT{float(seconds):.6f}S"


def _printable(text: str) -> str:
    """XML has no way to write most control characters."""
    return "".join(character if character.isprintable() else " " for character in text)
