from __future__ import annotations

import socket

import pytest

from server.hosts import host_allowed, origin_allowed, rightmost_untrusted
from tests.server.conftest import House

PUBLIC = "https://films.example.org"


@pytest.mark.parametrize(
    ("authority", "allowed"),
    [
        pytest.param("192.168.1.5:8470", True, id="an address and port"),
        pytest.param("[fe80::1]:8470", True, id="an IPv6 address"),
        pytest.param("localhost", True, id="localhost"),
        pytest.param("nas.local", True, id="a name of the link"),
        pytest.param(socket.gethostname(), True, id="our own name"),
        pytest.param("FILMS.example.org:443", True, id="the public name, in capitals"),
        pytest.param("films.example.org.", True, id="the public name, rooted"),
        pytest.param("evil.example", False, id="a name that anybody can point at us"),
        pytest.param("localhost.evil.example", False, id="a name that begins like ours"),
        pytest.param("evil.example/.local", False, id="a path in a name"),
        pytest.param("evil.example@localhost", False, id="a user in a name"),
        pytest.param("local", False, id="the link's top alone"),
        pytest.param("", False, id="no name"),
    ],
)
def test_only_names_that_nobody_else_can_own_are_answered(authority: str, allowed: bool) -> None:
    assert host_allowed(authority, PUBLIC) is allowed


async def test_an_unknown_host_is_misdirected(house: House) -> None:
    answer = await (await house.visitor()).get("/health", headers={"Host": "evil.example"})
    assert (answer.status, (await answer.json())["code"]) == (421, "misdirected")


async def test_a_forwarded_host_changes_nothing(house: House) -> None:
    answer = await (await house.visitor()).get("/health", headers={"X-Forwarded-Host": "evil.example"})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        pytest.param("http://192.168.1.5:8470", True, id="the host itself"),
        pytest.param("https://192.168.1.5:8470", True, id="the host behind a proxy that speaks TLS"),
        pytest.param(PUBLIC, True, id="the public address"),
        pytest.param("http://films.example.org", False, id="the public name without TLS"),
        pytest.param("http://192.168.1.5", False, id="another port"),
        pytest.param("http://evil.example", False, id="another host"),
        pytest.param("null", False, id="null"),
        pytest.param("http://[", False, id="half an address"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_an_origin_is_the_host_or_the_public_address(origin: str, allowed: bool) -> None:
    assert origin_allowed(origin, "192.168.1.5:8470", PUBLIC) is allowed


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        pytest.param(["203.0.113.9", "10.0.0.2"], "203.0.113.9", id="behind one proxy"),
        pytest.param(["203.0.113.9", "10.0.0.3", "10.0.0.2"], "203.0.113.9", id="behind two"),
        pytest.param(["127.0.0.1", "203.0.113.9", "10.0.0.2"], "203.0.113.9", id="an invented hop to the left"),
        pytest.param(["127.0.0.1", "203.0.113.9"], "203.0.113.9", id="straight, with an invented header"),
        pytest.param(["10.0.0.2"], "10.0.0.2", id="the proxy itself"),
        pytest.param(["203.0.113.9", "::ffff:10.0.0.2"], "203.0.113.9", id="a proxy on a mapped address"),
        pytest.param(["rubbish", "10.0.0.2"], "rubbish", id="no address at all"),
    ],
)
def test_a_forwarded_address_is_believed_from_listed_proxies_alone(hops: list[str], client: str) -> None:
    assert rightmost_untrusted(hops, ["10.0.0.0/8"]) == client
