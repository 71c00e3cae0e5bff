"""Where subtitle renditions lie below a plan's folder, and how they get there. Blocking: call it in a thread.

::

    subs-eng.m3u8            its presence says that the track is whole; written last
    subs-eng/00000.vtt …     segments
    subs-eng/whole.vtt       for our page
    subs-eng/styled.ass      where the original had styling
    subs-ger/pictures.json   its presence says that the track is whole; beside it pictures.bin

    subs-ita/nothing.json    nobody says anything in this track, or it cannot be read: it is looked at no more
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from vod import storage as files
from vod.hls.plan import Plan, SubtitlePlan
from vod.hls.sidecars import stored_sidecars
from vod.hls.subtitles import SubtitleTrack, cut_into_segments, render_subtitle_playlist, subtitle_grid
from vod.hls.track_names import unique
from vod.storage import WHOLE_SUBTITLES, Storage, subtitle_segment_name
from vod.subtitles.cues import Cue
from vod.subtitles.webvtt import render_whole

STYLED = "styled.ass"
PICTURES, PICTURE_INDEX = "pictures.bin", "pictures.json"
NOTHING = "nothing.json"


def publish_cues(
    storage: Storage, media_id: UUID, plan: Plan, name: str, cues: Sequence[Cue], styled: str = ""
) -> None:
    """All files of a text rendition; what is there already stays. Nothing without a cue."""
    playlist = storage.media_playlist(media_id, plan.digest, name)
    if playlist.exists() or not cues:
        return
    folder = storage.rendition(media_id, plan.digest, name)
    files.make_folder(folder)
    for number, segment in enumerate(cut_into_segments(cues, subtitle_grid(plan))):
        files.publish_once(folder / subtitle_segment_name(number), segment.encode())
    files.publish_once(folder / WHOLE_SUBTITLES, render_whole(cues).encode())
    if styled:
        files.publish_once(folder / STYLED, styled.encode())
    files.sync_folder(folder)
    files.publish_once(playlist, render_subtitle_playlist(plan, name).encode())
    files.sync_folder(playlist.parent)


def marker(storage: Storage, media_id: UUID, plan: Plan, track: SubtitlePlan) -> Path:
    """The file whose presence says that the track is whole."""
    if track.kind == "picture":
        return storage.rendition(media_id, plan.digest, track.name) / PICTURE_INDEX
    return storage.media_playlist(media_id, plan.digest, track.name)


def mark_empty(storage: Storage, media_id: UUID, plan: Plan, name: str) -> None:
    folder = storage.rendition(media_id, plan.digest, name)
    files.make_folder(folder)
    files.publish_once(folder / NOTHING, b"{}")
    files.sync_folder(folder)


def is_empty(storage: Storage, media_id: UUID, plan: Plan, name: str) -> bool:
    """Whether the track was looked at and has nothing to show."""
    return (storage.rendition(media_id, plan.digest, name) / NOTHING).exists()


def listed_tracks(storage: Storage, media_id: UUID, plan: Plan) -> tuple[SubtitleTrack, ...]:
    """What a multivariant playlist can list now: tracks of the original, then files that people have added.

    Their labels differ (RFC 8216 4.3.4.1.1).
    """
    planned = [SubtitleTrack.of(track) for track in plan.subtitles if track.kind != "picture"]
    added = [sidecar.track for sidecar in stored_sidecars(storage, media_id)]
    tracks = [
        track for track in (*planned, *added) if storage.media_playlist(media_id, plan.digest, track.name).exists()
    ]
    labels = unique([track.label for track in tracks], " ")
    return tuple(replace(track, label=label) for track, label in zip(tracks, labels, strict=True))
