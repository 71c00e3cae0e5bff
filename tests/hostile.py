"""Files that mean harm, each named like a film (security.md 1.1). `victim` is a film that belongs to somebody else."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.clips import clip, make

Builder = Callable[[Path, Path], None]  # writes the sample to its first path

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n"
HLS_MAP = '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI="{0}"\n#EXTINF:4,\n{0}\n#EXT-X-ENDLIST\n'
HLS_VARIANT = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n{}\n"
HLS_LIVE = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n"
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT4S">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="v" bandwidth="1000"><BaseURL>{}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>"
)
CONCAT = "ffconcat version 1.0\nfile '{}'\n"
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><image href="{}" width="64" height="64"/></svg>'
PLAIN_TEXT = "\x1b[31mA text that a generous demuxer would show as a film.\n" * 40

AUDIO_TRACKS = 400
CHAPTERS = 20_000
GAP_SECONDS = 90_000
PICTURE_SIDE = 16_000
RUDE_TITLE = "<script>\x1b[2Jalert(1)</script>\x01\n[/FORMAT]\u202egnp.exe" + "x" * 600


def _text(template: str, url: Callable[[Path], str]) -> Builder:
    return lambda path, victim: _write(path, template.format(url(victim)))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _file_url(victim: Path) -> str:
    return f"file://{victim}"


def _sibling(victim: Path) -> str:
    return victim.name


def _absolute(victim: Path) -> str:
    return str(victim)


def _climbing(victim: Path) -> str:
    return f"../{victim.parent.name}/{victim.name}"


def picture_bomb(path: Path, victim: Path) -> None:
    """16,000 x 16,000 white points in 40 kB."""
    row = b"\0" + b"\xff" * (PICTURE_SIDE // 8)
    header = struct.pack(">IIBBBBB", PICTURE_SIDE, PICTURE_SIDE, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(row * PICTURE_SIDE)), (b"IEND", b"")]
    png = path.with_suffix(".png")
    png.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )
    )
    make("-i", str(png), "-c", "copy", str(path))


def many_tracks(path: Path, victim: Path) -> None:
    make("-i", str(clip("audio-only.m4a")), *(["-map", "0"] * AUDIO_TRACKS), "-c", "copy", str(path))


def many_chapters(path: Path, victim: Path) -> None:
    lines = [";FFMETADATA1"]
    for n in range(CHAPTERS):
        lines += ["[CHAPTER]", "TIMEBASE=1/10000", f"START={n}", f"END={n + 1}", f"title={'chapter' * 40} {n}"]
    chapters = path.with_suffix(".txt")
    chapters.write_text("\n".join(lines), encoding="utf-8")
    make("-i", str(clip("h264.mkv")), "-i", str(chapters), "-map", "0", "-map_chapters", "1", "-c", "copy", str(path))


def gap_bomb(path: Path, victim: Path) -> None:
    """Two frames, 25 hours apart: at a constant rate 2.25 million."""
    spread = f"setpts=N*{GAP_SECONDS}/TB"
    two_frames = ("-f", "lavfi", "-i", "color=s=64x64:r=1:d=2")
    make(*two_frames, "-vf", spread, "-fps_mode", "passthrough", "-c:v", "libx264", str(path))


def rude_title(path: Path, victim: Path) -> None:
    titles = ("-metadata:s:a:0", f"title={RUDE_TITLE}", "-metadata:s:a:0", "language=<b>")
    make("-i", str(clip("h264.mkv")), "-map", "0", "-c", "copy", *titles, str(path))


def playlist_in_subtitle(path: Path, victim: Path) -> None:
    """A GAB2 subtitle stream whose text is a playlist; made as raw pictures, then relabelled."""
    playlist = HLS.format(_file_url(victim)).encode()
    block = b"GAB2\0" + struct.pack("<HIHI", 2, 0, 4, len(playlist)) + playlist
    raw = path.with_suffix(".raw")
    raw.write_bytes(block.ljust(64 * 64, b"\0"))
    pictures = ("-f", "rawvideo", "-pixel_format", "gray", "-video_size", "64x64", "-i", str(raw))
    make("-i", str(clip("b-frames.avi")), *pictures, "-map", "0:v", "-map", "1:v", "-c", "copy", str(path))
    content = path.read_bytes()
    film, subtitle = content.index(b"vids"), content.index(b"vids", content.index(b"vids") + 4)
    assert film < subtitle
    path.write_bytes(content[:subtitle] + b"txts" + content[subtitle + 4 :])


def xbin(path: Path, victim: Path) -> None:
    """80 x 25 characters, which ffmpeg would render as a picture."""
    path.write_bytes(b"XBIN\x1a" + struct.pack("<HHBB", 80, 25, 16, 0) + b"A\x07" * 2000)


def rare_codec(path: Path, victim: Path) -> None:
    """MagicYUV: hardly tested, and the door of CVE-2026-8461."""
    shutil.copy(clip("magicyuv.avi"), path)


REFUSED: dict[str, Builder] = {
    **{
        f"playlist-{url.__name__.strip('_')}.{suffix}": _text(HLS, url)
        for url in (_file_url, _absolute, _climbing, _sibling)
        for suffix in ("mp4", "avi", "mkv", "mov", "ts")
    },
    "playlist-map.mp4": _text(HLS_MAP, _file_url),
    "playlist-variant.mp4": _text(HLS_VARIANT, _file_url),
    "playlist-live.mp4": _text(HLS_LIVE, _absolute),
    "playlist-itself.mp4": lambda path, _: _write(path, HLS_VARIANT.format(path.name)),
    "playlist-http.mp4": _text(HLS, lambda _: "http://127.0.0.1:9/film.ts"),
    "dash.mp4": _text(DASH, _file_url),
    "dash-sibling.mp4": _text(DASH, _sibling),
    "concat.mp4": _text(CONCAT, _absolute),
    "concat-sibling.mp4": _text(CONCAT, _sibling),
    "concat-endless.mp4": lambda path, victim: _write(path, CONCAT + f"file {victim.name}\n" * 20_000),
    "session.mp4": lambda path, _: _write(path, SDP),
    "drawing.mp4": _text(SVG, _file_url),
    "text.mp4": lambda path, _: _write(path, PLAIN_TEXT),
    "text.nfo": lambda path, _: _write(path, PLAIN_TEXT),
    "xbin.mp4": xbin,
    "picture-bomb.mkv": picture_bomb,
    "many-tracks.mkv": many_tracks,
    "gap-bomb.mkv": gap_bomb,
    "rare-codec.avi": rare_codec,
}
SANITISED: dict[str, Builder] = {
    "many-chapters.mkv": many_chapters,
    "rude-title.mkv": rude_title,
    "playlist-in-subtitle.avi": playlist_in_subtitle,
}
