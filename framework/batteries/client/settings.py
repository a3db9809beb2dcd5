"""The settings of the outbound client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from framework.batteries.client.destinations import destinations_from_rules
from framework.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """The limits of what a request to another service may cost, and where it may go.

    Attributes:
        total: From the call to the last byte of the answer; a request's own deadline cuts it shorter.
        connect: To get a connection, the wait for a free one included.
        redirects: How many are followed.
        max_body: The largest answer in bytes, once it is unpacked.
        connections: How many there are at once, to all hosts and to one.
        allow: Internal hosts and networks that may be called besides the public internet: ``inventory.internal``,
            ``*.svc.cluster.local``, ``10.0.0.0/8``, ``127.0.0.1``.
        user_agent: How the service calls itself.
    """

    total: timedelta = timedelta(seconds=10)
    connect: timedelta = timedelta(seconds=3)
    redirects: int = 0
    max_body: int = 10 * 1024 * 1024
    connections: int = 100
    connections_per_host: int = 20
    allow: tuple[str, ...] = ()
    user_agent: str = "aiohttp-batteries"

    def __post_init__(self) -> None:
        if min(self.total, self.connect) <= timedelta(0):
            raise ConfigurationError("total and connect are longer than nothing.")
        if min(self.max_body, self.connections, self.connections_per_host) < 1 or self.redirects < 0:
            raise ConfigurationError("max_body, connections and connections_per_host are at least 1.")
        if not self.user_agent.isprintable():
            raise ConfigurationError("user_agent is printable text.")
        destinations_from_rules(self.allow)
