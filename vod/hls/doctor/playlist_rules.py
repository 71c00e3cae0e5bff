"""The rules that playlists and init sections answer: one function a rule of hls-rules.md, which yields its faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from vod.hls.doctor.listing import Entry, Listing
from vod.hls.doctor.package import Fault, Package, Track
from vod.hls.ladder import box_lines
from vod.hls.multivariant import FIRST_VARIANT_LINES
from vod.hls.playlist import MICROSECONDS
from vod.storage import MASTER

VIDEO_CODECS = frozenset({"avc1", "avc3", "hvc1", "hev1", "av01"})
UNTAGGED = frozenset({"avc3", "hev1"})  # parameter sets among the samples: Apple 1.10 wants them in the init section
HIGHEST_PROFILE, HIGHEST_LEVEL = 100, 41  # High, 4.1
AAC_LC = "mp4a.40.2"
LEAST_VERSION = 6
TRANSCRIBES = "public.accessibility.transcribes-spoken-dialog"
URI_ATTRIBUTE = re.compile(r'URI="([^"]*)"')
TELLS_NOTHING = re.compile(r"([0-9a-f]{16}/)?[a-z0-9-]+(/[a-z0-9-]+)?\.(m3u8|mp4|m4s|vtt)\Z")

Faults = Iterator[Fault]


def codecs_match(package: Package) -> Faults:
    for variant in package.master.variants:
        heard, own = package.heard_with(variant), package.tracks.get(variant.uri)
        if not variant.codecs:
            yield Fault(where=variant.uri, what="CODECS is missing")
        elif heard is not None and own is not None:
            real = {own.init.codec, *(track.init.codec for track in heard)}
            if set(variant.codecs) != real:
                told = ",".join(variant.codecs)
                yield Fault(
                    where=variant.uri, what=f"CODECS says {told}, the init sections say {','.join(sorted(real))}"
                )


def codecs_are_few(package: Package) -> Faults:
    for variant in package.master.variants:
        kinds = [codec.partition(".")[0] for codec in variant.codecs]
        pictures = sum(kind in VIDEO_CODECS for kind in kinds)
        sounds = len(kinds) - pictures
        if pictures > 1:
            yield Fault(where=variant.uri, what=f"CODECS lists {pictures} codecs of pictures")
        if variant.codecs and sounds != (1 if package.has_sound else 0):
            yield Fault(where=variant.uri, what=f"CODECS lists {sounds} codecs of sound")


def segments_are_independent(package: Package) -> Faults:
    pictures = {variant.uri for variant in package.master.variants}
    listings = [listing for uri, listing in package.media_listings() if uri in pictures]
    if not package.master.independent and not all(one.has("EXT-X-INDEPENDENT-SEGMENTS") for one in listings):
        yield Fault(where=MASTER, what="EXT-X-INDEPENDENT-SEGMENTS is missing")


def range_is_told(package: Package) -> Faults:
    ranges = {variant.uri: variant.get("VIDEO-RANGE") for variant in package.master.variants}
    for uri, told in ranges.items():
        real = _video_range(package, package.tracks.get(uri))
        if uri in package.tracks and (told or "SDR") != real:
            yield Fault(where=uri, what=f"VIDEO-RANGE is {told or 'missing'}, its pictures are {real}")
    if ranges and not set(ranges.values()) & {"", "SDR"}:
        yield Fault(where=MASTER, what="there is no SDR variant")


def _video_range(package: Package, track: Track | None) -> str:
    """Only the original's own pictures are ever anything but SDR."""
    video = package.plan.video
    return video.transfer.upper() if video and track and track.as_it_stands and track.is_video else "SDR"


def something_plays_everywhere(package: Package) -> Faults:
    codecs = [track.init.codec for track in package.videos]
    for track in package.videos:
        if track.init.codec.partition(".")[0] in UNTAGGED:
            yield Fault(where=track.name, what=f"{track.init.codec[:4]} keeps parameter sets among its samples")
    if codecs and not any(_is_plain(codec) for codec in codecs):
        yield Fault(where=MASTER, what="no rung is H.264 of High profile and level 4.1 at most")
    if package.sounds and not any(_is_stereo(package, uri) for uri in package.tracks):
        yield Fault(where=MASTER, what="no track is stereo AAC")


def _is_plain(codec: str) -> bool:
    if not re.match(r"avc1\.[0-9A-F]{6}\Z", codec):
        return False
    profile, _, level = bytes.fromhex(codec[5:])
    return profile <= HIGHEST_PROFILE and level <= HIGHEST_LEVEL


def _is_stereo(package: Package, uri: str) -> bool:
    return package.tracks[uri].init.codec == AAC_LC and package.channels(uri) <= 2


def first_variant_is_middling(package: Package) -> Faults:
    """Of those that every player takes, where there are some."""
    variants = [variant for variant in package.master.variants if variant.resolution]
    common = [variant for variant in variants if variant.get("CODECS").startswith("avc1")] or variants
    if any(_is_middling(variant) for variant in common) and not _is_middling(variants[0]):
        told = variants[0].get("RESOLUTION")
        yield Fault(where=MASTER, what=f"the first variant is {told}, though there is one of 540-720p")


def _is_middling(variant: Entry) -> bool:
    width, height = variant.resolution or (0, 0)
    return box_lines(Fraction(width), Fraction(height)) in FIRST_VARIANT_LINES


def sound_is_apart(package: Package) -> Faults:
    for one in package.master.media:
        missing = [name for name in ("TYPE", "GROUP-ID", "NAME", "LANGUAGE") if not one.get(name)]
        if missing:
            yield Fault(where=one.uri or one.get("NAME"), what=f"EXT-X-MEDIA lacks {', '.join(missing)}")
        if one.get("TYPE") == "AUDIO" and not one.uri and package.videos:
            yield Fault(where=one.get("NAME"), what="its sound has no playlist of its own")
    for variant in package.master.variants:
        group = variant.get("AUDIO")
        if package.has_sound and not package.master.group("AUDIO", group):
            yield Fault(where=variant.uri, what=f"AUDIO names {group or 'no group'}, which does not exist")
    for track in package.tracks.values():
        if track.init.track_count != 1:
            yield Fault(where=track.name, what=f"{track.init.track_count} tracks lie in one file")


def iframes_are_right(package: Package) -> Faults:
    encoded = [track.name for track in package.videos if not track.as_it_stands]
    if not package.master.iframes and package.videos:
        why = "" if encoded else ": its pictures are copied alone"
        yield Fault(where=MASTER, what=f"there is no I-frame playlist{why}; winding shows nothing", is_note=True)
    for variant in package.master.iframes:
        missing = [name for name in ("CODECS", "RESOLUTION", "BANDWIDTH") if not variant.get(name)]
        if missing or not variant.uri:
            yield Fault(where=variant.uri, what=f"EXT-X-I-FRAME-STREAM-INF lacks {', '.join(missing or ['URI'])}")
        if variant.uri in package.listings:
            yield from _iframe_faults(package, variant, package.listings[variant.uri])


def _iframe_faults(package: Package, variant: Entry, listing: Listing) -> Faults:
    if not listing.has("EXT-X-I-FRAMES-ONLY"):
        yield Fault(where=variant.uri, what="EXT-X-I-FRAMES-ONLY is missing")
    known = {segment.uri: segment for track in package.videos for segment in track.segments}
    base = variant.uri.rpartition("/")[0]
    for listed in listing.segments:
        uri = f"{base}/{listed.uri}" if base else listed.uri
        segment = known.get(uri)
        if listed.byte_range is None:
            yield Fault(where=uri, what="it is listed without EXT-X-BYTERANGE")
        elif segment and not segment.first_sample_end <= listed.byte_range[1] <= segment.size_bytes:
            yield Fault(where=uri, what=f"its byte range ends at {listed.byte_range[1]}, the keyframe does not")


def there_is_no_break(package: Package) -> Faults:
    for uri, listing in package.media_listings():
        if listing.has("EXT-X-DISCONTINUITY"):
            yield Fault(where=uri, what="it has an EXT-X-DISCONTINUITY")


def there_is_one_map(package: Package) -> Faults:
    for uri, listing in package.media_listings():
        version = listing.value("EXT-X-VERSION")
        if not version.isdecimal() or int(version) < LEAST_VERSION:
            yield Fault(where=uri, what=f"EXT-X-VERSION is {version or 'missing'}")
        if len(listing.maps) != 1:
            yield Fault(where=uri, what=f"it has {len(listing.maps)} EXT-X-MAP")


def it_is_finished(package: Package) -> Faults:
    for uri, listing in package.listings.items():
        if listing.value("EXT-X-PLAYLIST-TYPE") != "VOD":
            yield Fault(where=uri, what=f"EXT-X-PLAYLIST-TYPE is {listing.value('EXT-X-PLAYLIST-TYPE') or 'missing'}")
        if not listing.has("EXT-X-ENDLIST"):
            yield Fault(where=uri, what="EXT-X-ENDLIST is missing")


def everything_is_there(package: Package) -> Faults:
    yield from package.faults
    for uri, listing in package.listings.items():
        if not listing.segments:
            yield Fault(where=uri, what="it lists nothing")
    if not package.master.variants:
        yield Fault(where=MASTER, what="it lists no variant")


def subtitles_are_right(package: Package) -> Faults:
    yield from package.cue_faults
    deaf = {track.name for track in package.plan.subtitles if track.hearing_impaired}
    lengths = [listing.edges[-1] for uri, listing in package.media_listings()]
    for one in package.subtitles:
        name = one.uri.rpartition("/")[2].removesuffix(".m3u8")
        if not one.get("LANGUAGE"):
            yield Fault(where=one.uri, what="LANGUAGE is missing")
        if one.get("FORCED") == "YES" and one.get("AUTOSELECT") != "YES":
            yield Fault(where=one.uri, what="it is forced, but AUTOSELECT is not YES")
        if name in deaf and TRANSCRIBES not in one.get("CHARACTERISTICS"):
            yield Fault(where=one.uri, what=f"CHARACTERISTICS lacks {TRANSCRIBES}")
        listing = package.listings.get(one.uri)
        if listing and lengths and max(lengths) - listing.edges[-1] > MICROSECONDS:
            yield Fault(where=one.uri, what=f"it ends at {listing.edges[-1] / 1e6:.3f} s of {max(lengths) / 1e6:.3f} s")
    for variant in package.master.variants:
        if package.subtitles and not package.master.group("SUBTITLES", variant.get("SUBTITLES")):
            yield Fault(where=variant.uri, what="SUBTITLES names no group that exists")
        captions = package.master.group("CLOSED-CAPTIONS", variant.get("CLOSED-CAPTIONS"))
        if package.plan.captions and variant.resolution and not captions:
            yield Fault(where=variant.uri, what="CLOSED-CAPTIONS names no group that exists")


def texts_have_no_mark(package: Package) -> Faults:
    texts = {MASTER: package.master.text} | {uri: one.text for uri, one in package.listings.items()}
    for uri, text in texts.items():
        if text.startswith("\ufeff"):
            yield Fault(where=uri, what="it begins with a byte order mark")


def uris_stay_below(package: Package) -> Faults:
    for where, uri in _every_uri(package):
        if "?" in uri or ".." in uri or "//" in uri or uri.startswith("/"):
            yield Fault(where=where, what=f"{uri[:80]!r} leaves the token of the path")


def names_tell_nothing(package: Package) -> Faults:
    for where, uri in _every_uri(package):
        if not TELLS_NOTHING.match(uri):
            yield Fault(where=where, what=f"{uri[:80]!r} is no name of ours")


def _every_uri(package: Package) -> Iterator[tuple[str, str]]:
    texts = {MASTER: package.master.text} | {uri: one.text for uri, one in package.listings.items()}
    for where, text in texts.items():
        for line in text.split("\n"):
            if not line.startswith("#") and line:
                yield where, line
            else:
                yield from ((where, uri) for uri in URI_ATTRIBUTE.findall(line))
