"""Input options that go before every `-i`: what an original is allowed to be (security.md 1.2).

The format list is the wall against playlists and scripts that open other files; the codec list keeps rare, hardly
tested decoders away from hostile bytes. Names are ffmpeg's demuxer and *decoder* names, household formats included.
"""

from __future__ import annotations

FORMATS = (
    *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpegts", "mpeg"),
    *("flv", "asf", "ogg", "mxf", "dv", "rm", "wtv", "nut", "amr", "amrnb", "amrwb", "caf", "aiff", "w64"),
    *("wav", "mp3", "flac", "aac", "ac3", "eac3", "dts", "truehd", "mlp", "tta", "ape", "wv"),
    *("srt", "ass"),  # the inner demuxers of AVI subtitles, which would be dropped in silence without them
)
VIDEO_DECODERS = (
    *("h264", "hevc", "libdav1d", "av1", "libaom-av1", "vp6", "vp6f", "vp6a", "vp8", "vp9", "libvpx", "libvpx-vp9"),
    *("mpeg4", "mpeg1video", "mpeg2video", "mpegvideo", "h263", "h263i", "h263p", "msmpeg4v1", "msmpeg4v2", "msmpeg4"),
    *("flv", "wmv1", "wmv2", "wmv3", "vc1", "theora", "mjpeg", "prores", "dnxhd", "dvvideo", "rawvideo", "cinepak"),
    *("svq1", "svq3", "indeo3", "indeo5", "rv10", "rv20", "rv30", "rv40", "huffyuv", "ffvhuff", "ffv1", "msvideo1"),
    *("qtrle", "rpza", "v210", "v408", "v410", "flashsv"),
)
AUDIO_DECODERS = (
    *("aac", "aac_fixed", "aac_latm", "ac3", "ac3_fixed", "eac3", "dca", "truehd", "mlp", "mp1", "mp1float", "mp2"),
    *("mp2float", "mp3", "mp3float", "opus", "libopus", "vorbis", "flac", "alac", "ape", "tta", "wavpack"),
    *("wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice", "amrnb", "amrwb"),
    *("speex", "libspeex", "gsm", "gsm_ms", "libgsm", "libgsm_ms", "nellymoser", "qdm2"),
    *("cook", "real_144", "real_288", "sipr", "dvaudio"),
    *("adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "adpcm_swf", "adpcm_yamaha", "g722"),
    *("g726", "g726le", "g729", "g723_1"),
    *("pcm_s8", "pcm_u8", "pcm_s16le", "pcm_s16be", "pcm_u16le", "pcm_u16be", "pcm_s24le", "pcm_s24be", "pcm_u24le"),
    *("pcm_u24be", "pcm_s32le", "pcm_s32be", "pcm_u32le", "pcm_u32be", "pcm_f32le", "pcm_f32be", "pcm_f64le"),
    *("pcm_f64be", "pcm_alaw", "pcm_mulaw", "pcm_bluray", "pcm_dvd", "pcm_s8_planar", "pcm_s16le_planar"),
    *("pcm_s16be_planar", "pcm_s24le_planar", "pcm_s32le_planar"),
)
SUBTITLE_DECODERS = (
    *("ass", "ssa", "subrip", "srt", "text", "mov_text", "webvtt", "dvdsub", "dvbsub", "pgssub", "xsub", "cc_dec"),
    "libzvbi_teletextdec",  # on nearly every European broadcast; ffprobe gives up on a file with one refused stream
)
COVER_DECODERS = ("png", "gif", "bmp", "tiff", "webp")

# What ffprobe calls the codec where that is not the decoder's name.
CODEC_NAMES = {
    "flv": "flv1",
    "msmpeg4": "msmpeg4v3",
    "dca": "dts",
    "amrnb": "amr_nb",
    "amrwb": "amr_wb",
    "libvpx": "vp8",
    "g722": "adpcm_g722",
    "g726": "adpcm_g726",
    "g726le": "adpcm_g726le",
    "real_144": "ra_144",
    "real_288": "ra_288",
}
VIDEO_CODECS = frozenset(CODEC_NAMES.get(name, name) for name in VIDEO_DECODERS)
AUDIO_CODECS = frozenset(CODEC_NAMES.get(name, name) for name in AUDIO_DECODERS)

MAX_STREAMS = 64
# What a reader needs to find every stream of a Blu-ray or DVD: late audio, subtitles with their first line.
PROBE_BYTES = 20_000_000
ANALYSE_MICROSECONDS = 30_000_000


def input_guards(*, max_pixels: int, format_name: str = "", threads: int = 0) -> dict[str, object]:
    """Keywords for `ffmpeg.input(f"file:{path}", **guards)`.

    `format_name` as the probe stored it ("mov,mp4,m4a,…"): its first name pins the demuxer, so that probe and encoder
    cannot see two different things in one file.
    """
    guards: dict[str, object] = {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(FORMATS),
        "codec_whitelist": ",".join((*VIDEO_DECODERS, *AUDIO_DECODERS, *SUBTITLE_DECODERS, *COVER_DECODERS)),
        "max_streams": MAX_STREAMS,
        "max_pixels": max_pixels,
    }
    if format_name:
        guards["f"] = pinned_format(format_name)
    if threads:
        guards["threads"] = threads
    return guards


def guard_arguments(guards: dict[str, object]) -> list[str]:
    """The same as argv, for commands that are not written with ffmpeg-python."""
    return [word for key, value in guards.items() for word in (f"-{key}", str(value))]


def pinned_format(format_name: str) -> str:
    return format_name.split(",", maxsplit=1)[0]
