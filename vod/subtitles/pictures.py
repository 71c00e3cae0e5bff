"""Picture subtitles as the page reads them: the original packets in one file, and an index of when each is shown.

`pictures.bin` is runs of records (u32 milliseconds, u32 length, packet; big-endian), `pictures.json` says for each run
when it is shown and where it lies, so that a player fetches by Range what it is about to draw. A run can be drawn
without those before it: an epoch of PGS, or one picture of a DVD.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from vod.subtitles.packets import Packet

PictureKind = Literal["pgs", "vobsub"]

MOST_RUNS = 100_000
LONGEST_RUN_BYTES = 8 << 20
LARGEST_SIDE = 8192
LARGEST_HEAD = 64 << 10

# PGS: a segment is type, u16 length, body; a display set begins with its composition.
COMPOSITION = 0x16
STATE_AT, OBJECTS_AT, COMPOSITION_BYTES = 3 + 7, 3 + 10, 3 + 11
NORMAL_CASE = 0x00  # refines what is shown; the other states start anew

SIZE = re.compile(r"^size:\s*(\d{1,5})x(\d{1,5})", re.MULTILINE)
PALETTE = re.compile(r"^palette:\s*((?:[0-9a-fA-F]{6}[,\s]*){16})", re.MULTILINE)
COLOUR = re.compile(r"[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class Head:
    """The canvas, and the sixteen colours of a DVD; 0 and () where the original does not say."""

    width: int = 0
    height: int = 0
    palette: tuple[str, ...] = ()

    @classmethod
    def of_idx(cls, head: bytes) -> Head:
        """From the text of a VobSub .idx file."""
        text = head[:LARGEST_HEAD].decode("ascii", "replace")
        size, palette = SIZE.search(text), PALETTE.search(text)
        width, height = (min(int(side), LARGEST_SIDE) for side in size.groups()) if size else (0, 0)
        return cls(width, height, tuple(COLOUR.findall(palette[1].lower())) if palette else ())


@dataclass(slots=True)
class _Run:
    start_ms: int
    end_ms: int  # 0: until the next
    offset: int
    length: int = 0


@dataclass(slots=True)
class PictureWriter:
    """Writes one track into `file`; `shift_ms` is the film's time 0 on the packets' clock."""

    kind: PictureKind
    file: BinaryIO
    shift_ms: int
    head: Head = Head()
    runs: list[_Run] = field(default_factory=list)
    written: int = 0

    def add(self, packet: Packet) -> None:
        """A packet from before the film, an empty one, or one behind the last that is counted, is left out."""
        time_ms = packet.time_ms - self.shift_ms
        if time_ms + packet.duration_ms < 0 or not packet.payload:
            return
        if self._begins_run(packet.payload) or len(packet.payload) + self.runs[-1].length > LONGEST_RUN_BYTES:
            if len(self.runs) >= MOST_RUNS:
                return
            self.runs.append(_Run(max(0, time_ms), 0, self.written))
        self._close(packet, time_ms)
        record = struct.pack(">II", max(0, time_ms), len(packet.payload)) + packet.payload
        self.file.write(record)
        self.written += len(record)
        self.runs[-1].length += len(record)

    def index(self) -> str:
        """The JSON beside the file."""
        return json.dumps(
            {
                "kind": self.kind,
                "width": self.head.width,
                "height": self.head.height,
                "palette": self.head.palette,
                "runs": [(run.start_ms, run.end_ms, run.offset, run.length) for run in self.runs],
            },
            separators=(",", ":"),
        )

    def _begins_run(self, payload: bytes) -> bool:
        if not self.runs or self.kind == "vobsub":
            return True
        is_composition = len(payload) >= COMPOSITION_BYTES and payload[0] == COMPOSITION
        return is_composition and payload[STATE_AT] != NORMAL_CASE and payload[OBJECTS_AT] > 0

    def _close(self, packet: Packet, time_ms: int) -> None:
        """When the run's last picture goes: after its duration, or with the composition that shows nothing."""
        if self.kind == "vobsub":
            self.runs[-1].end_ms = time_ms + packet.duration_ms if packet.duration_ms else 0
        elif len(packet.payload) >= COMPOSITION_BYTES and packet.payload[0] == COMPOSITION:
            self.runs[-1].end_ms = time_ms if packet.payload[OBJECTS_AT] == 0 else 0
