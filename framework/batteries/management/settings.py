"""The settings of the management port."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from framework.errors import ConfigurationError
from framework.secrets import Secret

_SHORTEST_TOKEN = 16
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementSettings:
    """The settings of the management port.

    Attributes:
        port: The port; without one there is none.
        host: The address to listen on; one that others can reach needs a token.
        token: What must be sent as ``Authorization: Bearer ...``.
        exchanges: How many of the last requests are remembered.
    """

    port: int | None = None
    host: str = "127.0.0.1"
    token: Secret | None = None
    exchanges: int = 200

    def __post_init__(self) -> None:
        if self.port is not None and not 0 < self.port <= _LAST_PORT:
            raise ConfigurationError(f"port must be between 1 and {_LAST_PORT}, and is {self.port}.")
        if self.token is not None and len(self.token.reveal()) < _SHORTEST_TOKEN:
            raise ConfigurationError(f"token must have at least {_SHORTEST_TOKEN} characters.")
        if self.token is None and not _is_loopback(self.host):
            raise ConfigurationError(
                f"host {self.host!r} can be reached from elsewhere: set a token, or take 127.0.0.1."
            )
        if self.exchanges < 1:
            raise ConfigurationError(f"exchanges must be at least 1, and is {self.exchanges}.")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
