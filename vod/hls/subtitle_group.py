"""EXT-X-MEDIA of subtitles: the group that every variant of a multivariant playlist names (hls-rules.md 28)."""

from __future__ import annotations

from collections.abc import Sequence

from vod.hls.multivariant import SUBTITLE_GROUP, quoted
from vod.hls.subtitles import SubtitleTrack

# Apple 4.7 and 5.2: what subtitles for the deaf are called
FOR_THE_DEAF = "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"


def render_subtitle_group(tracks: Sequence[SubtitleTrack], folder: str) -> tuple[str, ...]:
    """One line a track, the default first; `folder` is where the playlists lie, as for the other renditions.

    Only one of those that a player could not tell apart is picked automatically (RFC 8216 4.3.4.1.1).
    """
    lines: list[str] = []
    picked: set[tuple[str, bool, bool]] = set()
    for track in sorted(tracks, key=lambda track: not track.default):
        kind = (track.language, track.forced, track.hearing_impaired)
        lines.append(_line(track, folder, autoselect=kind not in picked, default=track.default and not lines))
        picked.add(kind)
    return tuple(lines)


def _line(track: SubtitleTrack, folder: str, *, autoselect: bool, default: bool) -> str:
    attributes = [
        "TYPE=SUBTITLES",
        f"GROUP-ID={quoted(SUBTITLE_GROUP)}",
        f"NAME={quoted(track.label)}",
        f"LANGUAGE={quoted(track.language)}",
        f"DEFAULT={'YES' if default else 'NO'}",
        f"AUTOSELECT={'YES' if autoselect else 'NO'}",
        f"FORCED={'YES' if track.forced else 'NO'}",
        *([f"CHARACTERISTICS={quoted(FOR_THE_DEAF)}"] if track.hearing_impaired else []),
        f"URI={quoted(f'{folder}{track.name}.m3u8')}",
    ]
    return f"#EXT-X-MEDIA:{','.join(attributes)}"
