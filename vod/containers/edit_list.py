"""Edit lists (ISO/IEC 14496-12 §8.6.6), as far as a film can be handed on under them: a pause, then one stretch.

What is kept and how it is timed follows libavformat's `mov_fix_index`, for every other reader of an original here is
ffmpeg: the first picture shown lies exactly behind the pause, sound keeps up to a second before its first sample.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from vod.containers import boxes
from vod.containers.boxes import Box
from vod.containers.columns import view
from vod.containers.samples import Kind, NotCopyable

EMPTY = -1  # the media_time of a pause
NORMAL_RATE = (1, 0)  # 16.16
MOST_EDITS = 2
MOST_SECONDS = 1 << 24  # half a year; a pause or a start beyond is nonsense


class Edit(NamedTuple):
    """In ticks of the track: `length` ticks from `start` on are shown behind the pause."""

    pause: int = 0
    start: int = 0
    length: int = 0  # 0: to the end

    @property
    def shift(self) -> int:
        """From the clock of the media to that of the film."""
        return self.pause - self.start


class Kept(NamedTuple):
    """`first:stop` of the samples, in decode order, and what is still added to their times."""

    first: int
    stop: int
    shift: int


def read_edit(moov: bytes, trak: Box, movie_timescale: int, timescale: int) -> Edit | None:
    """None without a list. Raises ValueError where it is damaged, NotCopyable where it is more than one stretch."""
    elst = next((found for found in _edit_lists(moov, trak)), None)
    if elst is None:
        return None
    version, count = boxes.unpack("B3xI", moov, elst)
    if not count:
        return None
    if count > MOST_EDITS:
        raise NotCopyable(f"its edit list has {count} entries")
    layout, size = ("Qq2h", 20) if version else ("Ii2h", 12)
    entries = [boxes.unpack(layout, moov, elst, 8 + size * n) for n in range(count)]
    pause = 0
    if count == MOST_EDITS:
        if entries[0][1] != EMPTY:
            raise NotCopyable("its edit list joins several stretches")
        pause = _rescale(entries.pop(0)[0], timescale, movie_timescale)
    return _stretch(entries[0], pause, timescale, movie_timescale)


def _edit_lists(moov: bytes, trak: Box) -> list[Box]:
    return [
        child
        for edts in boxes.children(moov, trak)
        if edts.kind == b"edts"
        for child in boxes.children(moov, edts)
        if child.kind == b"elst"
    ]


def _stretch(entry: tuple[int, ...], pause: int, timescale: int, movie_timescale: int) -> Edit:
    duration, start, *rate = entry
    if start < 0 or tuple(rate) != NORMAL_RATE:
        raise NotCopyable("its edit list is not played at normal speed")
    if max(pause, start) > MOST_SECONDS * timescale:
        raise NotCopyable("its edit list begins beyond all time")
    return Edit(pause, start, _rescale(duration, timescale, movie_timescale))


def _rescale(duration: int, timescale: int, movie_timescale: int) -> int:
    """Rounded half up, as av_rescale does."""
    if movie_timescale <= 0:
        raise NotCopyable("the movie has no timescale")
    return (2 * duration * timescale + movie_timescale) // (2 * movie_timescale)


def keep(edit: Edit, kind: Kind, times: array[int], keyframes: Sequence[int], timescale: int) -> Kept:
    """`times` are of all samples, one at least, in decode order, moved by the edit's shift. Raises NotCopyable."""
    end = edit.pause + edit.length if edit.length else int(view(times).max()) + 1
    if kind == "audio":
        kept = Kept(max(bisect_right(times, edit.pause - timescale) - 1, 0), bisect_left(times, end), 0)
    else:
        kept = _keep_pictures(edit.pause, end, times, keyframes)
    if kept.stop <= kept.first:
        raise NotCopyable("its edit list shows nothing")
    return kept


def _keep_pictures(start: int, end: int, times: array[int], keyframes: Sequence[int]) -> Kept:
    earliest, latest = int(view(times).min()), int(view(times).max())
    if start <= earliest and latest < end:
        return Kept(0, len(times), start - earliest)
    first = max((key for key in keyframes if times[key] <= start), default=0)
    shown = [n for n in range(first, len(times)) if start <= times[n] < end]
    if not shown:
        raise NotCopyable("its edit list shows nothing")
    if shown[-1] - first + 1 != len(shown):
        raise NotCopyable("its edit list cuts inside a group of pictures")
    return Kept(first, shown[-1] + 1, start - min(times[n] for n in shown))
