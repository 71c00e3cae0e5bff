"""ffmpeg's complaints about an original, as sentences a person understands."""

from __future__ import annotations

import re

from vod.errors import ProcessError, ProcessTimeout

NO_INDEX = "moov atom not found"
NOT_A_FILM = "This kind of file is not a film or a recording."
# Text named .mp4 is taken for MP4 by its name; MP4 proper starts with one of these boxes.
FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx", b"uuid")

# In this order: the first that is found says the most.
SENTENCES = (
    (NO_INDEX, "Its index is missing or damaged; the upload may have been cut short."),
    (r"Format not on whitelist|Protocol .* not on whitelist", NOT_A_FILM),
    (r"Codec \((\w+)\) not on whitelist", "It holds a stream in a format that is not supported ({})."),
    (r"exceeds specified max pixel count|Picture size \S+ is invalid", "The picture is too large."),
    (r"exceeds max_streams|Number of streams exceeds", "It holds too many streams."),
    (
        r"Invalid data found|could not find codec parameters",
        "This file is not a film or a recording, or it is damaged.",
    ),
    (r"End of file", "The file ends before anything in it can be played. Upload it again."),
    (r"Cannot allocate memory", "Reading this file takes more memory than a film may need."),
    (r"Input/output error", "The file cannot be read from its disk."),
    (r"Permission denied", "The file cannot be read: Homereel's user has no right to."),
)
OTHERWISE = "This file cannot be read as a film or a recording."
TOO_SLOW = "Reading this file takes too long; it is probably damaged."


def reason(error: ProcessError, signature: bytes = b"") -> str:
    """`signature`: the file's first bytes, where they are known."""
    if isinstance(error, ProcessTimeout):
        return TOO_SLOW
    if NO_INDEX in error.stderr_tail and signature and signature[4:8] not in FIRST_BOXES:
        return NOT_A_FILM
    return explain(error.stderr_tail) or OTHERWISE


def explain(complaints: str) -> str:
    """ "" where none of the known complaints is among them."""
    for pattern, sentence in SENTENCES:
        if found := re.search(pattern, complaints):
            return sentence.format(*found.groups())
    return ""
