"""What the headers of one segment say, whether it is a file or virtual: some kilobytes are read of each."""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vod.containers import boxes
from vod.containers.samples import Samples, Track
from vod.hls.codecs import codec_string
from vod.hls.copyable_codecs import PICTURES
from vod.hls.fragments import SampleDefaults, SampleEntry, media_timescale
from vod.hls.idr import find_non_idr
from vod.hls.segment_index import VirtualSegment
from vod.hls.verify import fragment_samples, read_fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class InitFacts:
    codec: str  # RFC 6381
    track_count: int
    timescale: int
    picture_size: tuple[int, int] | None
    channels: int  # 0 for pictures
    defaults: SampleDefaults
    track: Track


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFacts:
    """Times in ticks of the rendition."""

    uri: str
    size_bytes: int
    start: int  # tfdt
    end: int  # when the last sample has been decoded
    count: int  # of samples
    first_shown: int
    last_shown: int
    longest: int  # of the samples' durations
    keyframes: tuple[int, ...]  # when each sync sample is shown
    begins_with_sync: bool
    begins_with_idr: bool  # by the bits of its first picture; True for sound
    first_sample_end: int  # in bytes from the start of the file


def read_init(data: bytes) -> InitFacts:
    """Raises ValueError for what is not an init section that we can name."""
    codec = codec_string(data)
    (entry,) = boxes.children(data, boxes.require(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"))
    kind = entry.kind.decode("ascii")
    is_picture = boxes.find(data, b"moov", b"trak", b"mdia", b"minf", b"vmhd") is not None or kind in PICTURES
    timescale = media_timescale(data)
    track = Track(
        index=0,
        track_id=1,
        kind="video" if is_picture else "audio",
        codec=kind,
        sample_entry=bytes(data[entry.start : entry.end]),
        timescale=timescale,
    )
    width, height = boxes.unpack("2H", data, entry, 24) if is_picture else (0, 0)
    return InitFacts(
        codec=codec,
        track_count=sum(1 for _ in boxes.find_all(data, b"moov", b"trak")),
        timescale=timescale,
        picture_size=(width, height) if is_picture else None,
        channels=0 if is_picture else boxes.unpack("H", data, entry, 16)[0],
        defaults=SampleDefaults.of_init_section(data),
        track=track,
    )


def read_file(path: Path, uri: str, init: InitFacts) -> SegmentFacts:
    """Raises OSError, or ValueError for a file that is not one segment."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        size = os.fstat(descriptor).st_size
        moof_start, moof, media = read_fragment(partial(os.pread, descriptor), size)
        samples = fragment_samples(moof_start, moof, media, init.defaults)
        first = moof_start + samples[0].offset
        is_idr = _is_idr(descriptor, first, samples[0].size, init.track)
    finally:
        os.close(descriptor)
    return _facts(uri, size, samples, is_idr, first + samples[0].size)


def read_virtual(segment: VirtualSegment, uri: str, init: InitFacts, original: int) -> SegmentFacts:
    """`original` is a descriptor. Raises as `read_file` does."""

    def read(count: int, offset: int) -> bytes:
        return segment.head[offset : offset + count]

    moof_start, moof, media = read_fragment(read, segment.size_bytes)
    samples = fragment_samples(moof_start, moof, media, init.defaults)
    is_idr = bool(segment.offsets) and _is_idr(original, segment.offsets[0], samples[0].size, init.track)
    first_end = moof_start + samples[0].offset + samples[0].size
    return _facts(uri, segment.size_bytes, samples, is_idr, first_end)


def _is_idr(descriptor: int, offset: int, size: int, track: Track) -> bool:
    if track.codec not in PICTURES:
        return True
    first = Samples(
        offsets=array("q", [offset]),
        sizes=array("I", [size]),
        decode_times=array("q", [0]),
        times=array("q", [0]),
        keyframes=array("I", [0]),
        end=1,
    )
    return find_non_idr(descriptor, track, first, [0]) is None


def _facts(uri: str, size: int, samples: list[SampleEntry], is_idr: bool, first_end: int) -> SegmentFacts:
    times = [sample.time for sample in samples]
    return SegmentFacts(
        uri=uri,
        size_bytes=size,
        start=samples[0].decode_time,
        end=samples[-1].end,
        count=len(samples),
        first_shown=min(times),
        last_shown=max(times),
        longest=max(sample.duration for sample in samples),
        keyframes=tuple(sorted(sample.time for sample in samples if sample.sync)),
        begins_with_sync=samples[0].sync,
        begins_with_idr=is_idr,
        first_sample_end=first_end,
    )
