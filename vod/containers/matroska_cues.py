"""Cues (RFC 9559 §5.1.5): where the keyframes of one track lie."""

from __future__ import annotations

import itertools
from array import array
from dataclasses import dataclass

from vod.containers import ebml
from vod.containers.samples import NotCopyable

MOST_CUES = 200_000  # two hours of all-intra video at 25 frames a second have 180,000

CUE_POINT, CUE_TIME, CUE_TRACK_POSITIONS = 0xBB, 0xB3, 0xB7
CUE_TRACK, CUE_CLUSTER_POSITION, CUE_RELATIVE_POSITION = 0xF7, 0xF1, 0xF0
LARGEST_FILE_BYTES = 1 << 62
LATEST_TICKS = 1 << 50  # thirteen days of nanoseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """Columns of one length, rising in `times`; two cues may share a cluster."""

    times: array[int]  # "q": ticks
    clusters: array[int]  # "q": bytes from the start of the file to the cluster's header
    relatives: array[int]  # "q": bytes from the cluster's first child to the block; UNTOLD where it is not told

    def __len__(self) -> int:
        return len(self.times)


UNTOLD = -1


def parse_cues(content: bytes, track: int, segment_start: int, segment_end: int) -> Cues:
    """Of the track with this number. Raises ValueError for too many, NotCopyable for any out of order or the file."""
    cues = Cues(times=array("q"), clusters=array("q"), relatives=array("q"))
    for point in ebml.elements(content, most=MOST_CUES):
        if point.kind == CUE_POINT:
            _add(cues, content, point, track, segment_start)
    _check(cues, segment_start, segment_end)
    return cues


def _add(cues: Cues, content: bytes, point: ebml.Element, track: int, segment_start: int) -> None:
    time = None
    for found in ebml.elements(content, point.body, point.end, ebml.MOST_FIELDS):
        if found.kind == CUE_TIME:
            time = ebml.unsigned(content[found.body : found.end])
        elif found.kind == CUE_TRACK_POSITIONS:
            values = ebml.fields(content, found.body, found.end)
            if ebml.unsigned(values.get(CUE_TRACK, b"")) != track:
                continue
            if time is None or CUE_CLUSTER_POSITION not in values:
                raise NotCopyable("a cue lacks its time or its cluster")
            cluster = segment_start + ebml.unsigned(values[CUE_CLUSTER_POSITION])
            relative = ebml.unsigned(values[CUE_RELATIVE_POSITION]) if CUE_RELATIVE_POSITION in values else UNTOLD
            _append(cues, time, cluster, relative)


def _append(cues: Cues, time: int, cluster: int, relative: int) -> None:
    if time > LATEST_TICKS or max(cluster, relative) > LARGEST_FILE_BYTES:
        raise NotCopyable("a cue points beyond all films")
    if cues.times and cues.times[-1] == time and cues.clusters[-1] == cluster:
        return  # some writers name a keyframe twice
    cues.times.append(time)
    cues.clusters.append(cluster)
    cues.relatives.append(relative)


def _check(cues: Cues, segment_start: int, segment_end: int) -> None:
    if any(later <= earlier for earlier, later in itertools.pairwise(cues.times)):
        raise NotCopyable("the cues' times are out of order")
    if any(later < earlier for earlier, later in itertools.pairwise(cues.clusters)):
        raise NotCopyable("the cues' clusters are out of order")
    if cues.clusters and not segment_start <= cues.clusters[0] <= cues.clusters[-1] < segment_end:
        raise NotCopyable("a cue points outside the file")
