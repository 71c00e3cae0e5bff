"""AC-3 and E-AC-3 sync frames (ETSI TS 102 366): their headers, and the boxes that describe them in MP4 (annex F)."""

from __future__ import annotations

from dataclasses import dataclass

from vod.containers.bits import Bits
from vod.containers.boxes import box
from vod.containers.samples import NotCopyable

HEADER_BYTES = 8  # as many as are read of a sync frame here
SYNC_WORD = 0x0B77
BLOCK_SAMPLES = 256
AC3_FRAME_SAMPLES = 6 * BLOCK_SAMPLES

_SAMPLE_RATES = (48_000, 44_100, 32_000)
_CHANNELS = (2, 1, 2, 3, 3, 4, 4, 5)  # by acmod, without the low frequency effects
_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_BLOCKS = (1, 2, 3, 6)
_HIGHEST_AC3_BSID = 8  # 9 and 10 are half and quarter sample rates, which no standard describes
_EAC3_BSID = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFrame:
    sample_rate: int
    channels: int
    frame_samples: int
    frame_bytes: int
    configuration: bytes  # the dac3 or dec3 box


def read_ac3(header: bytes) -> SyncFrame:
    """Raises ValueError for what is no sync frame, NotCopyable for what no player surely takes."""
    bits = _after_sync_word(header)
    bits.take(16)  # crc1
    rate_code, size_code, bsid, bsmod, mode = bits.take(2), bits.take(6), bits.take(5), bits.take(3), bits.take(3)
    _skip_mix_levels(bits, mode)
    lfe = bits.take(1)
    if rate_code == len(_SAMPLE_RATES) or size_code >> 1 >= len(_KBPS) or bsid > _HIGHEST_AC3_BSID:
        raise NotCopyable("the AC-3 sound is of an unusual kind")
    fields = rate_code << 22 | bsid << 17 | bsmod << 14 | mode << 11 | lfe << 10 | size_code >> 1 << 5
    return SyncFrame(
        sample_rate=_SAMPLE_RATES[rate_code],
        channels=_CHANNELS[mode] + lfe,
        frame_samples=AC3_FRAME_SAMPLES,
        frame_bytes=_ac3_frame_bytes(_SAMPLE_RATES[rate_code], size_code),
        configuration=box(b"dac3", fields.to_bytes(3)),
    )


def read_eac3(header: bytes) -> SyncFrame:
    """As `read_ac3`, for one independent substream; bsmod is taken for 0, a complete main service."""
    bits = _after_sync_word(header)
    stream_type, substream, frame_bytes = bits.take(2), bits.take(3), 2 * (bits.take(11) + 1)
    rate_code, blocks_code, mode, lfe, bsid = bits.take(2), bits.take(2), bits.take(3), bits.take(1), bits.take(5)
    if stream_type or substream or rate_code == len(_SAMPLE_RATES) or bsid != _EAC3_BSID:
        raise NotCopyable("the E-AC-3 sound is of an unusual kind")
    rate, samples = _SAMPLE_RATES[rate_code], BLOCK_SAMPLES * _BLOCKS[blocks_code]
    kbps = frame_bytes * 8 * rate // (samples * 1000)
    substream_fields = rate_code << 22 | bsid << 17 | mode << 9 | lfe << 8
    return SyncFrame(
        sample_rate=rate,
        channels=_CHANNELS[mode] + lfe,
        frame_samples=samples,
        frame_bytes=frame_bytes,
        configuration=box(b"dec3", (kbps << 3).to_bytes(2), substream_fields.to_bytes(3)),
    )


def _after_sync_word(header: bytes) -> Bits:
    bits = Bits(header[:HEADER_BYTES])
    if bits.take(16) != SYNC_WORD:
        raise ValueError("the sound begins with no sync frame")
    return bits


def _skip_mix_levels(bits: Bits, mode: int) -> None:
    """cmixlev, surmixlev and dsurmod stand only where the channels ask for them."""
    centre = mode & 1 and mode != 1
    surround = mode & 4
    stereo = mode == 2
    bits.take(2 * sum(map(bool, (centre, surround, stereo))))


def _ac3_frame_bytes(rate: int, size_code: int) -> int:
    """Table 4.13: whole 16-bit words; at 44.1 kHz an odd code has one more."""
    words = _KBPS[size_code >> 1] * 1000 * AC3_FRAME_SAMPLES // (16 * rate)
    return 2 * (words + (size_code & 1 if rate == 44_100 else 0))
