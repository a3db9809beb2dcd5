"""Addresses of clients, and the networks that they are in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from framework.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LONGEST_ADDRESS = 45  # of IPv6 with an IPv4 address in it
_SITE_BITS = 64


def find_address(text: str) -> Address | None:
    """Return the address that a text is; None if it is none, or has a zone, which means nothing elsewhere.

    An IPv4 address that is written as one of IPv6 (RFC 4291, 2.5.5.2) is the IPv4 address.
    """
    if len(text) > _LONGEST_ADDRESS or "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


@lru_cache(maxsize=4096)
def site_of(remote: str | None) -> str:
    """Return what stands for one client among many: its address, or its /64 network for IPv6 (RFC 6177).

    Whoever has an IPv6 address has all of its network. What is no address, such as the path of a Unix socket, stands
    for itself.
    """
    address = find_address(remote or "")
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> _SITE_BITS << _SITE_BITS, _SITE_BITS)))
    return str(address) if address is not None else remote or ""


def networks_from(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks such as ``10.0.0.0/8`` and ``fd00::/8``; an address alone is a network of one.

    Raises:
        ConfigurationError: One is no network.
    """
    networks = []
    for text in texts:
        try:
            networks.append(ip_network(text.strip()))
        except ValueError as error:
            raise ConfigurationError(
                f"{text[:100]!r} is no network ({error}): write 10.0.0.0/8, fd00::/8 or an address."
            ) from None
    return tuple(networks)
