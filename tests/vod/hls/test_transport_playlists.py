"""What a player of transport streams is offered: whole variants with sound in them, and the other tracks beside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import m3u8
import pytest

from tests.vod.hls.builders import make_audio, make_plan, make_rung, make_video
from vod.errors import NotFound
from vod.hls.bandwidth import Measured, estimate
from vod.hls.multivariant import render_multivariant
from vod.hls.plan import CopiedRung, Plan
from vod.hls.playlist import render_media_playlist
from vod.hls.subtitles import render_subtitle_playlist
from vod.hls.transport_playlists import transport_master, transport_media

GERMAN = make_audio(name="audio-ger", lane="audio-1", language="de", label="Deutsch", default=False)
FILM = make_plan(video=make_video(rungs=(make_rung(), make_rung(name="480p"))), audio=(make_audio(), GERMAN))
SUBTITLES = ('#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",URI="d/subs-eng.m3u8"',)
AVC = CopiedRung(name="original", stream_index=0, width=1920, height=1080, codec="avc1.640033", expected_bps=9)
HEVC = CopiedRung(name="original", stream_index=0, width=1920, height=1080, codec="hvc1.1.6.L120.90", expected_bps=9)


def offered(plan: Plan) -> dict[str, Measured]:
    return {name: estimate(rendition) for name, rendition in plan.renditions.items()}


def master(plan: Plan, *, subtitles: tuple[str, ...] = ()) -> Any:
    return m3u8.loads(transport_master(render_multivariant(plan, offered(plan), "d/", subtitles)))


def test_a_variant_has_the_default_sound_in_it() -> None:
    read = master(FILM)
    assert sorted(variant.uri for variant in read.playlists) == [
        "d/ts/480p.audio-eng.m3u8",
        "d/ts/720p.audio-eng.m3u8",
    ]
    assert [(media.name, media.uri) for media in read.media] == [("English", None), ("Deutsch", "d/ts/audio-ger.m3u8")]


def test_what_packets_add_is_told() -> None:
    before = m3u8.loads(render_multivariant(FILM, offered(FILM), "d/"))
    told = {variant.stream_info.resolution: variant.stream_info.bandwidth for variant in master(FILM).playlists}
    for variant in before.playlists:
        assert told[variant.stream_info.resolution] > 1.03 * variant.stream_info.bandwidth


def test_subtitles_are_those_on_the_clock_of_the_streams() -> None:
    read = master(FILM, subtitles=SUBTITLES)
    assert [media.uri for media in read.media if media.type == "SUBTITLES"] == ["d/ts/subs-eng.m3u8"]
    assert {variant.stream_info.subtitles for variant in read.playlists} == {"subs"}
    listed = m3u8.loads(transport_media(render_subtitle_playlist(FILM, "subs-eng"), "subs-eng"))
    assert [segment.uri for segment in listed.segments] == [f"subs-eng/0000{n}.vtt" for n in range(3)]


def test_a_rung_that_is_left_out_is_not_listed() -> None:
    plan = make_plan(video=replace(make_video(), copied=AVC), audio=(make_audio(),))
    whole = render_multivariant(plan, offered(plan), "d/")
    uris = [variant.uri for variant in m3u8.loads(transport_master(whole, {"original"})).playlists]
    assert uris == ["d/ts/720p.audio-eng.m3u8"]
    with pytest.raises(NotFound):
        transport_master(whole, {"original", "720p"})


def test_captions_stay_in_the_pictures() -> None:
    read = master(replace(FILM, captions=True))
    assert [media.instream_id for media in read.media if media.type == "CLOSED-CAPTIONS"] == ["CC1"]
    assert {variant.stream_info.closed_captions for variant in read.playlists} == {'"cc"'}


def test_a_silent_film_has_variants_of_pictures_alone() -> None:
    read = master(make_plan(video=make_video(), audio=()))
    assert [variant.uri for variant in read.playlists] == ["d/ts/720p.m3u8"]


def test_a_film_without_pictures_is_its_default_track() -> None:
    read = master(make_plan(video=None, audio=(make_audio(), GERMAN)))
    assert [variant.uri for variant in read.playlists] == ["d/ts/audio-eng.m3u8"]
    assert [media.uri for media in read.media] == [None, "d/ts/audio-ger.m3u8"]


def test_hevc_is_left_to_others() -> None:
    plan = make_plan(video=replace(make_video(), copied=HEVC), audio=(make_audio(),))
    assert [variant.uri for variant in master(plan).playlists] == ["d/ts/720p.audio-eng.m3u8"]
    alone = make_plan(video=replace(make_video(rungs=()), copied=HEVC), audio=(make_audio(),))
    with pytest.raises(NotFound):
        master(alone)


def test_a_media_playlist_lists_the_same_times() -> None:
    text = render_media_playlist(FILM, "720p")
    read, before = m3u8.loads(transport_media(text, "720p.audio-eng")), m3u8.loads(text)
    assert [segment.uri for segment in read.segments] == [f"720p.audio-eng/0000{n}.ts" for n in range(3)]
    assert [segment.duration for segment in read.segments] == [segment.duration for segment in before.segments]
    assert (read.version, read.is_endlist, read.target_duration) == (3, True, before.target_duration)
    assert not read.segment_map
