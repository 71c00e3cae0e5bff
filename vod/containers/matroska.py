"""Matroska and WebM files (RFC 9559) as far as segments are cut from them: header, tracks and cues.

A few reads open a film of any length: the SeekHead tells where Tracks and Cues lie, clusters are not touched. What
blocks hold is read by `vod.containers.matroska_samples`, one segment at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vod.containers import ebml
from vod.containers.ebml import Element, Reader, open_reader
from vod.containers.matroska_cues import LATEST_TICKS, Cues, parse_cues
from vod.containers.matroska_tracks import TrackEntry, parse_tracks
from vod.containers.samples import NotCopyable

EBML_HEADER, DOC_TYPE, DOC_TYPE_READ_VERSION = 0x1A45DFA3, 0x4282, 0x4285
MAX_ID_LENGTH, MAX_SIZE_LENGTH = 0x42F2, 0x42F3
SEGMENT = 0x18538067
SEEK_HEAD, SEEK, SEEK_ID, SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
INFO, TIMESTAMP_SCALE, DURATION = 0x1549A966, 0x2AD7B1, 0x4489
TRACKS, CUES, CLUSTER, ATTACHMENTS = 0x1654AE6B, 0x1C53BB6B, 0x1F43B675, 0x1941A469

DOC_TYPES = frozenset({"matroska", "webm"})
NEWEST_READ_VERSION = 4
NANOSECONDS = 1_000_000_000
DEFAULT_TIMESTAMP_SCALE = 1_000_000  # nanoseconds a tick
COARSEST_TIMESCALE = 100  # frames are told apart, and no time counted in samples leaves 64 bits

MOST_BYTES = 8 << 20  # of one element that is read as a whole; 200,000 cues have six
MOST_HEAD_ELEMENTS = 64  # of the segment, before its first cluster
MOST_SEEK_HEADS = 4
MOST_SEEKS = 64

_WANTED = frozenset({INFO, TRACKS, CUES})


@dataclass(frozen=True, slots=True, kw_only=True)
class MatroskaFile:
    size: int  # bytes
    segment_start: int  # where the segment's first child lies
    segment_end: int
    first_cluster: int
    timescale: int  # ticks a second, of blocks and cues alike
    duration_ticks: int  # as the file claims, 0 where it does not
    entries: tuple[TrackEntry, ...]
    cue_track: int  # the number of the track that `cues` lead to: the first of video, else of sound
    cues: Cues

    def entry(self, index: int) -> TrackEntry:
        """By ffprobe's stream index. Raises NotCopyable for a stream that is no track, such as an attachment."""
        if not 0 <= index < len(self.entries):
            raise NotCopyable("the stream is no track")
        return self.entries[index]


def read_matroska(path: Path) -> MatroskaFile:
    """Blocking; a few reads. Raises OSError, or NotCopyable for a damaged file and one without cues to cut by."""
    with reading(path) as reader:
        return _read(reader)


@contextmanager
def reopen(path: Path, matroska: MatroskaFile) -> Iterator[Reader]:
    """Raises OSError, or NotCopyable where the file is not as long as it was or turns out to be damaged."""
    with reading(path) as reader:
        if reader.size != matroska.size:
            raise NotCopyable("the original has changed")
        yield reader


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Damage is NotCopyable."""
    with open_reader(path) as reader:
        try:
            yield reader
        except NotCopyable:
            raise
        except ValueError as error:
            raise NotCopyable(f"the file is damaged: {error}") from None


def _read(reader: Reader) -> MatroskaFile:
    segment, segment_end = find_segment(reader)
    found = find_parts(reader, segment.body, segment_end)
    for kind, name in ((INFO, "header"), (TRACKS, "track list"), (CUES, "cues"), (CLUSTER, "clusters")):
        if kind not in found:
            raise NotCopyable(f"the file has no {name}")
    info = ebml.fields(_content(reader, found[INFO]))
    entries = parse_tracks(_content(reader, found[TRACKS]))
    cue_track = _cue_track(entries)
    cues = parse_cues(_content(reader, found[CUES]), cue_track, segment.body, segment_end)
    if not cues:
        raise NotCopyable("no cue leads to the track that is cut")
    return MatroskaFile(
        size=reader.size,
        segment_start=segment.body,
        segment_end=segment_end,
        first_cluster=min(found[CLUSTER].start, cues.clusters[0]),
        timescale=_timescale(info),
        duration_ticks=_duration(info),
        entries=entries,
        cue_track=cue_track,
        cues=cues,
    )


def find_segment(reader: Reader) -> tuple[Element, int]:
    """The first segment and its end in the file."""
    header = reader.element(0, reader.size)
    if header.kind != EBML_HEADER or header.end == ebml.UNKNOWN:
        raise NotCopyable("this is no Matroska file")
    _check_header(ebml.fields(_content(reader, header)))
    at = header.end
    for _ in range(MOST_HEAD_ELEMENTS):
        segment = reader.element(at, max(reader.size, at))
        if segment.kind == SEGMENT:
            return segment, reader.size if segment.end == ebml.UNKNOWN else segment.end
        at = segment.end
        if at == ebml.UNKNOWN:
            break
    raise NotCopyable("the file has no segment")


def _check_header(header: dict[int, bytes]) -> None:
    if ebml.text(header.get(DOC_TYPE, b"")) not in DOC_TYPES:
        raise NotCopyable("this is no Matroska file")
    if ebml.unsigned(header.get(DOC_TYPE_READ_VERSION, b"\1")) > NEWEST_READ_VERSION:
        raise NotCopyable("the file asks for a newer reader")
    if ebml.unsigned(header.get(MAX_ID_LENGTH, b"\4")) > 4 or ebml.unsigned(header.get(MAX_SIZE_LENGTH, b"\x08")) > 8:
        raise NotCopyable("the file's ids or sizes are too long")


def find_parts(reader: Reader, start: int, end: int, wanted: frozenset[int] = _WANTED) -> dict[int, Element]:
    """The first of each wanted element: those before the first cluster, then those a SeekHead leads to."""
    found: dict[int, Element] = {}
    seek_heads: list[Element] = []
    at = start
    for _ in range(MOST_HEAD_ELEMENTS):
        element = reader.element(at, end)
        if element.kind == SEEK_HEAD:
            seek_heads.append(element)
        elif element.kind in wanted or element.kind == CLUSTER:
            found.setdefault(element.kind, element)
        if element.kind == CLUSTER or element.end in {ebml.UNKNOWN, end}:
            break
        at = element.end
    for seek_head in _all_seek_heads(reader, seek_heads, start, end):
        for kind, position in _seeks(reader, seek_head, start, end):
            if kind in wanted and kind not in found:
                found[kind] = _expect(reader, kind, position, end)
    return found


def _all_seek_heads(reader: Reader, first: list[Element], start: int, end: int) -> list[Element]:
    """A SeekHead may lead to another; each is read once, and no more than a few."""
    known = {element.start: element for element in first[:MOST_SEEK_HEADS]}
    for element in list(known.values()):
        for kind, position in _seeks(reader, element, start, end):
            if kind == SEEK_HEAD and position not in known and len(known) < MOST_SEEK_HEADS:
                known[position] = _expect(reader, kind, position, end)
    return list(known.values())


def _seeks(reader: Reader, seek_head: Element, start: int, end: int) -> list[tuple[int, int]]:
    """The id of an element and where it lies in the file."""
    content = _content(reader, seek_head)
    seeks = []
    for found in ebml.elements(content):
        if found.kind != SEEK:
            continue
        values = ebml.fields(content, found.body, found.end)
        position = start + ebml.unsigned(values.get(SEEK_POSITION, b""))
        if SEEK_ID in values and position < end:
            seeks.append((ebml.unsigned(values[SEEK_ID]), position))
        if len(seeks) > MOST_SEEKS:
            raise NotCopyable("too many seek entries")
    return seeks


def _expect(reader: Reader, kind: int, position: int, end: int) -> Element:
    element = reader.element(position, end)
    if element.kind != kind:
        raise NotCopyable("the seek head leads to another element than it says")
    return element


def _content(reader: Reader, element: Element) -> bytes:
    if element.end == ebml.UNKNOWN:
        raise NotCopyable(f"element {element.kind:#x} has no size")
    return reader.read(element.body, element.end - element.body, MOST_BYTES)


def _cue_track(entries: tuple[TrackEntry, ...]) -> int:
    for kind in ("video", "audio"):
        for entry in entries:
            if entry.kind == kind:
                return entry.number
    raise NotCopyable("there is neither video nor sound")


def _timescale(info: dict[int, bytes]) -> int:
    scale = ebml.unsigned(info[TIMESTAMP_SCALE]) if TIMESTAMP_SCALE in info else DEFAULT_TIMESTAMP_SCALE
    if scale == 0 or NANOSECONDS % scale:
        raise NotCopyable("the clock's ticks do not divide a second")
    if NANOSECONDS // scale < COARSEST_TIMESCALE:
        raise NotCopyable("the clock's ticks are too coarse")
    return NANOSECONDS // scale


def _duration(info: dict[int, bytes]) -> int:
    duration = ebml.floating(info[DURATION]) if DURATION in info else 0.0
    return int(duration) if math.isfinite(duration) and 0 <= duration < LATEST_TICKS else 0
