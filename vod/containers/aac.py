"""AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) and the esds box (14496-14) that carries it."""

from __future__ import annotations

from dataclasses import dataclass

from vod.containers.bits import Bits
from vod.containers.boxes import full_box
from vod.containers.samples import NotCopyable

FRAME_SAMPLES = 1024  # of the core; with SBR twice as many come out, of the doubled rate
LONGEST_CONFIGURATION_BYTES = 64

LC, SBR, PS = 2, 5, 29
_ESCAPED_RATE = 15
_SAMPLE_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)  # by channelConfiguration; 0 leaves it to the stream
_SBR_SYNC_EXTENSION = 0x2B7
_ES, _DECODER_CONFIG, _DECODER_SPECIFIC, _SYNC_LAYER = 3, 4, 5, 6
_MPEG4_AUDIO, _AUDIO_STREAM = 0x40, 0x15  # objectTypeIndication; streamType 5 and a reserved bit that is set


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioConfiguration:
    sample_rate: int  # of the core, in which packets are counted
    channels: int


def read_configuration(data: bytes) -> AudioConfiguration:
    """Raises NotCopyable for all but AAC-LC, alone or as the core of HE-AAC, in frames of 1024."""
    if len(data) > LONGEST_CONFIGURATION_BYTES:
        raise NotCopyable("the AAC sound has an unusual configuration")
    bits = Bits(data)
    object_type = bits.take(5)
    rate = _sample_rate(bits)
    channels = bits.take(4)
    if object_type in {SBR, PS}:
        _sample_rate(bits)  # of the extension
        object_type = bits.take(5)
    short_frames = bits.flag()
    if object_type != LC or short_frames or not 0 < channels < len(_CHANNELS):
        raise NotCopyable("the AAC sound is neither AAC-LC nor HE-AAC")
    return AudioConfiguration(sample_rate=rate, channels=_CHANNELS[channels])


def make_configuration(sample_rate: int, channels: int, *, sbr: bool) -> bytes:
    """For old Matroska files that tell the codec by its name alone."""
    if sample_rate not in _SAMPLE_RATES or channels not in _CHANNELS[1:]:
        raise NotCopyable("the AAC sound has an unusual configuration")
    value = LC << 11 | _SAMPLE_RATES.index(sample_rate) << 7 | _CHANNELS.index(channels) << 3
    if not sbr:
        return value.to_bytes(2)
    if 2 * sample_rate not in _SAMPLE_RATES:
        raise NotCopyable("the AAC sound has an unusual configuration")
    extension = _SBR_SYNC_EXTENSION << 13 | SBR << 8 | 1 << 7 | _SAMPLE_RATES.index(2 * sample_rate) << 3
    return (value << 24 | extension).to_bytes(5)


def esds(configuration: bytes) -> bytes:
    decoder = bytes((_MPEG4_AUDIO, _AUDIO_STREAM)) + bytes(11) + _descriptor(_DECODER_SPECIFIC, configuration)
    content = bytes(3) + _descriptor(_DECODER_CONFIG, decoder) + _descriptor(_SYNC_LAYER, b"\2")
    return full_box(b"esds", 0, 0, _descriptor(_ES, content))


def _descriptor(tag: int, content: bytes) -> bytes:
    if len(content) >= 1 << 7:
        raise NotCopyable("the AAC sound has an unusual configuration")
    return bytes((tag, len(content))) + content


def _sample_rate(bits: Bits) -> int:
    index = bits.take(4)
    rate = bits.take(24) if index == _ESCAPED_RATE else dict(enumerate(_SAMPLE_RATES)).get(index)
    if rate not in _SAMPLE_RATES:
        raise NotCopyable("the AAC sound has an unusual configuration")
    return rate
