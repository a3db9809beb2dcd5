"""What can go wrong with another service.

::

    BadGateway
    └── UpstreamFailed              502   it answered, but not as it should
        └── UpstreamUnreachable     502   it could not be reached
            └── DestinationRefused  502   it must not be reached
    GatewayTimeout
    └── UpstreamTimeout             504   it took too long
    ServiceUnavailable
    └── UpstreamSuspended           503   it failed so often that it is left alone for a while
"""

from __future__ import annotations

import math

from framework.errors import BadGateway, GatewayTimeout, ServiceUnavailable


class UpstreamFailed(BadGateway):
    """A bad response of another service.

    Attributes:
        upstream: Scheme, host and port; clients never see it.
        reason: What happened, in a few words for logs.
    """

    def __init__(self, upstream: str, reason: str) -> None:
        super().__init__("Another service that is needed here did not answer as it should.")
        self.upstream = upstream
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.upstream}: {self.reason}"


class UpstreamUnreachable(UpstreamFailed):
    """Another service that could not be reached."""


class DestinationRefused(UpstreamUnreachable):
    """An address where requests must not go; a client cannot tell it from an unreachable one."""


class UpstreamTimeout(GatewayTimeout):
    """Another service that did not answer in time.

    Attributes:
        upstream: Scheme, host and port; clients never see it.
        reason: What took too long, in a few words for logs.
    """

    def __init__(self, upstream: str, reason: str) -> None:
        super().__init__("Another service that is needed here did not answer in time.")
        self.upstream = upstream
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.upstream}: {self.reason}"


class UpstreamSuspended(ServiceUnavailable):
    """Another service that has failed too often, and is not asked again yet.

    Attributes:
        upstream: Scheme, host and port; clients never see it.
        reason: ``suspended``.
    """

    def __init__(self, upstream: str, seconds: float) -> None:
        super().__init__(
            "Another service that is needed here does not answer just now.",
            retry_after_seconds=math.ceil(seconds),
        )
        self.upstream = upstream
        self.reason = "suspended"

    def __str__(self) -> str:
        return f"{self.upstream}: {self.reason}"


UPSTREAM_ERRORS = (UpstreamFailed, UpstreamTimeout, UpstreamSuspended)
