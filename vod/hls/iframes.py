"""The I-frame playlist of a rung: its segments' own first keyframes by byte range, for players that wind with pictures.

A range begins with the `moof` and ends with the keyframe, the first sample of the `mdat` (RFC 8216 4.3.3.6, Apple 6.1):
nothing is stored twice. A segment's later keyframes have no `moof` of their own and cannot be listed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from uuid import UUID

from vod.hls.bandwidth import Measured, peak_bps
from vod.hls.codecs import codec_string
from vod.hls.grid import Grid
from vod.hls.keyframes import Keyframe
from vod.hls.multivariant import quoted
from vod.hls.plan import Plan, Rung
from vod.hls.playlist import PROTOCOL_VERSION, Extinf, Map, extinf_microseconds, target_duration
from vod.storage import INIT_SECTION, Storage, segment_name

BYTE_RANGE = re.compile(r"^#EXT-X-BYTERANGE:(\d{1,12})@\d{1,12}$", re.MULTILINE)


def iframe_playlist_name(rung: str) -> str:
    """Beside the rung's own playlist."""
    return f"{rung}-iframes"


def render_iframe_playlist(plan: Plan, rung: str, keyframes: Iterable[Keyframe]) -> str:
    """Raises ValueError where a segment does not begin with one of the `keyframes`."""
    first: dict[int, Keyframe] = {}
    for keyframe in sorted(keyframes, key=lambda keyframe: (keyframe.segment, keyframe.offset)):
        first.setdefault(keyframe.segment, keyframe)
    durations = extinf_microseconds(plan.grid(rung))
    if sorted(first) != list(range(len(durations))):
        raise ValueError("a segment has no keyframe")
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{PROTOCOL_VERSION}",
        f"#EXT-X-TARGETDURATION:{target_duration(plan)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-I-FRAMES-ONLY",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        Map(uri=f"{rung}/{INIT_SECTION}").render(),
        *(_entry(rung, first[number], duration) for number, duration in enumerate(durations)),
        "#EXT-X-ENDLIST",
    ]
    return "\n".join(lines) + "\n"


def list_iframes(storage: Storage, media_id: UUID, plan: Plan, folder: str, without: Collection[str] = ()) -> str:
    """The lines of a multivariant playlist for the I-frame playlists that can be used; "" where there is none yet.

    `folder` is where the playlists lie, seen from that one ("" or "…/"); `without` are rungs to leave out.
    """
    lines = []
    for rung in (rung for rung in plan.rungs if rung.name not in without):
        playlist = storage.media_playlist(media_id, plan.digest, iframe_playlist_name(rung.name))
        rendition = storage.rendition(media_id, plan.digest, rung.name)
        if is_current(playlist, rendition, plan.grid(rung.name)):
            lines.append(iframe_variant(rung, measure_iframes(playlist, rendition, plan, rung.name), folder))
    return "".join(f"{line}\n" for line in lines)


def is_current(playlist: Path, rendition: Path, grid: Grid) -> bool:
    """False where a segment is gone or was made anew since: its ranges may lie elsewhere."""
    try:
        written = playlist.stat().st_mtime_ns
        return all((rendition / segment_name(number)).stat().st_mtime_ns <= written for number in range(grid.count))
    except FileNotFoundError:
        return False


def iframe_variant(rung: Rung, measured: Measured, folder: str) -> str:
    attributes = (
        f"BANDWIDTH={measured.peak_bps}",
        f"AVERAGE-BANDWIDTH={measured.average_bps}",
        f"CODECS={quoted(measured.codec)}",
        f"RESOLUTION={rung.width}x{rung.height}",
        f"URI={quoted(f'{folder}{iframe_playlist_name(rung.name)}.m3u8')}",
    )
    return f"#EXT-X-I-FRAME-STREAM-INF:{','.join(attributes)}"


def measure_iframes(playlist: Path, folder: Path, plan: Plan, rung: str) -> Measured:
    """The facts of a playlist that `render_iframe_playlist` made, for the multivariant playlist.

    Raises OSError where it or the init section in `folder` is missing, ValueError where it is another's.
    """
    sizes = [int(size) for size in BYTE_RANGE.findall(playlist.read_text(encoding="utf-8"))]
    grid = plan.grid(rung)
    if len(sizes) != grid.count:
        raise ValueError(f"{len(sizes)} I-frames are listed of {grid.count}")
    seconds = sum(grid.durations)
    return Measured(
        peak_bps=peak_bps(sizes, grid),
        average_bps=-(-sum(sizes) * 8 * seconds.denominator // seconds.numerator),
        codec=codec_string((folder / INIT_SECTION).read_bytes()),
    )


def _entry(rung: str, keyframe: Keyframe, microseconds: int) -> str:
    """As long as the segment is how long its I-frame stands."""
    length = keyframe.offset + keyframe.size - keyframe.fragment
    uri = f"{rung}/{segment_name(keyframe.segment)}"
    extinf, address = Extinf(microseconds=microseconds, uri=uri).render().split("\n")
    return f"{extinf}\n#EXT-X-BYTERANGE:{length}@{keyframe.fragment}\n{address}"
