"""What real players need: the numbered rules of hls-rules.md that apply to what is made today, each as one check.

`PACKAGE_RULES` need the files, `HTTP_RULES` also how a server answers for them. Each takes a `Package` and asserts.
Use: `@pytest.mark.parametrize("rule", PACKAGE_RULES, ids=rule_id)`. Rules 13, 25-28 and growing playlists are of
features to come; 12 and 24's "never 404" of the server's own tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate, pairwise

from tests.hls_package import MASTER, Package
from vod.containers import boxes

Rule = Callable[[Package], None]

ONE_TICK = 2e-6  # playlists count microseconds
GRID_IDR_SECONDS = 2
MIME_TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".mp4": "video/mp4", ".m4s": "video/iso.segment"}
SEGMENT_PATH = re.compile(r"[0-9a-f]{16}/[a-z0-9-]+/(init\.mp4|\d{5}\.m4s)\Z")


def rule_id(rule: Rule) -> str:
    return rule.__name__.replace("rule_", "").replace("_", " ")


def rule_1_codecs_are_what_the_init_sections_say(package: Package) -> None:
    for variant in package.variants:
        heard = {track.codec for track in package.audio_of(variant)}
        seen = {package.tracks[variant.uri].codec}
        assert set(variant.stream_info.codecs.split(",")) == heard | seen


def rule_2_one_video_and_one_audio_codec_at_most(package: Package) -> None:
    for variant in package.variants:
        kinds = [codec.split(".")[0] for codec in variant.stream_info.codecs.split(",")]
        assert sum(kind in {"avc1", "hvc1"} for kind in kinds) <= 1
        assert sum(kind in {"mp4a", "ac-3", "ec-3"} for kind in kinds) == (1 if package.audio_of(variant) else 0)


def rule_3_resolution_and_frame_rate_are_told(package: Package) -> None:
    for variant in package.variants:
        if variant.stream_info.resolution is None:
            continue
        track = package.tracks[variant.uri]
        data, entry = track.sample_entry
        assert variant.stream_info.resolution == boxes.unpack("2H", data, entry, 24)
        shown = sorted(sample.time for sample in track.samples)
        listed = len(shown) / float(variant.stream_info.frame_rate)
        measured = (shown[-1] - shown[0]) / track.timescale  # sound may begin earlier and end later than pictures
        assert abs(measured - listed) <= 0.05 * listed + 2 * float(track.longest_sample)


def rule_4_bandwidths_are_within_a_tenth_of_what_is_measured(package: Package) -> None:
    for variant in package.variants:
        own, heard = package.tracks[variant.uri], package.audio_of(variant)
        tracks = [own] if variant.stream_info.resolution else []
        average = sum(track.average_bps for track in tracks) + max((track.average_bps for track in heard), default=0)
        peak = sum(track.peak_bps for track in tracks) + max((track.peak_bps for track in heard), default=0)
        assert abs(variant.stream_info.average_bandwidth - average) <= average / 10
        assert abs(variant.stream_info.bandwidth - peak) <= peak / 10


def rule_5_peaks_are_at_most_twice_the_average(package: Package) -> None:
    """Not so where a film is nearly still for long: its ceiling holds, but the average is far below it."""
    for track in package.encoded:
        assert track.peak_bps <= 2 * track.average_bps


def rule_6_segments_are_independent(package: Package) -> None:
    assert package.master.is_independent_segments


def rule_7_there_is_an_sdr_set(package: Package) -> None:
    assert {variant.stream_info.video_range for variant in package.variants} & {None, "SDR"}


def rule_8_one_rung_is_high_4_1_at_most_and_one_track_is_aac(package: Package) -> None:
    decoders = [bytes.fromhex(track.codec[5:]) for track in package.video if track.codec.startswith("avc1.")]
    assert not package.video or any(profile <= 100 and level <= 41 for profile, _, level in decoders)
    assert not package.audio or "mp4a.40.2" in {track.codec for track in package.audio}


def rule_9_the_first_variant_is_of_the_two_megabit_class(package: Package) -> None:
    sizes = [variant.stream_info.resolution for variant in package.variants if variant.stream_info.resolution]
    middle = [size for size in sizes if 530 <= max(min(size), max(size) * 9 // 16) <= 730]
    assert not middle or sizes[0] in middle


def rule_10_audio_has_playlists_of_its_own_with_languages(package: Package) -> None:
    sounds = [media for media in package.master.media if media.type == "AUDIO"]
    assert all(media.language and media.group_id and media.name for media in package.master.media)
    assert all(media.uri for media in sounds) or not package.video
    assert all(variant.media for variant in package.variants) or not package.audio


def rule_11_stereo_is_at_most_160_kb_and_covers_the_film(package: Package) -> None:
    longest = max(track.end for track in package.tracks.values())
    for track in package.audio:
        assert track.average_bps <= 160_000 * 1.05 or track.name in package.copied  # boxes included
        assert longest - track.end <= track.longest_sample + package.tracks[package.variants[0].uri].longest_sample


def rule_14_keyframes_are_two_seconds_apart_at_most(package: Package) -> None:
    for track in [track for track in package.encoded if track in package.video]:
        times = [sample.time for sample in track.samples if sample.sync]
        gaps = [(later - earlier) / track.timescale for earlier, later in pairwise([*times, track.samples[-1].end])]
        assert max(gaps) <= GRID_IDR_SECONDS + float(track.longest_sample)


def rule_15_every_video_segment_starts_with_a_keyframe(package: Package) -> None:
    assert all(segment.samples[0].sync for track in package.video for segment in track.segments)


def rule_16_no_segment_is_longer_than_the_target(package: Package) -> None:
    for track in package.tracks.values():
        target = track.playlist.target_duration
        assert all(int(one.extinf + 0.5) <= target and one.extinf <= target + 0.5 for one in track.segments)


def rule_17_all_playlists_have_one_target_and_one_duration(package: Package) -> None:
    tracks = package.tracks.values()
    assert len({track.playlist.target_duration for track in tracks}) == 1
    totals = [sum(one.extinf for one in track.segments) for track in tracks]
    assert max(totals) - min(totals) <= float(max(track.longest_sample for track in tracks))


def rule_18_video_segments_start_at_the_same_times_in_all_rungs(package: Package) -> None:
    assert len({tuple(track.starts) for track in package.video}) <= 1
    assert len({tuple(one.extinf for one in track.segments) for track in package.video}) <= 1


def rule_19_extinf_adds_up_to_the_media(package: Package) -> None:
    for track in package.tracks.values():
        listed = [0.0, *accumulate(one.extinf for one in track.segments)]
        media = [float(start - track.starts[0]) for start in (*track.starts, track.end)]
        assert max(abs(one - other) for one, other in zip(listed, media, strict=True)) <= ONE_TICK


def rule_20_each_segment_carries_on_where_the_last_one_stopped(package: Package) -> None:
    for track in package.tracks.values():
        assert all(later.decode_time == earlier.end for earlier, later in pairwise(track.samples))


def rule_21_there_is_no_discontinuity(package: Package) -> None:
    assert not any("EXT-X-DISCONTINUITY" in package.text(uri) for uri in package.tracks)


def rule_22_one_map_and_version_7(package: Package) -> None:
    for uri in package.tracks:
        assert package.text(uri).count("#EXT-X-MAP:") == 1
        assert "#EXT-X-VERSION:7\n" in package.text(uri)


def rule_23_a_finished_film_is_vod_and_has_an_end(package: Package) -> None:
    for track in package.tracks.values():
        assert track.playlist.playlist_type == "vod"
        assert track.playlist.is_endlist


def rule_24_everything_listed_is_there(package: Package) -> None:
    assert {answer.status for answer in package.answers.values()} == {200}


def rule_29_playlists_are_utf_8_without_a_mark(package: Package) -> None:
    for path, answer in package.answers.items():
        assert not path.endswith(".m3u8") or answer.body.startswith(b"#EXTM3U\n")


def rule_32_every_uri_stays_below_the_token(package: Package) -> None:
    for path in (MASTER, *package.tracks):
        uris = re.findall(r'URI="([^"]*)"', package.text(path)) + re.findall(r"^[^#\n].*$", package.text(path), re.M)
        assert uris and not any("?" in uri or ".." in uri or "//" in uri for uri in uris)


def rule_33_names_tell_nothing_about_the_film(package: Package) -> None:
    assert all(SEGMENT_PATH.match(path) for path in package.answers if not path.endswith(".m3u8"))


def rule_29_mime_types(package: Package) -> None:
    for path, answer in package.answers.items():
        assert answer.headers["Content-Type"].split(";")[0] == MIME_TYPES[path[path.rindex(".") :]]


def rule_30_playlists_are_gzip_and_segments_are_not(package: Package) -> None:
    for path, answer in package.answers.items():
        assert answer.headers.get("Content-Encoding") == ("gzip" if path.endswith(".m3u8") else None)


def rule_34_pages_of_other_origins_may_play(package: Package) -> None:
    for answer in package.answers.values():
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Content-Range" in answer.headers["Access-Control-Expose-Headers"]


def rule_35_segments_are_cached_for_good_and_seekable(package: Package) -> None:
    for path, answer in package.answers.items():
        if not path.endswith(".m3u8"):
            assert int(answer.headers["Content-Length"]) == len(answer.body)
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["Accept-Ranges"] == "bytes"
            assert answer.headers["ETag"]


def _rules(*, of_http: bool) -> list[Rule]:
    http = {rule_29_mime_types, rule_30_playlists_are_gzip_and_segments_are_not}
    http |= {rule_34_pages_of_other_origins_may_play, rule_35_segments_are_cached_for_good_and_seekable}
    every = [value for name, value in globals().items() if re.match(r"rule_\d", name)]
    return [rule for rule in every if (rule in http) == of_http]


PACKAGE_RULES = _rules(of_http=False)
HTTP_RULES = _rules(of_http=True)
