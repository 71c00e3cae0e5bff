"""All samples of a track, moved by its edit list, before what the list cuts away is left out."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from vod.containers.columns import column, shifted, view, wide
from vod.containers.edit_list import Edit, Kept, keep
from vod.containers.samples import NotCopyable, Samples, Track


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSamples:
    """Columns like those of Samples; `decode_times` has one more, where the last sample ends."""

    offsets: array[int]
    sizes: array[int]
    decode_times: array[int]
    times: array[int]
    keyframes: array[int]
    decode_shift: int  # the most negative composition offset, as a positive number

    def edited(self, track: Track, edit: Edit | None) -> Samples:
        """Raises NotCopyable where nothing is left, or no whole groups of pictures."""
        if not self.sizes:
            raise NotCopyable("it has no samples")
        if edit is None:
            return self._placed(Kept(0, len(self.sizes), 0))
        return self._placed(keep(edit, track.kind, self.times, self.keyframes, track.timescale))

    def _placed(self, kept: Kept) -> Samples:
        part = slice(kept.first, kept.stop)
        times = shifted(self.times[part], kept.shift)
        last = int(np.argmax(view(times)))
        length = self.decode_times[kept.first + last + 1] - self.decode_times[kept.first + last]
        return Samples(
            offsets=self.offsets[part],
            sizes=self.sizes[part],
            # libavformat decodes earlier rather than letting a picture be shown before it is decoded
            decode_times=shifted(self.decode_times[part], kept.shift - self.decode_shift),
            times=times,
            keyframes=self._keyframes(kept),
            end=times[last] + length,
        )

    def _keyframes(self, kept: Kept) -> array[int]:
        found = self.keyframes[bisect_left(self.keyframes, kept.first) : bisect_left(self.keyframes, kept.stop)]
        return column("I", wide(found) - kept.first)
