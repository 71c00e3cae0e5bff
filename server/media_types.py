"""What each file we serve is called on the wire; nothing is guessed from the system's tables (rule 29)."""

from __future__ import annotations

HLS_PLAYLIST = "application/vnd.apple.mpegurl"
UNKNOWN = "application/octet-stream"

BY_SUFFIX = {
    "m3u8": HLS_PLAYLIST,
    "mpd": "application/dash+xml",
    "mp4": "video/mp4",
    "m4s": "video/iso.segment",
    "ts": "video/mp2t",
    "vtt": "text/vtt; charset=utf-8",
    "ass": "text/plain; charset=utf-8",
    "json": "application/json",
    "bin": UNKNOWN,
    "jpg": "image/jpeg",
    "webp": "image/webp",
}

# What was made from foreign text shows nothing and runs nothing where a browser opens it by itself (security.md 3.5).
FOREIGN_TEXT = ("vtt", "ass")
FOREIGN_FIELDS = {"Content-Security-Policy": "default-src 'none'; sandbox"}

# Of originals, by the extension they were uploaded with. Whatever is not here is bytes to the browser.
BY_ORIGINAL_EXTENSION = {
    "3g2": "video/3gpp2",
    "3gp": "video/3gpp",
    "aac": "audio/aac",
    "avi": "video/x-msvideo",
    "flac": "audio/flac",
    "flv": "video/x-flv",
    "m2ts": "video/mp2t",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mka": "audio/x-matroska",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "mts": "video/mp2t",
    "mxf": "application/mxf",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "ts": "video/mp2t",
    "vob": "video/mpeg",
    "wav": "audio/wav",
    "webm": "video/webm",
    "wmv": "video/x-ms-wmv",
}


def of_original(extension: str) -> str:
    return BY_ORIGINAL_EXTENSION.get(extension, UNKNOWN)
