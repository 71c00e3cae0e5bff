"""The argv of an audio span: one track as stereo AAC on an absolute sample clock.

Sample n of the rendition is at n / rate of the film, whichever span it was made in, so seams are inaudible and
playlists are exact before anything is encoded (design.md section 2, rule 4).
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import ffmpeg

from vod.hls.encode import (
    FIRST_PIPE,
    FRAGMENT_FLAGS,
    MUXER_OPTIONS,
    UNINDEXED_MARGIN_SECONDS,
    Input,
    Span,
    compiled,
    open_original,
    seek_time,
)
from vod.hls.plan import AAC_FRAME_SAMPLES, AudioPlan, Plan

# Audio decoders need a few packets before they are right (AAC overlap, MP3 bit reservoir, Opus pre-roll 80 ms).
DECODER_MARGIN_SECONDS = Fraction(1)

# AAC frames before the first wanted one, in which the encoder's rate control settles: ten seconds. With two, a seam in
# quiet music was 50 dB noisier than in one whole encode, with a second 6 dB; ten cost a sixtieth of a span.
PREROLL_FRAMES = 470
PRIMING_PACKETS = 1
# Frames after the last wanted one: the encoder looks ahead.
POSTROLL_FRAMES = 2


def audio_arguments(plan: Plan, audio: AudioPlan, span: Span, source: Input) -> list[str]:
    """One rendition. Before the wanted packets come `packets_before` that only settle the encoder."""
    first_sample, end_sample = audio.cuts[span.first], audio.cuts[span.last + 1]
    first_sample -= _preroll_frames(audio, span) * AAC_FRAME_SAMPLES
    end_sample += POSTROLL_FRAMES * AAC_FRAME_SAMPLES
    sound = open_original(plan, source, _audio_seek(plan, audio, span))[str(audio.stream_index)]
    sound = sound.filter("asetpts", _lattice_times(plan, audio))
    if (trim := _source_sample(audio, first_sample)) > 0:
        sound = sound.filter("atrim", start_pts=trim)
    sound = (
        sound.filter(
            "aresample",
            audio.sample_rate,
            # fill gaps and drop overlaps of over 0.1 s, never stretch: sample n of the rendition is at n / rate
            **{"async": 1},
            # silence where the track begins later than the span
            first_pts=first_sample,
            # full scale stays full scale when six channels become two
            rematrix_maxval=1.0,
            # the layout of every output, whatever the original's
            ochl="stereo",
            # the encoder's own sample format
            osf="fltp",
        )
        .filter("apad", whole_len=end_sample - first_sample)
        .filter("atrim", end_sample=end_sample - first_sample)
    )
    return compiled([ffmpeg.output(sound, f"pipe:{FIRST_PIPE}", **_audio_options(audio))])


def packets_before(first_cut: int) -> int:
    """How many packets of a span that begins at this cut, in samples, come before the first wanted one."""
    return PRIMING_PACKETS + min(PREROLL_FRAMES, first_cut // AAC_FRAME_SAMPLES)


def _preroll_frames(audio: AudioPlan, span: Span) -> int:
    return packets_before(audio.cuts[span.first]) - PRIMING_PACKETS


def _audio_seek(plan: Plan, audio: AudioPlan, span: Span) -> Fraction | None:
    preroll_samples = _preroll_frames(audio, span) * AAC_FRAME_SAMPLES
    wanted = Fraction(audio.cuts[span.first] - preroll_samples, audio.sample_rate)
    margin = DECODER_MARGIN_SECONDS + span.seek_back_seconds + (0 if plan.indexed else UNINDEXED_MARGIN_SECONDS)
    return seek_time(plan, span, wanted - margin)


def _audio_options(audio: AudioPlan) -> dict[str, object]:
    return {
        "c:a": "aac",
        "b:a": audio.bitrate_bps,
        "flags:a": "+bitexact",
        **MUXER_OPTIONS,
        "movflags": FRAGMENT_FLAGS,
        # a fragment a second: small enough to flow, large enough not to cost
        "frag_duration": 1_000_000,
    }


def _lattice_times(plan: Plan, audio: AudioPlan) -> str:
    """An `asetpts` expression: film time in samples, freed of the container's rounding.

    A Matroska tick is 44 samples wide, so two spans would differ by up to that at their seam. Packets start on a
    lattice (every 1024 samples for AAC): a frame that is within a rounding of it is moved onto it, so that a span
    hears what a decode from the beginning would.
    """
    shifted = f"PTS-({round(plan.start_seconds * audio.source_sample_rate)})"
    tick_samples = audio.source_tick_seconds * audio.source_sample_rate
    lattice, phase = audio.source_frame_samples, audio.source_first_sample
    if tick_samples <= 1 or lattice <= tick_samples + 2:
        return shifted
    # half a tick for the frame's rounding, half for the phase's own
    near = min(tick_samples + 1, Fraction(lattice, 2) - 1)
    move = f"round((PTS-({phase}))/{lattice})*{lattice}+({phase})-PTS"
    return f"{shifted}+if(lte(abs({move}),{float(near):.3f}),{move},0)"


def _source_sample(audio: AudioPlan, sample: int) -> int:
    """The original's sample at `sample` of the rendition, moved back to where both clocks tick together.

    A resampler's phase depends on its first sample; from a common tick every span resamples alike.
    """
    step = audio.source_sample_rate // gcd(audio.source_sample_rate, audio.sample_rate)
    return sample * audio.source_sample_rate // audio.sample_rate // step * step
