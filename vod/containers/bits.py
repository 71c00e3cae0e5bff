"""Bit fields of codec headers, most significant bit first."""

from __future__ import annotations


class Bits:
    """Reads forward; the end of the data is a ValueError."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self.left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self.left:
            raise ValueError("a codec's header is cut off")
        self.left -= count
        return self._value >> self.left & (1 << count) - 1

    def flag(self) -> bool:
        return self.take(1) == 1
