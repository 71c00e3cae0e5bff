"""The players that people have. Each plays a whole stream, faster than a person would, and tells how that went."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path
from posixpath import dirname

import aiohttp
import m3u8
from PIL import Image

from vod.hls.mpegts import CLOCK, DELAY
from vod.hls.plan import EARLIEST_END_SECONDS, Plan

ZERO = Fraction(0)
SECONDS_FOR_A_FILM = 120.0
SECONDS_FOR_VLC = 60.0  # at sixteenfold speed
TOO_LATE = "not at its end in time"
# ffmpeg 5.1 reads no subtitles of HLS, and says so of each track.
NO_SUBTITLES = ("Can't support the subtitle", ".m3u8)")

VLC_RATE = 16
VLC_BUFFER_SECONDS = 1  # what its outputs may still hold when it ends
# A film that is over before VLC's clock has begun is decoded without one, and VLC says so, now and then.
BEFORE_THE_CLOCK = ("no reference clock", "Could not convert timestamp", "Could not get display date")
SHORTER_THAN_A_CLOCK_SECONDS = 1
# VLC refuses root.
AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups") if os.geteuid() == 0 else ()
# Of a machine without a desktop, not of the film.
NO_DESKTOP = "interface"
# Of sixteenfold speed on a busy machine.
IN_A_HURRY = "computer too slow"

SECONDS_FOR_GSTREAMER = 60.0  # as fast as it can
GST_FLAGS = 0x3  # of playbin: pictures and sound
GST_MUTE = "No volume control"  # of a sink that makes no sound

# A film that is kept open still has a position at its end; one that is left has none.
MPV_TELLS_ITS_END = """
mp.observe_property("eof-reached", "bool", function(_, reached)
    if not reached then return end
    print("reached " .. mp.get_property("time-pos"))
    mp.command("quit")
end)
"""
MPV_REACHED = re.compile(r"^\[watcher\] reached ([\d.]+) *$", re.M)
# Pictures and sound race each other when neither waits for a clock.
MPV_IN_A_HURRY = re.compile(r"Audio/Video desynchronisation.*?\(see A-V status field\)\.", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    url: str  # of the multivariant playlist, with its token
    dash_url: str
    transport_url: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """`off_seconds`: how far from where the plan ends it the player stopped, the worst of what it played at once."""

    off_seconds: float
    complaints: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """For the table."""
        return "; ".join(self.complaints) or f"plays, end ± {self.off_seconds:.3f} s"


async def play_in_ffmpeg(stream: Stream) -> Show:
    """Decodes every variant and every audio track."""
    return await _decode(stream, stream.url, await _listed(stream.url), max)


async def play_dash_in_ffmpeg(stream: Stream) -> Show:
    """Its demuxer is at the end as soon as one of its streams is: the others may be cut short."""
    return await _decode(stream, stream.dash_url, len(stream.plan.renditions), min)


async def play_transport_in_ffmpeg(stream: Stream) -> Show:
    """As `play_in_ffmpeg`; a variant of a transport stream has sound in it."""
    in_variants = 2 if stream.plan.pictures and stream.plan.sounds else 1
    listed = await _listed(stream.transport_url, in_variants)
    return await _decode(stream, stream.transport_url, listed, max, begin=Fraction(DELAY, CLOCK))


async def _decode(
    stream: Stream, url: str, listed: int, pick: Callable[[Iterable[Fraction]], Fraction], *, begin: Fraction = ZERO
) -> Show:
    """`pick` says which of its streams' ends counts; `begin` is the film's zero on its clock."""
    # what ffmpeg cannot decode is text
    encoders = ("-map", "0:v?", "-map", "0:a?", "-c:v", "rawvideo", "-c:a", "pcm_s16le", "-fps_mode", "passthrough")
    # -1: the encoder's clock is the demuxer's, so nothing is rounded
    arguments = ("-copyts", "-i", url, *encoders, "-enc_time_base", "-1", "-f", "framecrc", "-")
    # warning: that is all it says of a segment it did not get
    output, errors, status = await _run("ffmpeg", "-nostdin", "-v", "warning", *arguments)
    complaints = _without_subtitles(errors.splitlines())
    ends, plan = decoded_ends(output), stream.plan
    if len(ends) != listed:
        complaints.append(f"{len(ends)} streams of {listed}")
    off = [_off(kind, end - begin, plan) for kind, end in ends]
    return Show(off_seconds=float(pick(off)) if off else inf, complaints=_complaints(complaints, status))


async def _listed(url: str, in_variants: int = 1) -> int:
    """Streams of variants, which ffmpeg opens anew for each group of sound that they are listed with, and of sound."""
    async with aiohttp.request("GET", url) as answer:
        master = m3u8.loads(await answer.text())
    return in_variants * len(master.playlists) + sum(1 for media in master.media if media.type == "AUDIO" and media.uri)


def _off(kind: str, end: Fraction, plan: Plan) -> Fraction:
    """By how many seconds it stopped too early or too late."""
    return max(_planned_end(kind, plan) - end, end - plan.duration_seconds, Fraction(0))


def _planned_end(kind: str, plan: Plan) -> Fraction:
    """A last picture that is held until the sound ends may be one long frame, or one that the player holds."""
    if kind == "video" and plan.video:
        return Fraction(plan.video.frames_end_ticks, plan.video.timescale)
    # a copied track's last packet is held until the film ends; what is in it is not longer for that
    return plan.duration_seconds - (EARLIEST_END_SECONDS if plan.copied_audio else 0)


def decoded_ends(framecrc: str) -> list[tuple[str, Fraction]]:
    """ "audio" or "video" of each stream, and when its last frame stops, in seconds."""
    return [(kind, max((end for _, end in shown), default=Fraction(0))) for kind, shown in _decoded(framecrc)]


def _decoded(framecrc: str) -> list[tuple[str, list[tuple[Fraction, Fraction]]]]:
    """Of each stream its kind, and when each of its frames begins and ends."""
    kinds = {int(number): kind for number, kind in re.findall(r"^#media_type (\d+): (\S+)$", framecrc, re.M)}
    units = {int(number): Fraction(unit) for number, unit in re.findall(r"^#tb (\d+): (\S+)$", framecrc, re.M)}
    frames: dict[int, list[tuple[Fraction, Fraction]]] = {number: [] for number in units}
    for line in framecrc.splitlines():
        if not line.startswith("#"):
            number, _, shown, duration = (int(part) for part in line.split(",")[:4])
            frames[number].append((shown * units[number], (shown + duration) * units[number]))
    return [(kinds[number], shown) for number, shown in frames.items()]


async def decode_from(url: str, place: float, seconds: float) -> tuple[dict[str, list[tuple[float, float]]], list[str]]:
    """When each frame of the first pictures and sound begins and ends, by kind; and what ffmpeg complains of."""
    encoders = ("-map", "0:v:0", "-map", "0:a:0", "-c:v", "rawvideo", "-c:a", "pcm_s16le", "-fps_mode", "passthrough")
    stretch = ("-copyts", "-ss", str(place), "-to", str(place + seconds), "-i", url)
    output, errors, _ = await _run("ffmpeg", "-nostdin", "-v", "warning", *stretch, *encoders, "-f", "framecrc", "-")
    frames = {kind: [(float(start), float(end)) for start, end in shown] for kind, shown in _decoded(output)}
    return frames, _without_subtitles(errors.splitlines())


async def play_in_mpv(stream: Stream) -> Show:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "watcher.lua"
        script.write_text(MPV_TELLS_ITS_END)
        outputs = ("--vo=null", "--ao=null", "--untimed", "--ao-null-untimed", "--keep-open=always")
        told = ("--msg-level=all=warn,watcher=info", f"--script={script}")
        output, _, status = await _run("mpv", "--no-config", *outputs, *told, stream.url)
    plan, reached = stream.plan, MPV_REACHED.search(output)
    rest = MPV_IN_A_HURRY.sub("", MPV_REACHED.sub("", output))
    # without sound its clock stops at the beginning of the last frame
    frame_seconds = 1 / plan.video.frame_rate if plan.video and not plan.sounds else 0
    end = float(plan.duration_seconds - frame_seconds)
    off = abs(float(reached[1]) - end) if reached else inf
    return Show(off_seconds=off, complaints=_complaints(_without_subtitles(rest.splitlines()), status))


async def seek_in_mpv(url: str, place: float) -> Image.Image:
    """The first picture that it shows when it is to begin there."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = ("--vo=image", "--vo-image-format=png", f"--vo-image-outdir={folder}", "--ao=null", "--no-audio")
        await _run("mpv", "--no-config", *outputs, f"--start={place}", "--frames=1", url)
        (shown,) = Path(folder).glob("*.png")
        return Image.open(shown).convert("L")


async def run_vlc(url: str, *options: str) -> tuple[str, int]:
    """Its log and exit status."""
    outputs = ("--intf", "dummy", "--vout", "vdummy", "--aout", "adummy", "--play-and-exit", *options)
    alone = ("--no-dbus", "--no-metadata-network-access")
    command = (*AS_NOBODY, "cvlc", "-vvv", "--no-color", *outputs, *alone, url)
    output, _, status = await _run(*command, seconds=SECONDS_FOR_VLC)
    return output, status


async def play_in_vlc(stream: Stream) -> Show:
    begun = time.monotonic()
    output, status = await run_vlc(stream.url, "--rate", str(VLC_RATE))
    shown_at_most = (time.monotonic() - begun + VLC_BUFFER_SECONDS) * VLC_RATE
    harmless = (
        NO_DESKTOP,
        IN_A_HURRY,
        *(BEFORE_THE_CLOCK if stream.plan.duration_seconds < SHORTER_THAN_A_CLOCK_SECONDS else ()),
    )
    errors = [line for line in output.splitlines() if " error: " in line]
    complaints = [line for line in errors if not any(words in line for words in harmless)]
    complaints += [f"answer {code}" for code in refusals(output)]
    if TOO_LATE in output:
        complaints.append(TOO_LATE)
    elif "EOF reached" not in output:
        complaints.append("it ended before the end of the stream")
    end = float(stream.plan.duration_seconds)
    off = [abs(min(fetched, shown_at_most) - end) for fetched in _fetched_to(output, stream)]
    return Show(off_seconds=max(off, default=inf), complaints=_complaints(complaints, status))


def refusals(vlc_log: str) -> list[str]:
    """Status codes of answers that VLC can do nothing with."""
    return re.findall(r"^HTTP/1.1 ([345]\d\d)", vlc_log, re.M)


def _fetched_to(log: str, stream: Stream) -> Iterable[float]:
    """Where the segments that VLC fetched without a gap end: of the pictures, and of the track that it chose."""
    address = re.escape(dirname(stream.url))
    found = re.findall(rf"Retrieving {address}/[0-9a-f]+/([a-z0-9-]+)/(\d+)\.m4s", log)
    for together in [stream.plan.pictures, *((sound,) for sound in stream.plan.sounds)]:
        names = {rendition.name for rendition in together}
        numbers = {int(number) for name, number in found if name in names}
        if numbers:
            grid = stream.plan.grid(together[0].name)
            stopped = next(number for number in range(grid.count + 1) if number not in numbers)
            yield grid.cuts[stopped] / grid.timescale


async def play_transport_in_gstreamer(url: str) -> tuple[dict[str, float], int]:
    """How many seconds of pictures and of sound were shown, and the exit status.

    playbin3: the old playbin of 1.22 hangs now and then (3 of 36 times) where a whole transport stream is there at
    once. Its clock of such a stream begins anywhere.
    """
    output, _, status = await _run(*_gstreamer("playbin3", url))
    times = {
        kind: [_gst_seconds(*told) for told in re.findall(rf"\({kind}:sink\) .*?pts: (\d+):(\d+):([\d.]+)", output)]
        for kind in ("video", "audio")
    }
    return {kind: float(max(found) - min(found)) for kind, found in times.items() if found}, status


async def play_in_gstreamer(stream: Stream) -> Show:
    """playbin, as desktop players use it. Its sinks tell of each frame and buffer that they are given.

    Of 1.22. Now and then playbin hangs without a word: of two groups of sound in its stream selector (5 of 8 times), of
    others once in some hundred on a busy machine. Then it is playbin3's turn, which gives up films of a second now and
    then, with words.
    """
    plan = stream.plan
    has_two_groups = len(plan.sounds) > len({sound.stream_index for sound in plan.sounds})
    output, status = TOO_LATE, 1
    for playbin in ("playbin3",) if has_two_groups else ("playbin", "playbin3"):
        if output == TOO_LATE:
            output, _, status = await _run(*_gstreamer(playbin, stream.url), seconds=SECONDS_FOR_GSTREAMER)
    kinds = (*(["video"] if plan.video else []), *(["audio"] if plan.sounds else []))
    ends = {kind: _gst_end(output, kind, plan) for kind in kinds}
    complaints = [line for line in output.splitlines() if line.startswith(("ERROR", "WARNING"))]
    complaints = [line for line in complaints if GST_MUTE not in line]
    off = max(_off(kind, end, plan) for kind, end in ends.items())
    return Show(off_seconds=float(off), complaints=_complaints(complaints, status))


def _gstreamer(playbin: str, url: str) -> tuple[str, ...]:
    sinks = [f"{kind}-sink=fakesink name={kind} sync=false silent=false" for kind in ("video", "audio")]
    return ("gst-launch-1.0", "-v", playbin, f"uri={url}", f"flags={GST_FLAGS}", *sinks)


def _gst_seconds(hours: str, minutes: str, seconds: str) -> Fraction:
    return (int(hours) * 60 + int(minutes)) * 60 + Fraction(seconds)


def _gst_end(log: str, kind: str, plan: Plan) -> Fraction:
    """When the last frame or buffer ends. What a frame's own duration says follows its headers, not the film."""
    told = re.findall(rf"\({kind}:sink\) .*?pts: (\d+):(\d+):([\d.]+), duration: (?:\d+:\d+:([\d.]+)|none)", log)
    starts = [_gst_seconds(hours, minutes, seconds) for hours, minutes, seconds, _ in told]
    if not starts:
        return Fraction(0)
    if kind == "video" and plan.video:
        return max(starts) + 1 / plan.video.frame_rate
    return max(start + Fraction(duration or 0) for start, (*_, duration) in zip(starts, told, strict=True))


def _complaints(lines: Iterable[str], status: int) -> tuple[str, ...]:
    said = [line.strip() for line in lines if line.strip()]
    return tuple(said) if status == 0 else (*said, f"exit status {status}")


def _without_subtitles(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not (NO_SUBTITLES[0] in line and line.strip().endswith(NO_SUBTITLES[1]))]


async def _run(*command: str, seconds: float = SECONDS_FOR_A_FILM) -> tuple[str, str, int]:
    """Standard output (with standard error, but for ffmpeg), standard error and exit status."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE if command[0] == "ffmpeg" else STDOUT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate()
    except TimeoutError:
        return TOO_LATE, TOO_LATE, 1
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode(errors="replace"), (errors or b"").decode(errors="replace"), process.returncode or 0


PLAYERS = {
    "ffmpeg": play_in_ffmpeg,
    "ffmpeg DASH": play_dash_in_ffmpeg,
    "ffmpeg TS": play_transport_in_ffmpeg,
    "mpv": play_in_mpv,
    "VLC": play_in_vlc,
    "GStreamer": play_in_gstreamer,
}
