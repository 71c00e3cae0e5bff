"""Matroska's tracks as MP4 describes them: their codec ids become sample entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from pathlib import Path

from vod.containers import aac
from vod.containers.dolby import HEADER_BYTES, SyncFrame, read_ac3, read_eac3
from vod.containers.ebml import Reader
from vod.containers.lattice import Lattice, check_strays, first_sample
from vod.containers.matroska import NANOSECONDS, MatroskaFile, reopen
from vod.containers.matroska_blocks import Block, frames, walk
from vod.containers.matroska_cues import UNTOLD
from vod.containers.matroska_samples import AudioTrack, number_packets
from vod.containers.matroska_tracks import TrackEntry
from vod.containers.sample_entries import audio_entry, avc_configuration, hevc_configuration, visual_entry
from vod.containers.samples import MOST_SAMPLES, NotCopyable, Track

AVC, HEVC = "V_MPEG4/ISO/AVC", "V_MPEGH/ISO/HEVC"
AAC, AC3, EAC3 = "A_AAC", "A_AC3", "A_EAC3"
# Written before 2004 and by a few tools since: the profile is in the name, there may be no CodecPrivate.
AAC_LC_BY_NAME = frozenset({"A_AAC/MPEG4/LC", "A_AAC/MPEG2/LC"})
AAC_SBR_BY_NAME = frozenset({"A_AAC/MPEG4/LC/SBR", "A_AAC/MPEG2/LC/SBR"})
COPYABLE_SOUND = frozenset({AAC, AC3, EAC3}) | AAC_LC_BY_NAME | AAC_SBR_BY_NAME

HEAD_BLOCKS = 64  # of sound, from whose times all others are counted
# A track whose first packet lies behind more elements, or whose last one lies more runs before the end, begins too late
# or ends too early to be copied: half a minute of headers is read for it, not the film.
HEAD_ELEMENTS = 10_000
LAST_RUNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    codec: str
    configuration: bytes  # the box in the sample entry
    sample_rate: int
    channels: int
    frame_samples: int


def video_track(matroska: MatroskaFile, index: int) -> Track:
    """By ffprobe's stream index. Raises NotCopyable for any codec but H.264 and HEVC."""
    entry = _copyable_entry(matroska, index)
    if entry.picture is None:
        raise NotCopyable("the stream is no video")
    if entry.codec_delay_ns:
        raise NotCopyable("the video has a delay")
    if entry.number != matroska.cue_track:
        raise NotCopyable("no cues lead to this video track")
    if entry.codec_id == AVC:
        codec, configuration = "avc1", avc_configuration(entry.codec_private)
    elif entry.codec_id == HEVC:
        codec, configuration = "hvc1", hevc_configuration(entry.codec_private)
    else:
        raise NotCopyable("the video is neither H.264 nor HEVC")
    return Track(
        index=index,
        track_id=entry.number,
        kind="video",
        codec=codec,
        sample_entry=visual_entry(codec.encode(), entry.picture, configuration),
        timescale=matroska.timescale,
    )


def audio_track(path: Path, matroska: MatroskaFile, index: int) -> AudioTrack:
    """By ffprobe's stream index. Blocking: the track's first and last packets are read.

    Raises OSError, or NotCopyable for any codec but AAC, AC-3 and E-AC-3, a damaged file, packets off their lattice.
    """
    entry = _copyable_entry(matroska, index)
    if entry.sound is None:
        raise NotCopyable("the stream is no sound")
    if entry.codec_id not in COPYABLE_SOUND:
        raise NotCopyable("the sound is neither AAC nor AC-3")
    with reopen(path, matroska) as reader:
        head = list(islice(_blocks(reader, matroska, entry.number), HEAD_BLOCKS))
        if not head:
            raise NotCopyable("the sound is empty")
        sound = _sound(reader, entry, head[0])
        lattice = Lattice(
            first_sample=_first_sample(reader, head, matroska.timescale, sound),
            timescale=matroska.timescale,
            sample_rate=sound.sample_rate,
            frame_samples=sound.frame_samples,
            packets=1,
            delay_samples=round(entry.codec_delay_ns * sound.sample_rate / NANOSECONDS),
        )
        lattice = replace(lattice, packets=_count(reader, matroska, entry.number, lattice))
    return AudioTrack(track=_audio_track(entry, sound), lattice=lattice)


def _audio_track(entry: TrackEntry, sound: _Sound) -> Track:
    kind = sound.codec.encode()
    return Track(
        index=entry.index,
        track_id=entry.number,
        kind="audio",
        codec=sound.codec,
        sample_entry=audio_entry(kind, sound.sample_rate, sound.channels, sound.configuration),
        timescale=sound.sample_rate,
        sample_rate=sound.sample_rate,
        channels=sound.channels,
    )


def _copyable_entry(matroska: MatroskaFile, index: int) -> TrackEntry:
    entry = matroska.entry(index)
    if entry.refusal:
        raise NotCopyable(entry.refusal)
    return entry


def _blocks(reader: Reader, matroska: MatroskaFile, number: int) -> Iterator[Block]:
    return walk(reader, matroska.first_cluster, matroska.segment_end, {number}, most_elements=HEAD_ELEMENTS)


def _first_sample(reader: Reader, head: Sequence[Block], timescale: int, sound: _Sound) -> int:
    packets = accumulate((len(frames(reader, block)) for block in head), initial=0)
    times = [(packet, block.time) for packet, block in zip(packets, head, strict=False)]
    return first_sample(times, timescale, sound.sample_rate, sound.frame_samples)


def _count(reader: Reader, matroska: MatroskaFile, number: int, lattice: Lattice) -> int:
    """Packets of the track, told by the last one's time; the run before it must keep to the lattice."""
    for start, end in _runs_from_the_end(matroska):
        blocks = list(walk(reader, start, end, {number}))
        packets = list(number_packets(reader, lattice, blocks, 0 if start == matroska.first_cluster else UNTOLD))
        if blocks:
            check_strays(sum(packet.stray for packet in packets), len(packets))
            return _believable(packets[-1].number + 1)
    raise NotCopyable("the sound ends long before the film")


def _believable(packets: int) -> int:
    if not 0 < packets <= MOST_SAMPLES:
        raise NotCopyable("the sound has too many packets")
    return packets


def _runs_from_the_end(matroska: MatroskaFile) -> Iterator[tuple[int, int]]:
    """Byte ranges of whole clusters: from the last cue to the end, then twice as many cues before that, and so on."""
    clusters = matroska.cues.clusters
    end, index = matroska.segment_end, len(clusters) - 1
    for power in range(LAST_RUNS):
        if index <= 0:
            yield matroska.first_cluster, end
            return
        yield clusters[index], end
        end, index = clusters[index], index - (1 << power)


def _sound(reader: Reader, entry: TrackEntry, first: Block) -> _Sound:
    if entry.codec_id in {AC3, EAC3}:
        offset, size = frames(reader, first)[0]
        header = reader.read(offset, min(size, HEADER_BYTES), HEADER_BYTES)
        return _dolby(entry.codec_id, header, size)
    return _aac(entry)


def _dolby(codec_id: str, header: bytes, size: int) -> _Sound:
    codec, read = ("ac-3", read_ac3) if codec_id == AC3 else ("ec-3", read_eac3)
    frame: SyncFrame = read(header)
    if frame.frame_bytes != size:  # several frames, or substreams for more channels
        raise NotCopyable("the Dolby sound has other than one frame a packet")
    return _Sound(
        codec=codec,
        configuration=frame.configuration,
        sample_rate=frame.sample_rate,
        channels=frame.channels,
        frame_samples=frame.frame_samples,
    )


def _aac(entry: TrackEntry) -> _Sound:
    private = entry.codec_private or _aac_by_name(entry)
    configuration = aac.read_configuration(private)
    return _Sound(
        codec="mp4a",
        configuration=aac.esds(private),
        sample_rate=configuration.sample_rate,
        channels=configuration.channels,
        frame_samples=aac.FRAME_SAMPLES,
    )


def _aac_by_name(entry: TrackEntry) -> bytes:
    if entry.codec_id == AAC or entry.sound is None:
        raise NotCopyable("the AAC sound has no configuration")
    rate = entry.sound.sampling_frequency
    if not 0 < rate <= 1 << 20:  # NaN compares false, too
        raise NotCopyable("the sound has no sample rate")
    return aac.make_configuration(round(rate), entry.sound.channels, sbr=entry.codec_id in AAC_SBR_BY_NAME)
