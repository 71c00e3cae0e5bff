"""Cues on the film's grid, and what a plan makes of the tracks of an original."""

from __future__ import annotations

import dataclasses

from tests.vod.hls.builders import make_audio, make_plan, make_video
from vod.ffmpeg.source import SubtitleStream
from vod.hls.grid import Grid
from vod.hls.plan import Plan
from vod.hls.playlist import render_media_playlist
from vod.hls.subtitles import cut_into_segments, plan_subtitles, render_subtitle_playlist, subtitle_grid
from vod.subtitles.cues import Cue
from vod.subtitles.srt import read_webvtt

GRID = Grid(1000, (0, 6000, 12_000, 18_000))


def cue(start_ms: int, end_ms: int, text: str = "x") -> Cue:
    return Cue(start_ms=start_ms, end_ms=end_ms, text=text)


def stream(index: int, codec: str = "subrip", **facts: object) -> SubtitleStream:
    known = {"language": "en", "title": "", "default": False, "forced": False, "hearing_impaired": False}
    return SubtitleStream(index=index, codec=codec, **(known | facts))  # type: ignore[arg-type]


def test_a_cue_stands_in_every_segment_it_overlaps_with_one_number_and_the_same_times() -> None:
    segments = list(cut_into_segments([cue(1000, 2000, "a"), cue(5000, 13_000, "b"), cue(12_000, 12_500, "c")], GRID))
    assert [[one.text for one in read_webvtt(segment)] for segment in segments] == [["a", "b"], ["b"], ["b", "c"]]
    assert all("\n1\n00:00:05.000 --> 00:00:13.000\nb\n" in segment for segment in segments)


def test_every_segment_says_where_its_clock_lies() -> None:
    (first, *_) = cut_into_segments([], GRID)
    assert first == "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"


def test_a_cue_that_ends_at_a_cut_is_not_in_the_next_segment() -> None:
    assert ["x" in segment for segment in cut_into_segments([cue(1000, 6000)], GRID)] == [True, False, False]


def test_cues_that_last_for_ever_do_not_fill_the_disk() -> None:
    hostile = [cue(0, 18_000, "y" * 2000)] * 50_000
    assert all(len(segment) < 100_000 for segment in cut_into_segments(hostile, GRID))


def test_the_playlist_is_as_long_as_the_pictures_one() -> None:
    plan: Plan = make_plan(video=make_video())
    pictures = render_media_playlist(plan, "720p").replace('#EXT-X-MAP:URI="720p/init.mp4"\n', "")
    assert render_subtitle_playlist(plan, "720p") == pictures.replace(".m4s", ".vtt")


def test_a_film_without_pictures_is_cut_where_its_sound_is() -> None:
    plan = make_plan(video=None, audio=(make_audio(),))
    assert subtitle_grid(plan) == plan.grid("audio-eng")


def test_tracks_have_names_labels_and_flags() -> None:
    found = plan_subtitles(
        [
            stream(2, default=True),
            stream(3, forced=True, default=True),
            stream(4, "hdmv_pgs_subtitle", language="pt-BR", hearing_impaired=True),
            stream(5, "ass", title="Signs & Songs"),
        ]
    )
    assert [(track.name, track.kind, track.label) for track in found] == [
        ("subs-eng", "text", "English"),
        ("subs-eng-2", "text", "English (forced)"),
        ("subs-por", "picture", "Português (Brasil) (SDH)"),
        ("subs-eng-3", "ass", "Signs & Songs"),
    ]
    assert [track.default for track in found] == [True, False, False, False]


def test_a_track_that_nothing_here_reads_is_left_out() -> None:
    assert plan_subtitles([stream(2, "arib_caption")]) == ()


def test_a_plan_with_subtitles_is_read_back_as_it_was() -> None:
    plan = dataclasses.replace(make_plan(video=make_video()), subtitles=plan_subtitles([stream(2)]))
    assert Plan.from_json(plan.to_json()) == plan
