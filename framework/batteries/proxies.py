"""Proxies: what those in front of the service say of a client, and nobody else.

Behind a proxy every request comes from the proxy. It says in a header who has asked it, over which scheme and for
which host; so can anybody. That is heeded from known networks alone, and of a list that others may have begun only the
part that known proxies have written.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy

from framework.adapters.aiohttp.requests import seen_as
from framework.battery import Battery, Handler
from framework.errors import ConfigurationError
from framework.http.addresses import Address, Network, find_address, networks_from

_OTHERS = frozenset({"logs", "problems", "csrf", "ratelimits", "overload"})
_MOST_HOPS = 32
_LONGEST_CLIENT = 128
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_WITH_PORT = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<v4>[0-9.]+))(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"
)
_PAIR = re.compile(
    r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&\'*+.^_`|~0-9A-Za-z:\[\]-]+)|"((?:[^"\\]|\\.)*)")\s*'
)


class Spelling(StrEnum):
    """The headers in which proxies say whom a request is from."""

    x_forwarded = "x-forwarded"
    forwarded = "forwarded"


_NAMES = {
    Spelling.x_forwarded: frozenset({"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}),
    Spelling.forwarded: frozenset({"forwarded"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """The proxies that are believed.

    Attributes:
        trusted: Their networks, such as ``10.0.0.0/8``; nobody is believed without any.
        spelling: Which headers they write: ``x-forwarded`` for ``X-Forwarded-For`` and ``-Proto``, ``forwarded`` for
            that of RFC 7239. The other ones are not looked at: a proxy passes on what it does not know.
        host: Whether the host is taken from them too; say so only if they set it, or take away what clients send.
    """

    trusted: tuple[str, ...] = ()
    spelling: Spelling = Spelling.x_forwarded
    host: bool = False

    def __post_init__(self) -> None:
        try:
            networks_from(self.trusted)
        except ConfigurationError as error:
            raise ConfigurationError(f"trusted: {error}") from None


class Hop(NamedTuple):
    """What one proxy says of whom it was asked by; what it does not say, or not well, is None."""

    client: Address | None
    scheme: str | None = None
    host: str | None = None


class Origin(NamedTuple):
    """Where a request is from, as far as trusted proxies say."""

    remote: str
    scheme: str | None
    host: str | None


def origin(peer: Address, hops: Sequence[Hop], is_trusted: Callable[[Address], bool]) -> Origin:
    """Return where a request is from: the last address, from the service outwards, that trusted proxies vouch for.

    Args:
        peer: Who has sent the request; a trusted proxy.
        hops: What proxies have written, the farthest first, as in the header.
    """
    remote, scheme, host = peer, None, None
    for hop in reversed(hops):
        scheme, host = hop.scheme or scheme, hop.host or host
        if hop.client is None:
            break
        remote = hop.client
        if not is_trusted(hop.client):
            break
    return Origin(str(remote), scheme, host)


def read_x_forwarded(headers: CIMultiDictProxy[str]) -> list[Hop]:
    """Return the hops of ``X-Forwarded-For``; scheme and host are what the nearest proxy has written last."""
    hops = [Hop(_client(text)) for text in _items(headers, hdrs.X_FORWARDED_FOR)] or [Hop(None)]
    schemes, hosts = _items(headers, hdrs.X_FORWARDED_PROTO), _items(headers, hdrs.X_FORWARDED_HOST)
    nearest = Hop(
        hops[-1].client, _scheme(schemes[-1]) if schemes else None, _host(hosts[-1]) if hosts else None
    )
    return [*hops[:-1], nearest]


def _items(headers: CIMultiDictProxy[str], name: str) -> list[str]:
    return [text.strip() for text in ",".join(headers.getall(name, ())).split(",")[-_MOST_HOPS:] if text]


def read_forwarded(headers: CIMultiDictProxy[str]) -> list[Hop]:
    """Return the hops of ``Forwarded`` (RFC 7239, 4); what is malformed ends the list, seen from the service."""
    hops: list[Hop] = []
    # NOTE: a comma in a quoted text makes that element malformed. Heeding quotes across elements would let a client
    # open one, and so swallow what a proxy writes behind it.
    for element in reversed(_items(headers, hdrs.FORWARDED)):
        pairs = _pairs(element)
        if pairs is None:
            break
        hops.append(
            Hop(_client(pairs.get("for", "")), _scheme(pairs.get("proto", "")), _host(pairs.get("host", "")))
        )
    return hops[::-1]


def _pairs(element: str) -> dict[str, str] | None:
    """Return the parameters of one element; None if it is malformed or says one twice."""
    pairs: dict[str, str] = {}
    at = 0
    while at < len(element):
        found = _PAIR.match(element, at)
        if found is None or (found.end() < len(element) and element[found.end()] != ";"):
            return None
        name = found[1].lower()
        if name in pairs:
            return None
        pairs[name] = found[2] or re.sub(r"\\(.)", r"\1", found[3] or "")
        at = found.end() + 1
    return pairs or None


def _client(text: str) -> Address | None:
    """Return the address of a client; None for ``unknown``, a made-up name (RFC 7239, 6.3) and what is no address."""
    address = find_address(text)
    if address is not None:
        return address
    found = _WITH_PORT.fullmatch(text) if len(text) <= _LONGEST_CLIENT else None
    return None if found is None else find_address(found["v6"] or found["v4"])


def _scheme(text: str) -> str | None:
    return _SCHEMES.get(text.lower())


def _host(text: str) -> str | None:
    return text if _HOST.fullmatch(text) else None


def trusting(networks: Sequence[Network]) -> Callable[[Address], bool]:
    """Return what tells whether an address is in one of these networks."""

    def is_trusted(address: Address) -> bool:
        return any(address.version == each.version and address in each for each in networks)

    return is_trusted


def battery(settings: ProxySettings | None = None) -> Battery:
    """Return the battery that lets a request be from the client: ``request.remote``, ``scheme`` and ``host`` tell.

    Without trusted proxies it does nothing at all.
    """
    settings = settings or ProxySettings()
    if not settings.trusted:
        return Battery(name="proxies", before=_OTHERS)
    is_trusted = trusting(networks_from(settings.trusted))
    read = read_x_forwarded if settings.spelling is Spelling.x_forwarded else read_forwarded
    names = _NAMES[settings.spelling]
    takes_host = settings.host

    @lru_cache(maxsize=1024)
    def find_proxy(remote: str) -> Address | None:
        address = find_address(remote)
        return address if address is not None and is_trusted(address) else None

    def middleware(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        headers = request.headers
        peer = find_proxy(request.remote or "") if any(name in headers for name in names) else None
        hops = [] if peer is None else read(request.headers)
        if peer is None or not hops:
            return handler(request)
        found = origin(peer, hops, is_trusted)
        host = found.host if takes_host else None
        return handler(seen_as(request, remote=found.remote, scheme=found.scheme, host=host))

    return Battery(name="proxies", before=_OTHERS, middleware=middleware)
