"""A whole HLS package as a player gets it: crawled from its multivariant playlist, over HTTP or from a folder."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import m3u8

from vod.containers import boxes
from vod.hls.codecs import codec_string
from vod.hls.fragments import SampleDefaults, SampleEntry, read_entries

MASTER = "master.m3u8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; from a folder there are no headers. `body` is decoded where it was gzip."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


# From a path below the folder of master.m3u8, as in "0123456789abcdef/720p/00000.m4s"
Get = Callable[[str], Awaitable[Answer]]


@dataclass(frozen=True)
class Segment:
    uri: str
    size: int
    extinf: float
    samples: list[SampleEntry]


@dataclass(frozen=True)
class Track:
    """One media playlist and everything it lists."""

    uri: str
    playlist: Any  # m3u8.M3U8
    init: bytes
    segments: list[Segment]

    @property
    def name(self) -> str:
        return posixpath.basename(self.uri).removesuffix(".m3u8")

    @cached_property
    def codec(self) -> str:
        return codec_string(self.init)

    @cached_property
    def timescale(self) -> int:
        mdhd = boxes.require(self.init, b"moov", b"trak", b"mdia", b"mdhd")
        (version,) = boxes.unpack("B", self.init, mdhd)
        return boxes.unpack("I", self.init, mdhd, 20 if version else 12)[0]

    @cached_property
    def sample_entry(self) -> tuple[bytes, boxes.Box]:
        stsd = boxes.require(self.init, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
        (entry,) = boxes.children(self.init, stsd)
        return self.init, entry

    @property
    def samples(self) -> list[SampleEntry]:
        return [sample for segment in self.segments for sample in segment.samples]

    @property
    def starts(self) -> list[Fraction]:
        """When each segment is decoded, in seconds."""
        return [Fraction(segment.samples[0].decode_time, self.timescale) for segment in self.segments]

    @property
    def end(self) -> Fraction:
        return Fraction(self.segments[-1].samples[-1].end, self.timescale)

    @property
    def longest_sample(self) -> Fraction:
        return Fraction(max(sample.duration for sample in self.samples), self.timescale)

    @property
    def average_bps(self) -> float:
        return sum(segment.size for segment in self.segments) * 8 / float(self.end - self.starts[0])

    @property
    def peak_bps(self) -> float:
        """Of any run of segments that lasts 0.5 to 1.5 targets (RFC 8216 4.1); of the whole where none does."""
        target, peak = self.playlist.target_duration, 0.0
        for first in range(len(self.segments)):
            size, seconds = 0, 0.0
            for segment in self.segments[first:]:
                size, seconds = size + segment.size, seconds + segment.extinf
                if seconds > 1.5 * target:
                    break
                peak = max(peak, size * 8 / seconds) if seconds >= target / 2 else peak
        return peak or self.average_bps


@dataclass(frozen=True)
class Package:
    answers: Mapping[str, Answer]
    master: Any  # m3u8.M3U8
    tracks: Mapping[str, Track]  # by URI of the media playlist
    copied: frozenset[str] = frozenset()  # names of renditions that are the original's own

    @property
    def encoded(self) -> list[Track]:
        """What is of our making: the original's own bits are as they are."""
        return [track for track in self.tracks.values() if track.name not in self.copied]

    def text(self, path: str) -> str:
        return self.answers[path].body.decode("utf-8")

    @property
    def variants(self) -> list[Any]:
        return list(self.master.playlists)

    @property
    def video(self) -> list[Track]:
        return [self.tracks[one.uri] for one in self.variants if one.stream_info.resolution]

    def audio_of(self, variant: Any) -> list[Track]:
        """What may be heard with a variant; for one without pictures that is the variant itself too."""
        group = [media for media in variant.media if media.type == "AUDIO"]
        own = [] if variant.stream_info.resolution else [self.tracks[variant.uri]]
        return own + [self.tracks[media.uri] for media in group if media.uri]

    @property
    def audio(self) -> list[Track]:
        return list({track.uri: track for one in self.variants for track in self.audio_of(one)}.values())


async def fetch_package(get: Get, master: str = MASTER, copied: Iterable[str] = ()) -> Package:
    """Fetches each URI once, as a player would resolve it; subtitles have rules of their own."""
    answers = {master: await get(master)}
    multivariant = m3u8.loads(answers[master].body.decode("utf-8"))
    sounds = [one.uri for one in multivariant.media if one.uri and one.type == "AUDIO"]
    uris = [variant.uri for variant in multivariant.playlists] + sounds
    tracks = {uri: await _fetch_track(get, uri, answers) for uri in dict.fromkeys(uris)}
    return Package(answers, multivariant, tracks, frozenset(copied))


async def folder_package(folder: Path) -> Package:
    async def get(path: str) -> Answer:
        return Answer(200, (folder / path).read_bytes())

    return await fetch_package(get)


async def _fetch_track(get: Get, uri: str, answers: dict[str, Answer]) -> Track:
    async def fetch(path: str) -> bytes:
        answers[path] = await get(path)
        return answers[path].body

    playlist = m3u8.loads((await fetch(uri)).decode("utf-8"))
    base = posixpath.dirname(uri)
    init = await fetch(posixpath.join(base, playlist.segments[0].init_section.uri))
    defaults = SampleDefaults.of_init_section(init)
    segments = []
    for listed in playlist.segments:
        path = posixpath.join(base, listed.uri)
        content = await fetch(path)
        segments.append(Segment(path, len(content), listed.duration, _samples(content, defaults)))
    return Track(uri, playlist, init, segments)


def _samples(content: bytes, defaults: SampleDefaults) -> list[SampleEntry]:
    moof = boxes.require(content, b"moof")
    return list(read_entries(content[moof.start : moof.end], defaults))
