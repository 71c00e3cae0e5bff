"""By which names this server may be called, and from where a request really comes (security.md 3.3).

A foreign web page can point its own host name at a LAN address (DNS rebinding); answering only to names that
nobody else can own closes that. Forwarded headers are believed from listed proxies alone.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from server.keys import CONFIG
from vod.errors import HomereelError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?\Z")
IPV6_HOUSEHOLD_BITS = 64  # one customer gets a whole /64: counting single addresses would count nothing


class Misdirected(HomereelError):
    code = "misdirected"


@web.middleware
async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not host_allowed(request.headers.get("Host", ""), request.app[CONFIG].server.public_url):
        raise Misdirected("This server is not known by that name. Set [server] public_url to use one.")
    return await handler(request)


@lru_cache(maxsize=256)
def host_allowed(authority: str, public_url: str) -> bool:
    match = AUTHORITY.match(authority.lower())
    if match is None:
        return False
    host = match["host"].rstrip(".")
    if is_address(host.strip("[]")) or host == "localhost" or host.endswith(".local"):
        return True
    return host in {socket.gethostname().lower(), urlsplit(public_url).hostname}


def origin_allowed(origin: str, authority: str, public_url: str) -> bool:
    """Whether a page of `origin` is ours: it came from the very host it now talks to, or from `public_url`."""
    try:
        parts = urlsplit(origin)
    except ValueError:  # `http://[`
        return False
    if parts.scheme not in {"http", "https"}:
        return False
    return parts.netloc.lower() == authority.lower() or origin.lower() == public_url.lower() != ""


def client_address(request: web.Request) -> str:
    """For counting attempts: an IPv4 address or an IPv6 /64."""
    peer = request.remote or ""
    proxies = request.app[CONFIG].server.trusted_proxies
    forwarded = request.headers.getall("X-Forwarded-For", [])
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    return household(rightmost_untrusted([*hops, peer], proxies))


def rightmost_untrusted(hops: Sequence[str], proxies: Sequence[str]) -> str:
    """`hops` end with the peer itself. What stands left of an untrusted hop is that hop's own invention."""
    for hop in reversed(hops):
        if not is_within(hop, proxies):
            return hop
    return hops[0]


def is_within(text: str, proxies: Sequence[str]) -> bool:
    """Whether this is an address of one of these networks."""
    address = _parsed(text)
    networks = [ipaddress.ip_network(proxy, strict=False) for proxy in proxies]
    return address is not None and any(address in network for network in networks)


def is_address(text: str) -> bool:
    return _parsed(text) is not None


def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def household(text: str) -> str:
    """By what an address is counted: an IPv4 address itself, of an IPv6 one its /64."""
    address = _parsed(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_HOUSEHOLD_BITS), strict=False))
    return str(address) if address else "unknown"
