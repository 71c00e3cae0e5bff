"""Films with subtitle tracks of every kind, muxed by ffmpeg from files that the tests write."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.clips import clips_folder, make
from tests.vod.subtitles.pgs import clear_set, display_set, sup
from tests.vod.subtitles.teletext import broadcast

SECONDS = 15
PICTURES = ("-f", "lavfi", "-i", f"testsrc2=s=320x180:r=25:d={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=d={SECONDS}")
CODING = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "pcm_s16le")

ENGLISH = (
    "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i> & <script>alert(1)</script>\n\n"
    "2\n00:00:05,000 --> 00:00:07,000\nover the cut\n\n3\n00:00:13,000 --> 00:00:14,000\nBye\n"
)
TRUE_TYPE = b"\0\1\0\0" + bytes(range(256)) * 8
TELETEXT = ((1.0, 2.5, "Good evening"), (5.0, 7.0, "over the cut"))
GERMAN = "1\n00:00:01,000 --> 00:00:02,500\nHallo Welt, schöner Tag\n"
SIGNS = r"""[Script Info]
ScriptType: v4.00+
PlayResX: 320
PlayResY: 180

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Italic, Underline, Alignment
Style: Default,Arial,20,&H0000FFFF,0,0,0,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:02.00,0:00:04.00,Default,,0,0,0,,{\an8\c&H0000FF&}A red sign
"""


@cache
def subtitled_film(name: str = "subtitled.mkv", *, first_second: int = 0, attached: bool = False) -> Path:
    """Tracks 2-6: English, German (forced), English for the deaf, signs in ASS, pictures of a Blu-ray.

    `attached` are a text and the beginning of a font, both called fonts.
    """
    folder = clips_folder()
    texts = {"en.srt": ENGLISH, "de.srt": GERMAN, "signs.ass": SIGNS}
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    (folder / "blu.sup").write_bytes(sup([(1000, display_set(0, 40, 20)), (3000, clear_set(1))]))
    files = ("en.srt", "de.srt", "en.srt", "signs.ass", "blu.sup")
    inputs = [word for file in files for word in ("-i", str(folder / file))]
    maps = [word for n in range(2 + len(files)) for word in ("-map", str(n))]
    coding = (*CODING, "-c:s", "copy", *_flags(), *_moved(first_second), *(_attachments(folder) if attached else ()))
    # else the first picture of each input becomes its zero
    make("-copyts", *PICTURES, *SOUND, *inputs, *maps, *coding, str(folder / name))
    return folder / name


def _attachments(folder: Path) -> list[str]:
    contents = (b"a text", TRUE_TYPE)
    for n, content in enumerate(contents):
        (folder / f"{n}.ttf").write_bytes(content)
    told = [word for n in range(len(contents)) for word in (f"-metadata:s:t:{n}", "mimetype=font/ttf")]
    return [*(word for n in range(len(contents)) for word in ("-attach", str(folder / f"{n}.ttf"))), *told]


@cache
def broadcast_film() -> Path:
    """A recording from the air with teletext subtitles."""
    folder = clips_folder()
    film, lines = folder / "teletext.ts", folder / "lines.ts"
    lines.write_bytes(broadcast(TELETEXT))
    inputs = (*PICTURES, *SOUND, "-i", str(lines))
    coding = ("-c:v", "mpeg2video", "-c:a", "mp2", "-c:s", "copy", "-muxdelay", "0")
    make(*inputs, "-map", "0", "-map", "1", "-map", "2", *coding, str(film))
    return film


def _flags() -> list[str]:
    languages = ("eng", "ger", "eng", "jpn", "fre")
    tags = [word for n, code in enumerate(languages) for word in (f"-metadata:s:s:{n}", f"language={code}")]
    flags = ("default", "forced", "hearing_impaired", "0", "0")
    return [*tags, *(word for n, flag in enumerate(flags) for word in (f"-disposition:s:{n}", flag))]


def _moved(seconds: int) -> list[str]:
    return ["-output_ts_offset", str(seconds)] if seconds else []
