"""Call other services through one pool of connections, in time, within bounds, and not where one must not go."""

from framework.batteries.client.calls import HttpClient, Outcome, Reply
from framework.batteries.client.failures import (
    DestinationRefused,
    UpstreamFailed,
    UpstreamSuspended,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from framework.batteries.client.pool import battery, connected
from framework.batteries.client.settings import ClientSettings

__all__ = [
    "ClientSettings",
    "DestinationRefused",
    "HttpClient",
    "Outcome",
    "Reply",
    "UpstreamFailed",
    "UpstreamSuspended",
    "UpstreamTimeout",
    "UpstreamUnreachable",
    "battery",
    "connected",
]
