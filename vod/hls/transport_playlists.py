"""Playlists of transport streams, rewritten from those of fragmented MP4, which `vod.hls` wrote itself.

Pure. A variant of a transport stream holds pictures and one sound track, as old players expect; its name says which:
`ts/720p.audio-eng.m3u8`. Other tracks are renditions of their own; so are subtitles, moved onto the stream's clock.
Captions stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import partial
from itertools import pairwise
from math import ceil

from vod.errors import NotFound
from vod.hls.bandwidth import AAC_LC
from vod.hls.mpegts import CLOCK, CLOCK_GAP
from vod.hls.multivariant import AUDIO_GROUP
from vod.hls.playlist import PROTOCOL_VERSION

TRANSPORT_MASTER = "transport.m3u8"
FOLDER = "ts"
# EXTINF with fractions; EXT-X-MEDIA (RFC 8216 section 7)
MEDIA_VERSION, MASTER_VERSION = 3, 4
CAPTIONS = "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS"
BANDWIDTH = re.compile(r"((?:AVERAGE-)?BANDWIDTH)=(\d+)")
# 4 bytes of 188, and what is left of a unit's last packet
PACKETS, PICTURE_BITS, SOUND_BPS = 1.03, 1500, 6000
CLOCK_REFERENCES = CLOCK / CLOCK_GAP  # a second, where no picture brings them
ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]*)')


def transport_master(master: str, without: Collection[str] = ()) -> str:
    """Of `master.m3u8`, but for the rungs `without`. Raises NotFound where nothing in it can be carried, or not yet."""
    lines = master.splitlines()
    media = [_attributes(line) for line in lines if line.startswith("#EXT-X-MEDIA:")]
    sounds = [one for one in media if one["TYPE"] == "AUDIO" and one["GROUP-ID"] == f'"{AUDIO_GROUP}"']
    subtitles = [one for one in media if one["TYPE"] == "SUBTITLES"]
    variants = list(_variants(lines, sounds, without))
    if not variants:
        raise NotFound("There is nothing of this film yet that a transport stream can carry.")
    captions = [line for line in lines if line.startswith(CAPTIONS)]
    head = ["#EXTM3U", f"#EXT-X-VERSION:{MASTER_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    return "\n".join([*head, *_sounds(sounds), *map(_rendition, subtitles), *captions, *variants]) + "\n"


def transport_media(playlist: str, names: str) -> str:
    """Of the media playlist of pictures, or of sound or subtitles alone, that `names` begins with."""
    lines = playlist.replace(f"#EXT-X-VERSION:{PROTOCOL_VERSION}", f"#EXT-X-VERSION:{MEDIA_VERSION}").splitlines()
    kept = (line for line in lines if not line.startswith("#EXT-X-MAP:"))
    return "\n".join(line if line.startswith("#") else _segment_uri(line, names) for line in kept) + "\n"


def _segment_uri(uri: str, names: str) -> str:
    number, _, suffix = uri.rpartition("/")[2].partition(".")
    return f"{names}/{number}.{'vtt' if suffix == 'vtt' else 'ts'}"


def _variants(lines: list[str], sounds: list[dict[str, str]], without: Collection[str]) -> Iterator[str]:
    """Each with its address on the next line."""
    muxed = next((_name(one["URI"].strip('"')) for one in sounds if one["DEFAULT"] == "YES" and "URI" in one), "")
    for line, uri in pairwise(lines):
        if not line.startswith("#EXT-X-STREAM-INF:"):
            continue
        attributes = _attributes(line)
        folder, name = uri.rpartition("/")[0], _name(uri)
        if name in without or not all(map(_is_carried, attributes["CODECS"].strip('"').split(","))):
            continue
        told = BANDWIDTH.sub(partial(_with_overhead, float(attributes.get("FRAME-RATE", 0))), line)
        yield f"{told}\n{folder}/{FOLDER}/{name}{'.' + muxed if muxed else ''}.m3u8"


def _with_overhead(frame_rate: float, told: re.Match[str]) -> str:
    """What packets, delimiters and parameter sets add, at most (RFC 8216 section 4.3.4.2 wants no less)."""
    units = frame_rate + (CLOCK_REFERENCES if frame_rate < CLOCK_REFERENCES else 0)
    return f"{told[1]}={ceil(int(told[2]) * PACKETS + units * PICTURE_BITS + SOUND_BPS)}"


def _is_carried(codec: str) -> bool:
    """HEVC belongs into fragmented MP4 (Apple 1.5)."""
    return codec.startswith("avc1.") or codec == AAC_LC


def _sounds(sounds: list[dict[str, str]]) -> Iterator[str]:
    """The default one is in the variants themselves: it has no address (RFC 8216 section 4.3.4.2.1)."""
    for one in sounds:
        muxed = one["DEFAULT"] == "YES"
        yield _rendition({key: value for key, value in one.items() if key != "URI"} if muxed else one)


def _rendition(attributes: dict[str, str]) -> str:
    if uri := attributes.get("URI"):
        folder, _, name = uri.strip('"').rpartition("/")
        attributes = attributes | {"URI": f'"{folder}/{FOLDER}/{name}"'}
    return "#EXT-X-MEDIA:" + ",".join(f"{key}={value}" for key, value in attributes.items())


def _name(uri: str) -> str:
    return uri.rpartition("/")[2].removesuffix(".m3u8")


def _attributes(line: str) -> dict[str, str]:
    return dict(ATTRIBUTE.findall(line.partition(":")[2]))
