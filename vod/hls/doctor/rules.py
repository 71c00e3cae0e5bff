"""The table of hls-rules.md: what each rule says, whom its source column names, and the function that looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from vod.hls.doctor import media_rules as media
from vod.hls.doctor import playlist_rules as lists
from vod.hls.doctor.package import Fault, Package

AVPLAYER, HLS_JS, EXOPLAYER, VLC, CHROMECAST = "Safari/AVPlayer", "hls.js", "ExoPlayer", "VLC", "Chromecast"
# What RFC 8216 itself demands, any of them may rely on.
PLAYERS = (AVPLAYER, HLS_JS, EXOPLAYER, VLC, CHROMECAST)
APPLE = (AVPLAYER,)


class Rule(NamedTuple):
    number: int
    sentence: str
    players: tuple[str, ...]
    look: Callable[[Package], Iterator[Fault]]


RULES = (
    Rule(1, "CODECS is what the init sections say", (AVPLAYER, EXOPLAYER), lists.codecs_match),
    Rule(2, "CODECS lists one codec of pictures and one of sound at most", (EXOPLAYER,), lists.codecs_are_few),
    Rule(3, "RESOLUTION and FRAME-RATE are told and true", APPLE, media.size_and_rate_are_told),
    Rule(4, "BANDWIDTH and AVERAGE-BANDWIDTH are within a tenth of the truth", APPLE, media.bandwidths_are_right),
    Rule(5, "peaks are at most twice the average, or below the encoder's ceiling", APPLE, media.peaks_are_capped),
    Rule(6, "segments are said to be independent", APPLE, lists.segments_are_independent),
    Rule(7, "VIDEO-RANGE is told for HDR, and there is SDR", APPLE, lists.range_is_told),
    Rule(8, "there are H.264 up to High 4.1 and stereo AAC", APPLE, lists.something_plays_everywhere),
    Rule(9, "the first variant is of the 540-720p class", APPLE, lists.first_variant_is_middling),
    Rule(10, "sound has playlists of its own, with languages", APPLE, lists.sound_is_apart),
    Rule(11, "sound takes no more than it needs and covers the film", APPLE, media.sound_is_small_and_whole),
    Rule(13, "I-frame playlists list whole keyframes", (AVPLAYER, HLS_JS), lists.iframes_are_right),
    Rule(14, "encoded rungs have a keyframe every two seconds", APPLE, media.keyframes_are_near),
    Rule(15, "every video segment begins with an IDR", (AVPLAYER, HLS_JS), media.segments_begin_with_idr),
    Rule(16, "no segment is longer than the target duration", PLAYERS, media.segments_keep_to_the_target),
    Rule(17, "all playlists have one target duration and one length", PLAYERS, media.lists_are_alike),
    Rule(18, "all rungs are cut at the same times", PLAYERS, media.cuts_are_alike),
    Rule(19, "EXTINF adds up to the media", APPLE, media.extinf_adds_up),
    Rule(20, "each segment carries on where the last one stopped", APPLE, media.segments_carry_on),
    Rule(21, "there is no discontinuity", APPLE, lists.there_is_no_break),
    Rule(22, "there is one EXT-X-MAP, and EXT-X-VERSION allows it", PLAYERS, lists.there_is_one_map),
    # With 27 (VLC never gets EVENT): for a finished film they are one.
    Rule(23, "a finished film is VOD and has an end", (AVPLAYER, VLC), lists.it_is_finished),
    Rule(24, "everything listed is there and whole", (HLS_JS, VLC), lists.everything_is_there),
    Rule(28, "subtitles have a clock, a language, their flags and the film's length", APPLE, lists.subtitles_are_right),
    Rule(29, "playlists are UTF-8 without a mark", PLAYERS, lists.texts_have_no_mark),
    Rule(32, "every URI stays below the token of the path", (VLC, CHROMECAST), lists.uris_stay_below),
    Rule(33, "names tell nothing about the film", APPLE, lists.names_tell_nothing),
)
# Questions to a running server, not to the disk.
NOT_LOOKED_AT = (12, 25, 26, 30, 31, 34, 35)
EVERYTHING_IS_THERE = next(rule for rule in RULES if rule.number == 24)
