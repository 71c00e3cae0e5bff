"""Columns of integers, reckoned with as a whole: half a million samples lie between an upload's last byte and its first
segment.

They are kept as `array`s of the standard library, which anyone may walk through. `view` lends one to numpy without a
copy, `column` keeps what numpy found.
"""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.signedinteger[Any]] | NDArray[np.unsignedinteger[Any]]


def view(column: array[int]) -> NDArray[np.int64]:
    """The column's own memory, in its own width. Only to be read: others hold it, too."""
    found: NDArray[np.int64] = np.asarray(column)
    found.flags.writeable = False
    return found


def wide(column: array[int]) -> NDArray[np.int64]:
    """In 64 bits, so that sums and products of what fits into 32 fit. The column's own memory where it has them."""
    return view(column).astype(np.int64, copy=False)


def column(code: str, values: Integers) -> array[int]:
    """Raises OverflowError where a value has no room in such a column."""
    room = np.iinfo(code)
    if values.size and not (int(values.min()) >= room.min and int(values.max()) <= room.max):
        raise OverflowError(f"a value has no room in a column of {code!r}")
    return array(code, values.astype(code).tobytes())


def shifted(times: array[int], shift: int) -> array[int]:
    return column("q", wide(times) + shift) if shift else times


def counted(count: int) -> array[int]:
    """Positions from 0 on."""
    return column("I", np.arange(count))


def rise(values: Integers) -> bool:
    """Whether each is more than the one before it."""
    return bool((values[1:] > values[:-1]).all())
