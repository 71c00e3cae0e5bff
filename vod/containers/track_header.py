"""What a `trak` says of itself, its samples aside: number, kind, clock and the one sample description."""

from __future__ import annotations

from vod.containers import boxes
from vod.containers.boxes import Box
from vod.containers.samples import Kind, NotCopyable, Track

KINDS: dict[bytes, Kind] = {b"vide": "video", b"soun": "audio"}
SELF_CONTAINED = 1  # flag of a data reference: the media lie in this file
MOST_TIMESCALE = 1 << 31
MOST_ENTRY_BYTES = 1 << 20  # parameter sets are a few hundred bytes
DATA_REFERENCE = 6  # bytes into a sample entry's body
AUDIO_FIELDS = 8  # where version, channels and rate begin
UNNAMED = "...."


def read_kind(moov: bytes, trak: Box) -> Kind:
    """Raises ValueError where the track does not say."""
    return KINDS.get(boxes.body(moov, find(moov, trak, b"mdia", b"hdlr"))[8:12], "other")


def read_track(moov: bytes, trak: Box, index: int, kind: Kind) -> Track:
    """Raises ValueError where the track is damaged, NotCopyable where its media are not plain or not here."""
    entry = _only_entry(moov, trak)
    if entry.kind in (b"encv", b"enca"):
        raise NotCopyable("it is encrypted")
    _refuse_foreign_data(moov, trak, entry)
    channels, sample_rate = _sound(moov, entry) if kind == "audio" else (0, 0)
    return Track(
        index=index,
        track_id=_track_id(moov, trak),
        kind=kind,
        codec=entry.kind.decode("latin-1"),
        sample_entry=moov[entry.start : entry.end],
        timescale=_timescale(moov, find(moov, trak, b"mdia", b"mdhd"), 12, 20),
        sample_rate=sample_rate,
        channels=channels,
    )


def unreadable_track(index: int, kind: Kind) -> Track:
    """Stands for a track that is nothing for us, so that the others keep their positions."""
    return Track(index=index, track_id=0, kind=kind, codec=UNNAMED, sample_entry=b"", timescale=1)


def movie_timescale(moov: bytes) -> int:
    return _timescale(moov, boxes.require(moov, b"moov", b"mvhd"), 12, 20)


def find(moov: bytes, parent: Box, *path: bytes) -> Box:
    """The first box at `path` below `parent`. Raises NotCopyable where there is none."""
    for kind in path:
        found = next((child for child in boxes.children(moov, parent) if child.kind == kind), None)
        if found is None:
            raise NotCopyable(f"there is no {kind.decode('latin-1')} box")
        parent = found
    return parent


def _timescale(moov: bytes, header: Box, offset: int, wide_offset: int) -> int:
    """Of mvhd and mdhd, whose times have 64 bits in version 1."""
    (version,) = boxes.unpack("B", moov, header)
    (timescale,) = boxes.unpack("I", moov, header, wide_offset if version else offset)
    if not 0 < timescale < MOST_TIMESCALE:
        raise NotCopyable(f"its timescale is {timescale}")
    return timescale


def _track_id(moov: bytes, trak: Box) -> int:
    header = find(moov, trak, b"tkhd")
    (version,) = boxes.unpack("B", moov, header)
    return boxes.unpack("I", moov, header, 20 if version else 12)[0]


def _only_entry(moov: bytes, trak: Box) -> Box:
    stsd = find(moov, trak, b"mdia", b"minf", b"stbl", b"stsd")
    (count,) = boxes.unpack("I", moov, stsd, 4)
    if count != 1:
        raise NotCopyable(f"it has {count} sample descriptions")
    entry = next(boxes.children(moov, stsd), None)
    if entry is None or entry.end - entry.start > MOST_ENTRY_BYTES:
        raise NotCopyable("its sample description is missing or huge")
    return entry


def _refuse_foreign_data(moov: bytes, trak: Box, entry: Box) -> None:
    (reference,) = boxes.unpack("H", moov, entry, DATA_REFERENCE)
    references = list(boxes.children(moov, find(moov, trak, b"mdia", b"minf", b"dinf", b"dref")))
    if not 1 <= reference <= len(references):
        raise NotCopyable("its data reference leads nowhere")
    (flags,) = boxes.unpack("I", moov, references[reference - 1])
    if not flags & SELF_CONTAINED:
        raise NotCopyable("its media lie in another file")


def _sound(moov: bytes, entry: Box) -> tuple[int, int]:
    """Channels and samples a second, as the entry tells them; a version 2 entry of QuickTime has wider fields."""
    (version,) = boxes.unpack("H", moov, entry, AUDIO_FIELDS)
    if version != 2:
        channels, rate = boxes.unpack("H6xI", moov, entry, AUDIO_FIELDS + 8)
        return channels, rate >> 16
    rate, channels = boxes.unpack("dI", moov, entry, AUDIO_FIELDS + 24)
    if not 0 < rate < MOST_TIMESCALE:
        raise NotCopyable("its sample rate is no number")
    return channels, int(rate)
