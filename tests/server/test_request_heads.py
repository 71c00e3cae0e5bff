"""What the lane may judge by itself, and what it must not."""

from __future__ import annotations

import pytest

from server.request_heads import LARGEST_HEAD_BYTES, MOST_FIELDS, REMEMBERED_FIELDS, Framing, PlainFields

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def post(*fields: bytes) -> bytes:
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: a", *fields, b"", b""])


def after(*packets: bytes) -> bool:
    framing = Framing()
    for packet in packets:
        framing.feed(packet)
    return framing.is_at_rest


@pytest.mark.parametrize(
    "packets",
    [
        pytest.param([], id="nothing yet"),
        pytest.param([GET, GET], id="whole requests"),
        pytest.param([GET, b""], id="nothing more"),
        pytest.param([post(b"Content-Length: 5") + b"hello"], id="a body in one"),
        pytest.param([post(b"Content-Length: 5"), b"he", b"llo"], id="a body in pieces"),
        pytest.param([post(b"content-length:0")], id="an empty body"),
        pytest.param([post(b"Content-Length: 60"), GET + GET + b"123456"], id="requests inside a body"),
    ],
)
def test_it_is_known_that_a_request_has_ended(packets: list[bytes]) -> None:
    assert after(*packets)


@pytest.mark.parametrize(
    "packets",
    [
        pytest.param([GET[:-1]], id="half a head"),
        pytest.param([GET[:10], GET[10:]], id="a head in two"),
        pytest.param([GET + GET], id="two in one"),
        pytest.param([post(b"Content-Length: 5"), b"hell"], id="half a body"),
        pytest.param([post(b"Content-Length: 5"), b"hello!"], id="more than a body"),
        pytest.param([post(b"Content-Length: 5", b"Content-Length: 5"), b"hello"], id="two lengths"),
        pytest.param([post(b"Content-Length: +5"), b"hello"], id="a signed length"),
        pytest.param([post(b"Content-Length: 5, 5"), b"hello"], id="a list of lengths"),
        pytest.param([post(b"Content-Length: 0x5"), b"hello"], id="a hexadecimal length"),
        pytest.param([post(b"Content-Length:"), b"hello"], id="no length"),
        pytest.param([post(b"Transfer-Encoding: chunked"), b"0\r\n\r\n"], id="chunks"),
        pytest.param([post(b"Upgrade: h2c")], id="an upgrade"),
        pytest.param([post(b"Accept: a", b" folded")], id="a folded field"),
        pytest.param([post(b"Content-Length : 0")], id="a space before the colon"),
        pytest.param([post(b"A: b\nContent-Length: 9")], id="a bare line feed"),
        pytest.param([post(b"A: b\rContent-Length: 9")], id="a bare carriage return"),
        pytest.param([b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"], id="a tunnel"),
        pytest.param([b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"], id="an older version"),
        pytest.param([b"GET /\r\nHost: a\r\n\r\n"], id="no version"),
        pytest.param([b"\r\n" + GET], id="a blank line before"),
        pytest.param([b"\x16\x03\x01" + GET], id="nonsense"),
    ],
)
def test_what_may_be_read_in_two_ways_is_never_trusted_again(packets: list[bytes]) -> None:
    assert not after(*packets)
    assert not after(*packets, GET)


@pytest.fixture
def plain() -> PlainFields:
    return PlainFields(lambda authority: authority == "home.local")


@pytest.mark.parametrize(
    "block",
    [
        b"Host: home.local",
        b"HOST:home.local\t",
        b"Host: home.local\r\nConnection: Keep-Alive",
        b"Accept: */*\r\nHost: home.local\r\nsec-ch-ua-mobile: ?0\r\nX-Forwarded-For: 10.0.0.1",
    ],
)
def test_fields_that_change_nothing_are_plain(plain: PlainFields, block: bytes) -> None:
    assert block + b"\r\n\r\n" in plain
    assert block + b"\r\n\r\n" in plain, "and remembered so"


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Accept: */*",
        b"Host: evil.example",
        b"Host: home.local\r\nHost: home.local",
        b"Host: home.local\r\nRange: bytes=0-1",
        b"Host: home.local\r\nIf-None-Match: *",
        b"Host: home.local\r\nIf-Anything: x",
        b"Host: home.local\r\nConnection: close",
        b"Host: home.local\r\nConnection: keep-alive, upgrade",
        b"Host: home.local\r\nContent-Length: 0",
        b"Host: home.local\r\nExpect: 100-continue",
        b"Host: home.local\r\nAccept-Ranges: x",
        b"Host: home.local\r\nHostile: x",
        b"Host: home.local\r\nUser-Agent: \xff",
        b"Host: home.local\r\nUser-Agent: a\x00b",
        b"Host: home.local\r\nUser-Agent: a\nb",
        b"Host: home.local\r\n\r\nGET / HTTP/1.1\r\nHost: home.local",
        b"Host: home.local" + b"\r\nAccept: a" * MOST_FIELDS,
        b"Host: home.local\r\nCookie: " + b"a" * LARGEST_HEAD_BYTES,
    ],
)
def test_all_other_fields_are_the_applications_business(plain: PlainFields, block: bytes) -> None:
    assert block + b"\r\n\r\n" not in plain


def test_without_an_end_nothing_is_plain(plain: PlainFields) -> None:
    assert b"Host: home.local\r\n" not in plain


def test_what_is_remembered_is_bounded(plain: PlainFields) -> None:
    for number in range(2 * REMEMBERED_FIELDS):
        assert b"Host: home.local\r\nCookie: %d\r\n\r\n" % number in plain
    assert b"a" * (LARGEST_HEAD_BYTES + 1) not in plain
    assert len(plain._known) == REMEMBERED_FIELDS
