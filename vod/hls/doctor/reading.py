"""A film's HLS package as it lies on disk, found as a player finds it: from `master.m3u8` along the URIs.

What is missing or damaged is a fault of the package, not an error: the rest is still looked at. Only headers are read
of segments; those of a copied rendition are looked up in its index. Blocking: call it in a thread.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from vod.hls.doctor.listing import Listing, Multivariant, read_media_playlist, read_multivariant
from vod.hls.doctor.package import Fault, Package, Track
from vod.hls.doctor.segments import InitFacts, SegmentFacts, read_file, read_init, read_virtual
from vod.hls.plan import Copied, Plan, RemuxedRung
from vod.hls.segment_index import SegmentIndex, VirtualSegment, read_segment
from vod.hls.verify import LARGEST_INIT_BYTES
from vod.storage import MASTER, SEGMENT_INDEX, index_name

LARGEST_PLAYLIST_BYTES = 8 << 20
# Names that a program of ours makes; nothing else is followed to the disk.
OWN_URI = re.compile(r"(?:[a-z0-9][a-z0-9-]*/)*[a-z0-9][a-z0-9-]*\.(?:m3u8|mp4|m4s|vtt)\Z")
SEGMENT_NUMBER = re.compile(r"(\d{5,7})\.m4s\Z")
CUE_HEAD = b"WEBVTT\nX-TIMESTAMP-MAP="
MISSING = "it is missing"
NO_CLOCK = "it does not begin with WEBVTT and X-TIMESTAMP-MAP"

T = TypeVar("T")


def read_package(folder: Path, plan: Plan, original: Path | None, on_demand: Collection[str] = frozenset()) -> Package:
    """`folder` is `hls/{id}`; holes of the renditions `on_demand` are filled when somebody asks, and no fault.

    Raises OSError or ValueError where there is no readable `master.m3u8`.
    """
    master = read_multivariant(_text(folder / MASTER))
    listings: dict[str, Listing] = {}
    tracks: dict[str, Track] = {}
    faults: list[Fault] = []
    cue_faults: list[Fault] = []
    iframes = {one.uri for one in master.iframes}
    subtitles = {one.uri for one in master.media if one.get("TYPE") == "SUBTITLES"}
    for uri in _uris(master):
        try:
            listing = listings[uri] = read_media_playlist(_text(_inside(folder, uri)))
            if uri in subtitles:
                cue_faults += _faults_of_cues(folder, uri, listing, faults)
            elif uri not in iframes:
                tracks |= _read_track(_Place(folder, plan, original, uri), listing, faults, on_demand)
        except (OSError, ValueError) as fault:
            faults.append(Fault(where=uri, what=said(fault)))
    return Package(
        plan=plan,
        master=master,
        listings=listings,
        tracks=tracks,
        faults=tuple(faults),
        cue_faults=tuple(cue_faults),
    )


def _uris(master: Multivariant) -> Iterable[str]:
    every = [one.uri for one in (*master.variants, *master.media, *master.iframes)]
    return dict.fromkeys(uri for uri in every if uri)


class _Place(NamedTuple):
    """Where a media playlist was found."""

    folder: Path
    plan: Plan
    original: Path | None
    uri: str

    @property
    def name(self) -> str:
        return posixpath.basename(self.uri).removesuffix(".m3u8")

    @property
    def base(self) -> str:
        return posixpath.dirname(self.uri)


def _read_track(place: _Place, listing: Listing, faults: list[Fault], on_demand: Collection[str]) -> dict[str, Track]:
    """By its URI; nothing where a file is missing or damaged. Raises OSError or ValueError."""
    init = _read_init(place.folder, place.base, listing)
    rendition = place.plan.renditions.get(place.name)
    is_virtual, as_it_stands = isinstance(rendition, Copied), isinstance(rendition, Copied | RemuxedRung)
    found: list[Fault] = []
    with ExitStack() as held:
        read = _copied_reader(place, init, held) if is_virtual else _file_reader(place.folder, init)
        segments = tuple(_read_segments(listing, place.base, read, found))
    may_lack = place.name in on_demand
    faults += [replace(fault, is_note=may_lack and fault.what == MISSING) for fault in found]
    if found or not segments:
        return {}
    return {
        place.uri: Track(
            name=place.name,
            listing=listing,
            init=init,
            segments=segments,
            as_it_stands=as_it_stands,
        )
    }


def _read_init(folder: Path, base: str, listing: Listing) -> InitFacts:
    maps = listing.maps
    if not maps:
        raise ValueError("it names no init section")
    path = _inside(folder, posixpath.join(base, maps[0]))
    if path.stat().st_size > LARGEST_INIT_BYTES:
        raise ValueError("its init section is too large")
    return read_init(path.read_bytes())


Read = Callable[[str], SegmentFacts]


def _read_segments(listing: Listing, base: str, read: Callable[[str], T], faults: list[Fault]) -> Iterator[T]:
    for listed in listing.segments:
        uri = posixpath.join(base, listed.uri)
        try:
            yield read(uri)
        except (OSError, ValueError, IndexError) as fault:
            faults.append(Fault(where=uri, what=said(fault)))


def _file_reader(folder: Path, init: InitFacts) -> Read:
    return lambda uri: read_file(_inside(folder, uri), uri, init)


def _copied_reader(place: _Place, init: InitFacts, held: ExitStack) -> Read:
    if place.original is None:
        raise ValueError("the original of its copied segments is missing")
    rendition = place.folder / place.base / place.name
    descriptor = os.open(place.original, os.O_RDONLY | os.O_CLOEXEC)
    held.callback(os.close, descriptor)
    size = os.fstat(descriptor).st_size
    index = None
    if (rendition / SEGMENT_INDEX).exists():
        index = held.enter_context(closing(SegmentIndex.open(rendition / SEGMENT_INDEX)))

    def read(uri: str) -> SegmentFacts:
        number = _number(uri)
        segment = index.segment(number) if index else read_segment(rendition / index_name(number), 0)
        if _reach(segment) > size:
            raise ValueError("the original has become shorter")
        return read_virtual(segment, uri, init, descriptor)

    return read


def _reach(segment: VirtualSegment) -> int:
    return max((offset + length for offset, length in segment.ranges), default=0)


def _number(uri: str) -> int:
    found = SEGMENT_NUMBER.search(uri)
    if found is None:
        raise ValueError("it is no segment's name")
    return int(found[1])


def _faults_of_cues(folder: Path, uri: str, listing: Listing, faults: list[Fault]) -> list[Fault]:
    read = _read_segments(listing, posixpath.dirname(uri), _cue_reader(folder), faults)
    return [Fault(where=segment, what=NO_CLOCK) for segment, has_clock in read if not has_clock]


def _cue_reader(folder: Path) -> Callable[[str], tuple[str, bool]]:
    """Whether a segment of cues tells where its clock lies on the film's."""

    def read(uri: str) -> tuple[str, bool]:
        with _inside(folder, uri).open("rb") as file:
            return uri, file.read(len(CUE_HEAD)) == CUE_HEAD

    return read


def _inside(folder: Path, uri: str) -> Path:
    """A URI that is not of our making is not looked for."""
    if not OWN_URI.match(uri):
        raise ValueError(f"{uri[:80]!r} is no name of ours")
    return folder / uri


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST_PLAYLIST_BYTES:
        raise ValueError("it is too large for a playlist")
    return path.read_bytes().decode("utf-8")


def said(fault: Exception) -> str:
    """Without the disk's paths."""
    if isinstance(fault, FileNotFoundError):
        return MISSING
    return (fault.strerror or "it cannot be read") if isinstance(fault, OSError) else str(fault)
