"""What was read of a film's HLS package: its playlists, and the facts of every rendition whose files are whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from vod.hls.bandwidth import peak_bps
from vod.hls.doctor.listing import NUMBER, Entry, Listing, Multivariant
from vod.hls.doctor.segments import InitFacts, SegmentFacts
from vod.hls.grid import Grid
from vod.hls.plan import Plan
from vod.hls.playlist import MICROSECONDS

# Less is no segment, and any number of them would fit into the time that a peak is looked for in.
SHORTEST_MICROSECONDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    where: str
    what: str
    is_note: bool = False  # true, but no rule is broken by it


@dataclass(frozen=True, kw_only=True)
class Track:
    """One audio or video playlist; `segments` are all of those it lists, or it would be no track."""

    name: str
    listing: Listing
    init: InitFacts
    segments: tuple[SegmentFacts, ...]
    as_it_stands: bool

    def seconds(self, ticks: int) -> Fraction:
        return Fraction(ticks, self.init.timescale)

    @property
    def is_video(self) -> bool:
        return self.init.picture_size is not None

    @cached_property
    def starts(self) -> list[Fraction]:
        return [self.seconds(segment.start) for segment in self.segments]

    @property
    def end(self) -> Fraction:
        return self.seconds(self.segments[-1].end)

    @cached_property
    def longest_sample(self) -> Fraction:
        return self.seconds(max(segment.longest for segment in self.segments))

    @cached_property
    def sample_count(self) -> int:
        return sum(segment.count for segment in self.segments)

    @cached_property
    def usual_sample(self) -> Fraction:
        return (self.end - self.starts[0]) / self.sample_count

    @cached_property
    def average_bps(self) -> float:
        size = sum(segment.size_bytes for segment in self.segments)
        return size * 8 * MICROSECONDS / max(self.listing.edges[-1], 1)

    @cached_property
    def peak_bps(self) -> float:
        if min(segment.microseconds for segment in self.listing.segments) < SHORTEST_MICROSECONDS:
            return self.average_bps
        grid = Grid(MICROSECONDS, tuple(self.listing.edges))
        return peak_bps([segment.size_bytes for segment in self.segments], grid)


@dataclass(frozen=True, kw_only=True)
class Package:
    plan: Plan
    master: Multivariant
    listings: Mapping[str, Listing]  # of every media playlist that can be read, by its URI in the master
    tracks: Mapping[str, Track]  # of those with audio or video whose files are all there and whole
    faults: tuple[Fault, ...]  # files that are missing or damaged
    cue_faults: tuple[Fault, ...]  # segments of subtitles without a clock

    @property
    def videos(self) -> list[Track]:
        return [track for track in self.tracks.values() if track.is_video]

    @property
    def sounds(self) -> list[Track]:
        return [track for track in self.tracks.values() if not track.is_video]

    @property
    def has_sound(self) -> bool:
        return any(one.get("TYPE") == "AUDIO" for one in self.master.media)

    def media_listings(self) -> Iterator[tuple[str, Listing]]:
        """Audio and video, no subtitles and no I-frames."""
        other = {one.uri for one in self.master.iframes} | {one.uri for one in self.subtitles}
        yield from ((uri, listing) for uri, listing in self.listings.items() if uri not in other)

    def channels(self, uri: str) -> int:
        """As the master tells, for sample entries say 2 of what has more."""
        told = next((one.get("CHANNELS") for one in self.master.media if one.uri == uri), "").partition("/")[0]
        return int(told) if NUMBER.match(told) else self.tracks[uri].init.channels

    @property
    def subtitles(self) -> list[Entry]:
        return [one for one in self.master.media if one.get("TYPE") == "SUBTITLES"]

    def heard_with(self, variant: Entry) -> list[Track] | None:
        """What a group offers beside the variant, or the variant itself without pictures; None: not all is known."""
        uris = [one.uri for one in self.master.group("AUDIO", variant.get("AUDIO")) if one.uri]
        if variant.resolution is None:
            uris.append(variant.uri)
        found = [self.tracks.get(uri) for uri in dict.fromkeys(uris)]
        known = [track for track in found if track is not None]
        return known if len(known) == len(found) else None
