"""A real film and a copied one break no rule; each planted fault is found under its rule's number."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.film import encode_original, make_package, plan_original
from tests.vod.hls.media import NON_SYNC
from tests.vod.hls.patients import FILM, Film, copied_film, started
from vod.hls.doctor.examination import Examination
from vod.hls.doctor.rules import NOT_LOOKED_AT, PLAYERS, RULES
from vod.hls.iframes import iframe_playlist_name, render_iframe_playlist
from vod.hls.keyframes import read_keyframes
from vod.hls.plan import SubtitlePlan
from vod.hls.subtitle_files import publish_cues
from vod.storage import Storage
from vod.subtitles.cues import Cue
from worker.lanes import publish_playlists

RUNG = "540p"
SUBTITLES = SubtitlePlan(
    name="subs-eng",
    stream_index=3,
    kind="text",
    codec="subrip",
    language="en",
    label="English",
    default=False,
    forced=True,
    hearing_impaired=True,
)


def broken(examination: Examination) -> dict[int, list[str]]:
    return {
        verdict.rule.number: [f"{fault.where}: {fault.what}" for fault in verdict.faults]
        for verdict in examination.broken
    }


def noted(examination: Examination) -> set[int]:
    return {verdict.rule.number for verdict in examination.noted}


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Film:
    storage = Storage(tmp_path_factory.mktemp("encoded"))
    storage.prepare()
    plan = replace(plan_original(), subtitles=(SUBTITLES,), captions=True)

    async def make_film() -> None:
        original = encode_original(storage.original(FILM, "mp4"))
        await make_package(await started(), plan, original, storage.hls(FILM))

    asyncio.run(make_film())
    for rung in plan.rungs:
        keyframes = read_keyframes(storage.rendition(FILM, plan.digest, rung.name), plan.grid(rung.name))
        playlist = storage.media_playlist(FILM, plan.digest, iframe_playlist_name(rung.name))
        playlist.write_text(render_iframe_playlist(plan, rung.name, keyframes), encoding="utf-8")
    publish_cues(storage, FILM, plan, SUBTITLES.name, [Cue(start_ms=1000, end_ms=3000, text="Hello")])
    publish_playlists(storage, FILM, plan)
    return Film(storage, plan)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return copied_film(tmp_path_factory.mktemp("copied"), "-g", "75", "-bf", "2")


def test_an_encoded_film_breaks_no_rule(encoded: Film) -> None:
    examination = encoded.examine()
    assert broken(examination) == {}
    assert examination.by_player == {}


def test_a_copied_film_breaks_no_rule_and_is_exempt_from_what_is_our_encoder_s(copied: Film) -> None:
    examination = copied.examine()
    assert broken(examination) == {}
    assert 14 in noted(examination)  # keyframes three seconds apart


def test_holes_of_what_is_made_when_somebody_asks_are_no_fault(encoded: Film, tmp_path: Path) -> None:
    film = encoded.copy_to(tmp_path / "house")
    gone(f"{RUNG}/00001.m4s")(film)
    examination = film.examine(frozenset({RUNG}))
    assert broken(examination) == {} and 24 in noted(examination)


def test_a_copied_segment_is_missing_where_the_original_is_shorter(copied: Film, tmp_path: Path) -> None:
    film = copied.copy_to(tmp_path / "house")
    original = film.storage.original(FILM, "mp4")
    original.write_bytes(original.read_bytes()[:20_000])
    assert "the original has become shorter" in str(broken(film.examine())[24])


def test_a_damaged_index_of_a_copy_is_found(copied: Film, tmp_path: Path) -> None:
    film = copied.copy_to(tmp_path / "house")
    index = film.storage.segment_index(FILM, film.plan.digest, "original")
    index.write_bytes(index.read_bytes()[:-1])
    assert "the segment index has another size than it tells" in str(broken(film.examine())[24])


def test_every_rule_is_looked_at_once_or_said_not_to_be() -> None:
    numbers = [rule.number for rule in RULES]
    assert numbers == sorted(set(numbers))
    assert {27, *numbers, *NOT_LOOKED_AT} == set(range(1, 36))
    assert all(rule.players and set(rule.players) <= set(PLAYERS) for rule in RULES)


Spoil = Callable[[Film], None]


def in_text(name: str, pattern: str, replacement: str) -> Spoil:
    def spoil(film: Film) -> None:
        path = film.storage.master(FILM) if name == "master" else film.below / f"{name}.m3u8"
        text = path.read_text(encoding="utf-8")
        changed = re.sub(pattern, replacement, text, count=1, flags=re.MULTILINE)
        assert changed != text
        path.write_text(changed, encoding="utf-8")

    return spoil


def in_bytes(name: str, box: bytes, offset: int, new: bytes) -> Spoil:
    """`new` in place of what lies `offset` bytes behind the box's name."""

    def spoil(film: Film) -> None:
        path = film.below / RUNG / name
        content = bytearray(path.read_bytes())
        at = content.index(box) + len(box) + offset
        assert content[at : at + len(new)] != new
        content[at : at + len(new)] = new
        path.write_bytes(content)

    return spoil


def in_file(name: str, old: bytes, new: bytes) -> Spoil:
    def spoil(film: Film) -> None:
        content = (film.below / name).read_bytes()
        assert old in content
        (film.below / name).write_bytes(content.replace(old, new))

    return spoil


def gone(name: str) -> Spoil:
    return lambda film: (film.below / name).unlink()


def cut_short(name: str) -> Spoil:
    def spoil(film: Film) -> None:
        path = film.below / name
        path.write_bytes(path.read_bytes()[:-100])

    return spoil


def first_picture_is_no_idr(film: Film) -> None:
    """What was an IDR slice (5) is called an ordinary one (1): the first of its NAL units behind the SEI."""
    path = film.below / RUNG / "00001.m4s"
    content = bytearray(path.read_bytes())
    at = content.index(b"mdat") + 4
    while content[at + 4] & 0x1F != 5:
        at += 4 + struct.unpack_from(">I", content, at)[0]
    content[at + 4] = content[at + 4] & 0xE0 | 1
    path.write_bytes(content)


def timeless(film: Film) -> None:
    playlist = film.below / f"{RUNG}.m3u8"
    playlist.write_text(re.sub(r"EXTINF:[\d.]+", "EXTINF:0", playlist.read_text(encoding="utf-8")), encoding="utf-8")


def one_keyframe_a_segment(film: Film) -> None:
    for path in (film.below / RUNG).glob("*.m4s"):
        content = bytearray(path.read_bytes())
        run = content.index(b"trun")
        (count,) = struct.unpack_from(">I", content, run + 8)
        for row in range(1, count):  # of duration, size, flags and composition
            struct.pack_into(">I", content, run + 16 + 16 * row + 8, NON_SYNC)
        path.write_bytes(content)


def swollen(name: str) -> Spoil:
    """40 MB more, which are no media."""

    def spoil(film: Film) -> None:
        with (film.below / name).open("ab") as file:
            file.write(struct.pack(">I4s", 40_000_000, b"free"))
            file.truncate(file.tell() + 40_000_000 - 8)

    return spoil


def later(seconds: float) -> bytes:
    return struct.pack(">Q", round(seconds * 24_000))


def nowhere_independent(film: Film) -> None:
    for playlist in (film.storage.master(FILM), *film.below.glob("*.m3u8")):
        text = playlist.read_text(encoding="utf-8")
        playlist.write_text(text.replace("#EXT-X-INDEPENDENT-SEGMENTS\n", ""), encoding="utf-8")


def too_high_for_a_phone(film: Film) -> None:
    for rung in film.plan.rungs:
        init = film.below / rung.name / "init.mp4"
        content = bytearray(init.read_bytes())
        content[content.index(b"avcC") + 7] = 52
        init.write_bytes(content)


def lowest_first(film: Film) -> None:
    master = film.storage.master(FILM)
    head, *variants = re.split(
        r"(?=^#EXT-X-STREAM-INF.*\n.*\n)", master.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert len(variants) > 1
    master.write_text(head + "".join(reversed(variants)), encoding="utf-8")


def shorter(film: Film, name: str) -> None:
    playlist = film.below / f"{name}.m3u8"
    lines = playlist.read_text(encoding="utf-8").splitlines()
    playlist.write_text("\n".join([*lines[:-3], lines[-1], ""]), encoding="utf-8")


FAULTS = [
    pytest.param(1, in_text("master", r'CODECS="avc1\.42C0', 'CODECS="avc1.4D40'), id="another profile than avcC's"),
    pytest.param(1, in_text("master", r'CODECS="[^"]*",', ""), id="no CODECS"),
    pytest.param(2, in_text("master", r'CODECS="', 'CODECS="hvc1.1.6.L93.90,'), id="two codecs of pictures"),
    pytest.param(3, in_text("master", r"(STREAM-INF.*)RESOLUTION=960x540", r"\1RESOLUTION=961x540"), id="another size"),
    pytest.param(3, in_text("master", r"FRAME-RATE=23.976", "FRAME-RATE=25.976"), id="another rate"),
    pytest.param(3, in_text("master", r",FRAME-RATE=23.976", ""), id="no rate"),
    pytest.param(4, in_text("master", r"STREAM-INF:BANDWIDTH=\d+", "STREAM-INF:BANDWIDTH=90000"), id="a low BANDWIDTH"),
    pytest.param(4, in_text("master", r"AVERAGE-BANDWIDTH=\d+,", ""), id="no AVERAGE-BANDWIDTH"),
    pytest.param(5, swollen(f"{RUNG}/00001.m4s"), id="a peak above the ceiling"),
    pytest.param(6, nowhere_independent, id="nothing is called independent"),
    pytest.param(7, in_text("master", r"FRAME-RATE=23.976", "FRAME-RATE=23.976,VIDEO-RANGE=PQ"), id="SDR called HDR"),
    pytest.param(8, too_high_for_a_phone, id="level 5.2 alone"),
    pytest.param(9, lowest_first, id="the lowest variant first"),
    pytest.param(10, in_text("master", r'LANGUAGE="en",', ""), id="no LANGUAGE"),
    pytest.param(10, in_text("master", r'AUDIO="audio"', 'AUDIO="sound"'), id="a group that does not exist"),
    pytest.param(11, lambda film: shorter(film, "audio-eng"), id="sound that ends early"),
    pytest.param(11, swollen("audio-eng/00001.m4s"), id="sound that takes too much"),
    pytest.param(13, in_text(f"{RUNG}-iframes", r"#EXT-X-I-FRAMES-ONLY\n", ""), id="no I-FRAMES-ONLY"),
    pytest.param(13, in_text(f"{RUNG}-iframes", r"BYTERANGE:\d+@", "BYTERANGE:700@"), id="half a keyframe"),
    pytest.param(13, in_text("master", r'(I-FRAME.*)CODECS="[^"]*",', r"\1"), id="I-frames without CODECS"),
    pytest.param(14, one_keyframe_a_segment, id="keyframes six seconds apart"),
    pytest.param(15, first_picture_is_no_idr, id="a start that is no IDR"),
    pytest.param(15, in_bytes("00001.m4s", b"trun", 20, b"\1\1\0\0"), id="a start that is no sync sample"),
    pytest.param(16, in_text(RUNG, r"TARGETDURATION:6", "TARGETDURATION:5"), id="a target too small"),
    pytest.param(17, in_text("audio-eng", r"TARGETDURATION:6", "TARGETDURATION:7"), id="two targets"),
    pytest.param(17, lambda film: shorter(film, "audio-eng"), id="two lengths"),
    pytest.param(18, in_text(RUNG, r"EXTINF:6\.006", "EXTINF:6.016"), id="cuts that differ"),
    pytest.param(19, in_text("audio-eng", r"EXTINF:\d\.\d", "EXTINF:5.5"), id="an EXTINF half a second off"),
    pytest.param(19, timeless, id="segments that last no time"),
    pytest.param(20, in_bytes("00001.m4s", b"tfdt", 4, later(6.1)), id="a gap in the decode times"),
    pytest.param(21, in_text(RUNG, r"(#EXTINF.*\n.*00001)", r"#EXT-X-DISCONTINUITY\n\1"), id="a discontinuity"),
    pytest.param(22, in_text(RUNG, r"(#EXT-X-MAP.*)", r"\1\n\1"), id="two MAPs"),
    pytest.param(22, in_text(RUNG, r"VERSION:7", "VERSION:5"), id="an old version"),
    pytest.param(23, in_text(RUNG, r"#EXT-X-ENDLIST\n", ""), id="no end"),
    pytest.param(23, in_text("audio-fra", r"TYPE:VOD", "TYPE:EVENT"), id="an EVENT list"),
    pytest.param(24, gone(f"{RUNG}/00001.m4s"), id="a missing segment"),
    pytest.param(24, gone(f"{RUNG}/init.mp4"), id="a missing init section"),
    pytest.param(24, gone("audio-eng.m3u8"), id="a missing playlist"),
    pytest.param(24, cut_short(f"{RUNG}/00001.m4s"), id="half a segment"),
    pytest.param(24, in_text(RUNG, r"^(.*)/00001.m4s", r"../../../../etc/passwd"), id="a file of somebody else"),
    pytest.param(24, in_text(RUNG, r"EXTINF:6", "EXTINF:six"), id="a duration that is no number"),
    pytest.param(24, in_text(RUNG, r"(00001.m4s)", "a" * 9000), id="a line without end"),
    pytest.param(24, lambda film: film.storage.master(FILM).write_text("junk"), id="a master of junk"),
    pytest.param(24, lambda film: film.storage.master(FILM).unlink(), id="no master"),
    pytest.param(24, gone("subs-eng/00001.vtt"), id="missing subtitles"),
    pytest.param(28, in_file("subs-eng/00001.vtt", b"X-TIMESTAMP-MAP", b"NOTE"), id="subtitles without a clock"),
    pytest.param(28, in_text("master", r"(TYPE=SUBTITLES.*AUTOSELECT)=YES", r"\1=NO"), id="forced, not by itself"),
    pytest.param(28, in_text("master", r"(TYPE=SUBTITLES.*),CHARACTERISTICS=[^,]*,[^,]*", r"\1"), id="SDH untold"),
    pytest.param(28, lambda film: shorter(film, "subs-eng"), id="subtitles that end early"),
    pytest.param(28, in_text("master", r',SUBTITLES="subs"', ""), id="a variant without subtitles"),
    pytest.param(28, in_text("master", r',CLOSED-CAPTIONS="cc"', ""), id="a variant without captions"),
    pytest.param(29, in_text(RUNG, r"\A", "\ufeff"), id="a byte order mark"),
    pytest.param(32, in_text(RUNG, r"00001.m4s", "00001.m4s?token=x"), id="a token in a query"),
    pytest.param(33, in_text(RUNG, r"00001.m4s", "The_Film.m4s"), id="a title in a name"),
]


@pytest.mark.parametrize(("rule", "spoil"), FAULTS)
def test_a_planted_fault_is_found_under_its_rule(encoded: Film, tmp_path: Path, rule: int, spoil: Spoil) -> None:
    film = encoded.copy_to(tmp_path / "house")
    spoil(film)
    found = broken(film.examine())
    assert rule in found
    assert str(tmp_path) not in str(found)
