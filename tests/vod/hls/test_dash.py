"""The DASH manifest says of the same segments what the playlists say."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from tests.vod.hls.builders import make_audio, make_plan, make_rung, make_video
from vod.hls.bandwidth import Measured
from vod.hls.dash import NAMESPACE, render_dash
from vod.hls.plan import CopiedAudio, CopiedRung, Plan
from vod.hls.subtitles import SubtitleTrack
from vod.hls.thumbnails import Thumbnails
from vod.hls.trickplay import sheet_name

NAMES = {"": NAMESPACE}
AVC = Measured(peak_bps=2_500_000, average_bps=2_000_000, codec="avc1.64001F")
HEVC = Measured(peak_bps=9_000_000, average_bps=8_000_000, codec="hvc1.2.4.L153.B0")
AAC = Measured(peak_bps=140_000, average_bps=128_000, codec="mp4a.40.2")
DOLBY = Measured(peak_bps=640_000, average_bps=640_000, codec="ac-3")
OFFERED = {"720p": AVC, "480p": AVC, "original": HEVC, "audio-eng": AAC, "audio-fra": AAC, "audio-eng-surround": DOLBY}

ENGLISH = make_audio()
FRENCH = make_audio(name="audio-fra", lane="audio-1", language="fr", label="<Français> & \x01co", default=False)
ORIGINAL = CopiedRung(name="original", stream_index=0, width=3840, height=2160, codec=HEVC.codec, expected_bps=1)
SURROUND = CopiedAudio(
    name="audio-eng-surround",
    stream_index=1,
    timescale=48_000,
    cuts=(0, 288_768, 864_000),
    codec="ac-3",
    expected_bps=1,
    channels=8,
    language="en",
    label="English",
    default=True,
    commentary=False,
    visually_impaired=False,
)
SUBTITLES = SubtitleTrack(
    name="subs-ger", language="de", label="Deutsch", default=True, forced=False, hearing_impaired=True
)


@pytest.fixture
def plan() -> Plan:
    rungs = (make_rung(), make_rung(name="480p", width=852, height=480))
    made = make_plan(video=make_video(rungs=rungs, copied=ORIGINAL, transfer="pq"), audio=(ENGLISH, FRENCH))
    return replace(made, copied_audio=(SURROUND,))


def sets(plan: Plan, *subtitles: SubtitleTrack, without: str = "") -> list[Element]:
    offered = {name: measured for name, measured in OFFERED.items() if name != without}
    rendered = ElementTree.fromstring(render_dash(plan, offered, subtitles))  # noqa: S314  # our own
    return rendered.findall("Period/AdaptationSet", NAMES)


def one(found: list[Element], representation: str) -> Element:
    """The set that holds it."""
    return next(each for each in found if each.find(f"Representation[@id='{representation}']", NAMES) is not None)


def cuts(adaptation_set: Element) -> tuple[int, ...]:
    runs = adaptation_set.findall("SegmentTemplate/SegmentTimeline/S", NAMES)
    lengths = [int(run.get("d", "")) for run in runs for _ in range(int(run.get("r", "")) + 1)]
    return tuple(accumulate(lengths, initial=int(runs[0].get("t", ""))))


def role(adaptation_set: Element) -> list[str | None]:
    return [found.get("value") for found in adaptation_set.findall("Role", NAMES)]


@pytest.mark.parametrize("name", OFFERED)
def test_segments_begin_where_the_plan_cuts(plan: Plan, name: str) -> None:
    found = one(sets(plan), name)
    template = found.find("SegmentTemplate", NAMES)
    assert template is not None
    assert (cuts(found), template.get("timescale")) == (plan.grid(name).cuts, str(plan.grid(name).timescale))


def test_pictures_of_one_codec_are_one_set_and_others_are_not_among_them(plan: Plan) -> None:
    found = sets(plan)
    assert one(found, "720p") is one(found, "480p")
    assert one(found, "720p") is not one(found, "original")


def test_only_what_is_offered_is_listed(plan: Plan) -> None:
    found = sets(plan, without="480p")
    assert [each.get("id") for each in one(found, "720p").findall("Representation", NAMES)] == ["720p"]


def test_high_dynamic_range_is_told_of_the_original_alone(plan: Plan) -> None:
    found = sets(plan)
    transfer = one(found, "original").find("EssentialProperty", NAMES)
    assert transfer is not None
    assert transfer.get("value") == "16"
    assert one(found, "720p").find("EssentialProperty", NAMES) is None


def test_each_track_of_sound_has_its_language_and_rank(plan: Plan) -> None:
    found = [one(sets(plan), name) for name in ("audio-eng", "audio-fra", "audio-eng-surround")]
    assert [(each.get("lang"), role(each)) for each in found] == [
        ("en", ["main"]),
        ("fr", ["alternate"]),
        ("en", ["main"]),
    ]
    priorities = [int(each.get("selectionPriority", "")) for each in found]
    assert priorities == sorted(priorities, reverse=True)


def test_channels_are_told_as_the_layout_s_number(plan: Plan) -> None:
    path = "Representation/AudioChannelConfiguration"
    layouts = [one(sets(plan), name).find(path, NAMES) for name in ("audio-eng", "audio-eng-surround")]
    assert [found.get("value") for found in layouts if found is not None] == ["2", "12"]


def test_stills_are_sheets_of_tiles(plan: Plan) -> None:
    stills = Thumbnails(columns=10, rows=3, width=1600, height=270, tile_microseconds=2_002_000, bandwidth=9000)
    (found,) = ElementTree.fromstring(render_dash(plan, {"720p": AVC}, (), stills)).findall(  # noqa: S314  # our own
        "Period/AdaptationSet[@contentType='image']", NAMES
    )
    template, tiles = found.find("SegmentTemplate", NAMES), found.find("Representation/EssentialProperty", NAMES)
    assert template is not None
    assert tiles is not None
    assert template.attrib == {
        "timescale": "1000000",
        "duration": "60060000",
        "startNumber": "0",
        "media": "trickplay/sheet-$Number%02d$.jpg",
    }
    assert (tiles.get("value"), found.get("mimeType")) == ("10x3", "image/jpeg")
    assert sheet_name(7) == "sheet-$Number%02d$.jpg".replace("$Number%02d$", f"{7:02d}")


def test_whatever_a_title_holds_the_manifest_is_xml(plan: Plan) -> None:
    assert one(sets(plan), "audio-fra").findtext("Label", namespaces=NAMES) == "<Français> & \N{SPACE}co"


def test_subtitles_are_one_file_with_their_purpose(plan: Plan) -> None:
    found = one(sets(plan, SUBTITLES), "subs-ger")
    assert (found.get("lang"), role(found)) == ("de", ["caption", "main"])
    assert found.findtext("Representation/BaseURL", namespaces=NAMES) == "subs-ger/whole.vtt"


def test_every_set_has_its_own_id(plan: Plan) -> None:
    identifiers = [each.get("id") for each in sets(plan, SUBTITLES)]
    assert len(set(identifiers)) == len(identifiers)


def test_captions_are_told_of_every_set_of_pictures(plan: Plan) -> None:
    pictures = [one(sets(replace(plan, captions=True)), name) for name in ("original", "720p")]
    told = [found.find("Accessibility", NAMES) for found in pictures]
    assert [each.attrib for each in told if each is not None] == [
        {"schemeIdUri": "urn:scte:dash:cc:cea-608:2015", "value": "CC1=eng"}
    ] * 2
