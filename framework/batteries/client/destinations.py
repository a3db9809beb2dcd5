"""Where an outbound request may go: public addresses, and what is allowed by name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from framework.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The IANA special-purpose registries (RFC 6890). They stand here, since what `is_global` says differs between
# versions of Python.
_INTERNAL_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata service is in it, too
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host of a virtual machine at one large cloud
        "169.254.0.0/16",  # link-local, with the metadata service of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Everything else of IPv6 is loopback, local, multicast, unassigned or an IPv4 address in disguise (mapped, NAT64).
_PUBLIC_V6 = IPv6Network("2000::/3")
_INTERNAL_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocols, Teredo among them, which has an IPv4 address inside
        "2001:db8::/32",
        "2002::/16",  # 6to4, likewise
        "3fff::/20",
    )
)
_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


def is_public(address: Address) -> bool:
    """Tell whether an address is on the public internet, and not in one's own network or machine."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _INTERNAL_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _INTERNAL_V6)


@dataclass(frozen=True, slots=True)
class Destinations:
    """The places where requests may go.

    Attributes:
        hosts: Host names that are allowed wherever they are.
        suffixes: The ends of such host names, each with its first dot.
        networks: Networks that are allowed although they are internal.
    """

    hosts: frozenset[str]
    suffixes: tuple[str, ...]
    networks: tuple[Network, ...]

    def allow_host(self, host: str) -> bool:
        """Tell whether a host is allowed by its name."""
        name = host.rstrip(".").lower()
        return name in self.hosts or name.endswith(self.suffixes)

    def allow_address(self, text: str) -> bool:
        """Tell whether an address is allowed; a text that is none is not."""
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        return is_public(address) or any(
            address in network for network in self.networks if network.version == address.version
        )


def destinations_from_rules(rules: Iterable[str]) -> Destinations:
    """Read what is allowed: ``inventory.internal``, ``*.svc.cluster.local``, ``10.0.0.0/8`` or ``127.0.0.1``.

    Raises:
        ConfigurationError: A rule is none of these.
    """
    hosts: set[str] = set()
    suffixes: list[str] = []
    networks: list[Network] = []
    for rule in rules:
        network = _find_network(rule)
        name = rule.rstrip(".").lower()
        if network is not None:
            networks.append(network)
        elif not _HOST.fullmatch(name) or name.replace(".", "").isdigit():
            raise ConfigurationError(f"{rule!r} is no host name, '*.' with a domain, address or network.")
        elif name.startswith("*."):
            suffixes.append(name[1:])
        else:
            hosts.add(name)
    return Destinations(frozenset(hosts), tuple(suffixes), tuple(networks))


def _find_network(rule: str) -> Network | None:
    try:
        return ipaddress.ip_network(rule)
    except ValueError:
        return None
