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
        connections: How many there are at once, to all hosts together.
        connections_per_host: How many there are at once to one host.
        allow: Internal hosts and networks that may be called besides the public internet: ``inventory.internal``,
            ``*.svc.cluster.local``, ``10.0.0.0/8``, ``127.0.0.1``.
        user_agent: How the service calls itself.
        retries: How often a call is made again that found nobody, or a 429, 502, 503 or 504, where its method is
            idempotent (RFC 9110, 9.2.2) or it has an ``Idempotency-Key``; within `total`, and never a stream.
        breaker_calls: A service is suspended when half of so many calls, its last ones, have failed; 0 for never.
        breaker_window: Calls that ended longer ago than this do not count for that.
        breaker_pause: How long it is left alone before one call may try whether it is back.
    """

    total: timedelta = timedelta(seconds=10)
    connect: timedelta = timedelta(seconds=3)
    redirects: int = 0
    max_body: int = 10 * 1024 * 1024
    connections: int = 100
    connections_per_host: int = 20
    allow: tuple[str, ...] = ()
    user_agent: str = "aiohttp-batteries"
    retries: int = 0
    breaker_calls: int = 20
    breaker_window: timedelta = timedelta(seconds=10)
    breaker_pause: timedelta = timedelta(seconds=5)

    def __post_init__(self) -> None:
        if min(self.total, self.connect, self.breaker_window, self.breaker_pause) <= timedelta(0):
            raise ConfigurationError(
                "total, connect, breaker_window and breaker_pause are longer than nothing."
            )
        if min(self.retries, self.breaker_calls) < 0:
            raise ConfigurationError("retries and breaker_calls are at least 0.")
        if min(self.max_body, self.connections, self.connections_per_host) < 1 or self.redirects < 0:
            raise ConfigurationError("max_body, connections and connections_per_host are at least 1.")
        if not self.user_agent.isprintable():
            raise ConfigurationError("user_agent is printable text.")
        destinations_from_rules(self.allow)
