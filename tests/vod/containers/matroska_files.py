"""Matroska files written element by element, for what ffmpeg's muxer never writes: laces, unknown sizes, lies."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from vod.containers.dolby import read_ac3

EBML_HEADER, DOC_TYPE = 0x1A45DFA3, 0x4282
SEGMENT, SEEK_HEAD, SEEK, SEEK_ID, SEEK_POSITION = 0x18538067, 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
INFO, TIMESTAMP_SCALE, TRACKS, TRACK_ENTRY, CUES = 0x1549A966, 0x2AD7B1, 0x1654AE6B, 0xAE, 0x1C53BB6B
NUMBER, TYPE, CODEC_ID, AUDIO, SAMPLING_FREQUENCY, CHANNELS = 0xD7, 0x83, 0x86, 0xE1, 0xB5, 0x9F
CUE_POINT, CUE_TIME, CUE_POSITIONS, CUE_TRACK, CUE_CLUSTER = 0xBB, 0xB3, 0xB7, 0xF7, 0xF1
CLUSTER, TIMESTAMP, SIMPLE_BLOCK, BLOCK_GROUP, BLOCK = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1
BLOCK_DURATION, DISCARD_PADDING = 0x9B, 0x75A2
VOID, CRC32 = 0xEC, 0xBF
XIPH, FIXED, EBML = 2, 4, 6
KEYFRAME = 0x80
MILLISECOND = 1_000_000

SOUND_TRACK = 7  # numbers need not count from one


def element(kind: int, *contents: bytes | int) -> bytes:
    body = b"".join(one.to_bytes(8) if isinstance(one, int) else one for one in contents)
    return name(kind) + (1 << 56 | len(body)).to_bytes(8) + body


def unsized(kind: int, *contents: bytes) -> bytes:
    return name(kind) + b"\x01" + b"\xff" * 7 + b"".join(contents)


def name(kind: int) -> bytes:
    return kind.to_bytes((kind.bit_length() + 7) // 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFilm:
    """One AC-3 track; a cluster holds `blocks_a_cluster` blocks of `frames_a_block` frames."""

    frames: list[bytes]
    times: list[int]  # of each frame, in ticks
    lacing: int = 0
    frames_a_block: int = 1
    blocks_a_cluster: int = 8
    grouped: bool = False
    live: bool = False  # sizes of segment and clusters unknown
    codec_id: bytes = b"A_AC3"
    track_fields: bytes = b""  # further elements of the TrackEntry
    scale: int = MILLISECOND
    padding: bytes = element(VOID, bytes(3))  # in every cluster
    circles: int = 0  # seek entries that lead to their own seek head
    cue_times: dict[int, int] = field(default_factory=dict)  # lies: cluster number to time

    def render(self) -> bytes:
        clusters = self._clusters()
        head = b"".join((_info(self.scale), self._tracks()))
        start = len(_seek_head(0, self.circles)) + len(head)
        positions, at = [], start
        for cluster in clusters:
            positions.append(at)
            at += len(cluster)
        body = (_seek_head(at, self.circles), head, *clusters, self._cues(positions))
        segment = unsized(SEGMENT, *body) if self.live else element(SEGMENT, *body)
        return element(EBML_HEADER, element(DOC_TYPE, b"matroska")) + segment

    def write(self, path: Path) -> Path:
        path.write_bytes(self.render())
        return path

    def _tracks(self) -> bytes:
        sound = element(AUDIO, element(SAMPLING_FREQUENCY, bytes.fromhex("40e7700000000000")), element(CHANNELS, 1))
        codec = element(CODEC_ID, self.codec_id)
        entry = (element(NUMBER, SOUND_TRACK), element(TYPE, 2), codec, sound, self.track_fields)
        return element(TRACKS, element(TRACK_ENTRY, *entry))

    def _first_frames(self) -> list[int]:
        """Of each cluster."""
        return list(range(0, len(self.frames), self.frames_a_block * self.blocks_a_cluster))

    def _clusters(self) -> list[bytes]:
        step = self.frames_a_block * self.blocks_a_cluster
        return [self._cluster(first, min(first + step, len(self.frames))) for first in self._first_frames()]

    def _cluster(self, first: int, end: int) -> bytes:
        blocks = [
            self._block(n, min(n + self.frames_a_block, end), first) for n in range(first, end, self.frames_a_block)
        ]
        write = unsized if self.live else element
        return write(CLUSTER, element(CRC32, bytes(4)), element(TIMESTAMP, self.times[first]), self.padding, *blocks)

    def _block(self, first: int, end: int, cluster_first: int) -> bytes:
        relative = self.times[first] - self.times[cluster_first]
        flags = self.lacing | (0 if self.grouped else KEYFRAME)
        payload = laced(self.lacing, self.frames[first:end])
        content = bytes((0x80 | SOUND_TRACK,)) + relative.to_bytes(2, signed=True) + bytes((flags,)) + payload
        if not self.grouped:
            return element(SIMPLE_BLOCK, content)
        duration = element(BLOCK_DURATION, 32 * (end - first))
        return element(BLOCK_GROUP, element(VOID, b"x"), element(BLOCK, content), duration, element(DISCARD_PADDING, 0))

    def _cues(self, positions: list[int]) -> bytes:
        points = []
        for number, (position, first) in enumerate(zip(positions, self._first_frames(), strict=True)):
            place = element(CUE_POSITIONS, element(CUE_TRACK, SOUND_TRACK), element(CUE_CLUSTER, position))
            points.append(element(CUE_POINT, element(CUE_TIME, self.cue_times.get(number, self.times[first])), place))
        return element(CUES, *points)


def laced(lacing: int, frames: list[bytes]) -> bytes:
    sizes = [len(frame) for frame in frames[:-1]]
    count = bytes((len(frames) - 1,)) if lacing else b""
    if lacing == XIPH:
        count += b"".join(b"\xff" * (size // 255) + bytes((size % 255,)) for size in sizes)
    elif lacing == EBML and sizes:
        differences = [later - earlier for earlier, later in itertools.pairwise(sizes)]
        count += (0x4000 | sizes[0]).to_bytes(2)
        count += b"".join((0x4000 | difference + (1 << 13) - 1).to_bytes(2) for difference in differences)
    return count + b"".join(frames)


def ac3_frames(raw: bytes) -> list[bytes]:
    size = read_ac3(raw).frame_bytes
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def _info(scale: int) -> bytes:
    return element(INFO, element(TIMESTAMP_SCALE, scale))


def _seek_head(cues_at: int, circles: int) -> bytes:
    return element(SEEK_HEAD, *[_seek(SEEK_HEAD, 0)] * circles, _seek(CUES, cues_at))


def _seek(kind: int, position: int) -> bytes:
    return element(SEEK, element(SEEK_ID, name(kind)), element(SEEK_POSITION, position))
