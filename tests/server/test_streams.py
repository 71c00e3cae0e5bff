"""The server runs for real on a socket; requests are written by hand where a client library would tidy them."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import ClientSession, TCPConnector

from server import streams, transfers
from server.descriptors import DescriptorCache, OpenFile
from server.playlists import FRESH_SECONDS, PlaylistCache, accepts_gzip, with_token
from tests.server.conftest import Contexts
from tests.server.running import (
    Running,
    ask,
    connection,
    descriptors_come_to,
    open_descriptors,
    parse_answer,
    running,
)
from tests.server.streaming import FILM, Film, make_app, make_film
from vod.tokens import Scope

OTHER = UUID("22222222-2222-4222-8222-222222222222")


@pytest.fixture
def film(tmp_path: Path) -> Film:
    return make_film(tmp_path)


@pytest.fixture
async def server(film: Film) -> AsyncIterator[Running]:
    async with running(make_app(film)) as started:
        yield started


async def test_a_segment_is_immutable_bytes_with_everything_a_player_needs(server: Running, film: Film) -> None:
    answer = await ask(server, film.segment())
    assert (answer.status, answer.body) == (200, film.segment_bytes())
    assert answer.headers["content-type"] == "video/iso.segment"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Content-Range" in answer.headers["access-control-expose-headers"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param("bytes=0-0", (206, 0, 0), id="one byte"),
        pytest.param("bytes=0-", (206, 0, 299_999), id="open from the start"),
        pytest.param("bytes=100-199", (206, 100, 199), id="a stretch"),
        pytest.param("bytes=299999-", (206, 299_999, 299_999), id="the last byte"),
        pytest.param("bytes=299990-999999999", (206, 299_990, 299_999), id="beyond the end"),
        pytest.param("bytes=-10", (206, 299_990, 299_999), id="suffix"),
        pytest.param("bytes=-999999999", (206, 0, 299_999), id="suffix longer than the file"),
        pytest.param("BYTES=5-6", (206, 5, 6), id="unit in capitals"),
        pytest.param("bytes=300000-", (416, 0, 0), id="just past the end"),
        pytest.param("bytes=-0", (416, 0, 0), id="empty suffix"),
        pytest.param("bytes=9-5", (200, 0, 299_999), id="backwards is ignored"),
        pytest.param("bytes=0-1,5-6", (200, 0, 299_999), id="several are ignored"),
        pytest.param("bytes=a-b", (200, 0, 299_999), id="nonsense is ignored"),
        pytest.param("bytes=-", (200, 0, 299_999), id="nothing is ignored"),
        pytest.param("bytes=1-99999999999999999999", (200, 0, 299_999), id="absurdly long is ignored"),
        pytest.param("lines=0-1", (200, 0, 299_999), id="another unit is ignored"),
    ],
)
async def test_ranges(server: Running, film: Film, wanted: str, expected: tuple[int, int, int]) -> None:
    status, first, last = expected
    answer = await ask(server, film.segment(), Range=wanted)
    assert answer.status == status
    if status == 416:
        assert (answer.headers["content-range"], answer.body) == ("bytes */300000", b"")
        return
    assert answer.body == film.segment_bytes()[first : last + 1]
    assert answer.headers.get("content-range") == (f"bytes {first}-{last}/300000" if status == 206 else None)
    assert answer.headers["content-length"] == str(last - first + 1)


async def test_conditions(server: Running, film: Film) -> None:
    etag = (await ask(server, film.segment())).headers["etag"]
    unchanged = await ask(server, film.segment(), If_None_Match=f'"x", W/{etag}')
    assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", etag)
    assert (await ask(server, film.segment(), If_None_Match="*")).status == 304
    assert (await ask(server, film.segment(), If_None_Match='"x"')).status == 200
    assert (await ask(server, film.segment(), Range="bytes=0-9", If_Range=etag)).status == 206
    changed = await ask(server, film.segment(), Range="bytes=0-9", If_Range='"x"')
    assert (changed.status, len(changed.body)) == (200, 300_000)
    by_date = await ask(server, film.segment(), Range="bytes=0-9", If_Range="Sat, 01 Jan 2028 00:00:00 GMT")
    assert by_date.status == 200


async def test_head_says_what_get_would_and_sends_nothing(server: Running, film: Film) -> None:
    for target in (film.segment(), film.original(), film.hls("master.m3u8")):
        head, get = await ask(server, target, "HEAD"), await ask(server, target)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(get.body))
    ranged = await ask(server, film.segment(), "HEAD", Range="bytes=0-9")
    assert (ranged.status, ranged.headers["content-length"]) == (200, "300000")


async def test_a_playlist_is_compressed_and_always_asked_about_again(server: Running, film: Film) -> None:
    target = film.hls(f"{film.digest}/720p.m3u8")
    plain, packed = await ask(server, target), await ask(server, target, Accept_Encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert plain.headers["cache-control"] == "private, max-age=0, must-revalidate"
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] != packed.headers["etag"]
    assert (await ask(server, target, Accept_Encoding="gzip", If_None_Match=packed.headers["etag"])).status == 304
    assert (await ask(server, target, If_None_Match=plain.headers["etag"])).status == 304


async def test_a_rewritten_master_is_served_anew(server: Running, film: Film) -> None:
    before = await ask(server, film.hls("master.m3u8"))
    playlists = server.app[streams.PLAYLISTS]
    film.put(film.storage.master(FILM), b"#EXTM3U\n# another\n")
    for playlist in playlists._playlists.values():
        playlist.seen_at -= FRESH_SECONDS
    after = await ask(server, film.hls("master.m3u8"), If_None_Match=before.headers["etag"])
    assert (after.status, after.body) == (200, b"#EXTM3U\n# another\n")


@pytest.mark.parametrize(
    ("field", "accepted"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br", False),
        ("", False),
        ("xgzip", False),
    ],
)
def test_gzip_is_sent_to_who_takes_it(field: str, accepted: bool) -> None:
    assert accepts_gzip(field) is accepted


async def test_a_planned_segment_that_is_missing_comes_later_and_one_outside_the_plan_never(
    server: Running, film: Film
) -> None:
    planned = await ask(server, film.segment(3))
    assert planned.status == 503
    assert planned.headers["retry-after"] == "1"
    assert planned.headers["content-type"].startswith("application/problem+json")
    assert json.loads(planned.body)["code"] == "segment-not-ready"
    for name in ("720p/00004.m4s", "720p/1.m4s", "720p/000003.m4s", "1080p/00000.m4s", "1080p/init.mp4"):
        assert (await ask(server, film.hls(f"{film.digest}/{name}"))).status == 404, name
    film.storage.init_section(FILM, film.digest, "720p").unlink()
    assert (await ask(server, film.hls(f"{film.digest}/720p/init.mp4"))).status == 503
    film.put(film.storage.segment(FILM, film.digest, "720p", 3), b"now")
    assert (await ask(server, film.segment(3))).body == b"now"


@pytest.mark.parametrize(
    "name",
    [
        "../../../secrets/token-keys",
        "%2e%2e/%2e%2e/%2e%2e/secrets/token-keys",
        "..%2f..%2f..%2fsecrets%2ftoken-keys",
        "..%5c..%5csecrets%5ctoken-keys",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "DIGEST/720p/../../../../../secrets/token-keys",
        "DIGEST/720p/%2e%2e/%2e%2e/master.m3u8",
        "DIGEST/720p/00000.m4s%00",
        "DIGEST/720p/%00",
        "DIGEST/plan.json",
        "DIGEST/720p/.00000.m4s.part",
        "DIGEST/.hidden.m3u8",
        "DIGEST//00000.m4s",
        "DIGEST/720p/",
        "DIGEST/720p",
        "DIGEST",
        "DIGEST/720p/sub/00000.m4s",
        "DIGEST/720p/00000.m4s/",
        "DIGEST/720P/00000.m4s",
        "DIGEST/720p/00000.M4S",
        "DIGEST/720p/folder.m4s",
        "DIGEST/720p/link.m4s",
        "DIGEST/link.m3u8",
        "DIGEST/720p/pipe.m4s",
        "0000000000000000/720p/00000.m4s",
        "plan.json",
        "master.m3u8%0a",
        "\u0000",
    ],
)
async def test_a_hostile_name_is_no_file(server: Running, film: Film, name: str) -> None:
    folder = film.storage.rendition(FILM, film.digest, "720p")
    (folder / "folder.m4s").mkdir()
    (folder / "link.m4s").symlink_to(film.storage.secret("token-keys"))
    (folder.parent / "link.m3u8").symlink_to(film.storage.secret("token-keys"))
    os.mkfifo(folder / "pipe.m4s")
    answer = await ask(server, film.hls(name.replace("DIGEST", film.digest)))
    assert answer.status in {400, 404}
    secret = json.loads(film.storage.secret("token-keys").read_text())["keys"][0]["secret"]
    assert secret.encode() not in answer.body


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/stream/hls/{other}/{token}/master.m3u8", id="foreign id"),
        pytest.param("/stream/hls/{film}/{late}/master.m3u8", id="late token"),
        pytest.param("/stream/hls/{film}/{damaged}/master.m3u8", id="damaged token"),
        pytest.param("/stream/hls/{film}/x/master.m3u8", id="no token"),
        pytest.param("/stream/hls/{film}/x/../../nothing", id="refused before the name is looked at"),
        pytest.param("/stream/original/{film}/{token}/film.mkv", id="a token that does not reach the original"),
        pytest.param("/stream/original/{other}/{original}/film.mkv", id="foreign original"),
    ],
)
async def test_without_a_right_there_is_no_answer(server: Running, film: Film, target: str) -> None:
    token = film.token()
    filled = target.format(
        film=FILM,
        other=OTHER,
        token=token,
        original=film.token(Scope.ORIGINAL),
        late=film.tokens.sign(FILM, "u1", Scope.HLS, 1_000_000),
        damaged=token[:-1] + ("A" if token[-1] != "A" else "B"),
    )
    answer = await ask(server, filled)
    assert (answer.status, json.loads(answer.body)["code"]) == (403, "token-refused")


async def test_a_revoked_subject_loses_even_the_segments_kept_open(server: Running, film: Film) -> None:
    target = film.segment()
    assert (await ask(server, target)).status == 200
    film.tokens.subjects.revoke("u1")
    assert (await ask(server, target)).status == 403


async def test_an_id_in_another_spelling_is_unknown(server: Running, film: Film) -> None:
    shouting = film.segment().replace(str(FILM), str(UUID(int=0xABCDEF)).upper())
    assert (await ask(server, shouting)).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_streams_are_read_only(server: Running, film: Film, method: str) -> None:
    assert (await ask(server, film.segment(), method)).status == 405


async def test_a_page_of_another_origin_may_ask_with_ranges(server: Running, film: Film) -> None:
    answer = await ask(
        server, film.segment(), "OPTIONS", Origin="http://tv.local", Access_Control_Request_Headers="range"
    )
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Range" in answer.headers["access-control-allow-headers"]


async def test_the_original_is_a_download_with_ranges(server: Running, film: Film) -> None:
    answer = await ask(server, film.original("Blade%20%22Runner%22%20%C3%A9.mkv"), Range="bytes=-5")
    assert (answer.status, answer.body) == (206, film.original_bytes[-5:])
    assert answer.headers["content-type"] == "video/x-matroska"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Blade%20%22Runner%22%20%C3%A9.mkv"


@pytest.mark.parametrize("name", ["film.mp4", "film", "film.", "..", "film.mkv%2f..", "film.MKV", "film.m%00kv"])
async def test_an_original_has_one_extension(server: Running, film: Film, name: str) -> None:
    assert (await ask(server, film.original(name))).status == 404


async def test_a_name_that_would_break_the_header_does_not(server: Running, film: Film) -> None:
    answer = await ask(server, film.original("a%0d%0aSet-Cookie:x=1%0d%0a.mkv"), "HEAD")
    assert answer.status == 200
    assert "set-cookie" not in answer.headers


async def test_every_byte_is_right_at_random_ranges_under_concurrency(server: Running, film: Film) -> None:
    dice = random.Random(7)
    expected = film.original_bytes

    async def one(session: ClientSession) -> None:
        first = dice.randrange(len(expected))
        last = dice.randrange(first, len(expected))
        async with session.get(server.url(film.original()), headers={"Range": f"bytes={first}-{last}"}) as answer:
            assert await answer.read() == expected[first : last + 1]

    async with ClientSession(connector=TCPConnector(limit=16)) as session:
        await asyncio.gather(*(one(session) for _ in range(150)))


async def test_two_hundred_requests_at_once_are_all_answered(server: Running, film: Film) -> None:
    targets = [film.segment(0), film.segment(1), film.segment(2), film.hls("master.m3u8"), film.hls("nothing")]

    async def one(session: ClientSession, target: str) -> int:
        async with session.get(server.url(target)) as answer:
            await answer.read()
            return answer.status

    async with ClientSession(connector=TCPConnector(limit=200)) as session:
        statuses = await asyncio.gather(*(one(session, targets[n % 5]) for n in range(200)))
    assert statuses == [200, 200, 503, 200, 404] * 40


async def test_one_connection_serves_pipelined_requests_in_order(server: Running, film: Film) -> None:
    async with connection(server) as (reader, writer):
        for target in (film.segment(0), film.hls("master.m3u8"), film.segment(1)):
            writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        for body in (film.segment_bytes(0), None, film.segment_bytes(1)):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(parse_answer(head).headers["content-length"])
            received = await reader.readexactly(length)
            assert body is None or received == body


async def test_http_1_0_closes_unless_asked_to_stay(server: Running, film: Film) -> None:
    async with connection(server) as (reader, writer):
        writer.write(f"GET {film.segment()} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = parse_answer(await reader.read(-1))
    assert answer.body == film.segment_bytes()
    async with connection(server) as (reader, writer):
        writer.write(f"GET {film.segment()} HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n".encode())
        head = parse_answer(await reader.readuntil(b"\r\n\r\n"))
    assert head.headers["connection"] == "keep-alive"


async def leave_in_mid_body(server: Running, film: Film) -> None:
    async with connection(server) as (reader, writer):
        writer.write(f"GET {film.original()} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await reader.readexactly(1000)
        writer.transport.abort()


async def test_clients_that_leave_in_mid_body_leak_no_descriptor(server: Running, film: Film) -> None:
    await ask(server, film.original())
    before = open_descriptors()
    await asyncio.gather(*(leave_in_mid_body(server, film) for _ in range(40)))
    await descriptors_come_to(before)
    assert (await ask(server, film.original())).body == film.original_bytes


async def test_a_reader_that_takes_nothing_is_cut(server: Running, film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "PATIENCE_SECONDS", 0.05)
    film.put(film.storage.original(FILM, "mkv"), b"x" * (32 << 20))
    await ask(server, film.original(), "HEAD")
    async with connection(server) as (reader, writer):
        writer.write(f"GET {film.original()} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(20):
            while server.connections:
                await asyncio.sleep(0)


async def test_a_file_that_shrank_ends_in_a_cut_and_not_in_wrong_bytes(server: Running, film: Film) -> None:
    await ask(server, film.original(), "HEAD")
    os.truncate(film.storage.original(FILM, "mkv"), 1000)
    answer = await ask(server, film.original())
    assert answer.headers["content-length"] == str(3 << 20)
    assert answer.body == film.original_bytes[:1000]


async def test_a_deleted_film_is_gone_at_once_and_its_disk_space_too(server: Running, film: Film) -> None:
    await ask(server, film.segment())
    await ask(server, film.original())
    descriptors: DescriptorCache = server.app[streams.DESCRIPTORS]
    assert len(descriptors) == 2
    streams.forget(server.app, FILM)
    film.storage.delete_media(FILM, "mkv")
    assert len(descriptors) == 0
    assert (await ask(server, film.segment())).status == 404
    assert (await ask(server, film.original())).status == 404


async def test_a_segment_deleted_behind_our_back_leaves_with_the_next_sweep(server: Running, film: Film) -> None:
    await ask(server, film.segment())
    film.storage.segment(FILM, film.digest, "720p", 0).unlink()
    await server.app[streams.DESCRIPTORS].sweep()
    assert (await ask(server, film.segment())).status == 503


async def test_descriptors_are_bounded_and_closed(film: Film) -> None:
    before = open_descriptors()
    cache = DescriptorCache(limit=3)
    path = film.storage.original(FILM, "mkv")
    held = [await cache.open(("film", str(number)), path, {}) for number in range(10)]
    assert len(cache) == 3
    assert open_descriptors() == before + 10, "a response still uses them"
    held.clear()
    await descriptors_come_to(before + 3)
    assert open_descriptors() == before + 3
    cache.close()
    await descriptors_come_to(before)


async def test_a_file_opened_twice_at_once_is_kept_once(film: Film) -> None:
    cache, path = DescriptorCache(), film.storage.original(FILM, "mkv")
    first, second = await asyncio.gather(*(cache.open(("film", "x"), path, {}) for _ in range(2)))
    assert first is second


async def test_a_cold_file_is_read_ahead_before_it_is_sent(server: Running, film: Film) -> None:
    path = film.storage.original(FILM, "mkv")
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    cold = OpenFile(path, {})
    if not cold.is_resident(0, 1):
        cold.read_ahead(0, cold.size)
        assert cold.is_resident(0, cold.size)
    assert (await ask(server, film.original())).body == film.original_bytes


async def test_playlists_in_memory_are_bounded(film: Film) -> None:
    cache = PlaylistCache(limit_bytes=1)
    await cache.load(("film", "x"), film.storage.master(FILM))
    assert (cache._held, len(cache._playlists)) == (0, 0)


async def test_over_tls_the_bytes_are_the_same(film: Film, tls: Contexts) -> None:
    ours, theirs = tls
    async with (
        running(make_app(film), ours) as secure,
        ClientSession() as session,
        session.get(secure.url(film.original()), ssl=theirs) as answer,
    ):
        assert await answer.read() == film.original_bytes


def test_a_playlist_for_who_has_no_path_token_carries_it_in_every_uri() -> None:
    text = (
        "#EXTM3U\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="URI=x",URI="d/audio-eng.m3u8"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=1\n"
        "d/720p.m3u8\n"
        "/already/rooted.m3u8\n"
        "\n"
    )
    assert with_token(text, "/stream/hls/i/t/") == (
        "#EXTM3U\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="URI=x",URI="/stream/hls/i/t/d/audio-eng.m3u8"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=1\n"
        "/stream/hls/i/t/d/720p.m3u8\n"
        "/already/rooted.m3u8\n"
        "\n"
    )


async def test_a_stop_lets_a_running_answer_end(film: Film) -> None:
    film.put(film.storage.original(FILM, "mkv"), random.Random(5).randbytes(24 << 20))
    async with running(make_app(film)) as server, connection(server) as (reader, writer):
        writer.write(f"GET {film.original()} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        stopping = asyncio.create_task(server.runner.cleanup())
        assert await reader.readexactly(24 << 20) == film.original_bytes
        assert await reader.read(-1) == b""
        await stopping


async def test_an_idle_connection_is_closed_after_an_answer_as_before_one(film: Film) -> None:
    async with running(make_app(film), keepalive_timeout=0.05) as server, connection(server) as (reader, writer):
        writer.write(f"GET {film.segment()} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        async with asyncio.timeout(20):
            assert (parse_answer(await reader.read(-1))).body == film.segment_bytes()


async def test_the_access_log_knows_what_was_sent(film: Film, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(make_app(film)) as server:
        await ask(server, film.segment(), Range="bytes=5-9")
        await ask(server, film.original())
    lines = [record.getMessage() for record in caplog.records if record.name == "aiohttp.access"]
    assert [" 206 5 B " in lines[0], f" 200 {3 << 20} B " in lines[1]] == [True, True]
    assert not any(film.token(scope) in line for scope in Scope for line in lines)
