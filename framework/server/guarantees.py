"""What the framework guarantees only with private parts of the libraries below it, by name.

Without them (see `framework.adapters.versions`) a service runs on aiohttp's public path. `framework check` reports what
is missing then, and production refuses to start unless ``SERVER_ACCEPT_PLAIN`` is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from framework.adapters.versions import PROVED, is_plain
from framework.errors import ConfigurationError
from framework.server.settings import ServerSettings

GUARANTEES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "malformed requests": "A request that cannot be read is answered with a problem document and one log line.",
        "head limits": "All headers together are limited, and a head must arrive in time.",
        "handshakes": "A TLS handshake that never ends is cut off.",
        "pace": "A body that does not arrive, and a response that nobody fetches, are cut off.",
        "trailers": "A connection goes on behind a chunked body, whose trailers become headers of nothing.",
        "graceful stop": "Requests in progress end within the budget of a stop, and connections are told of it.",
        "disconnects": "A handler that only reads is cancelled when its client goes away; one that writes is not.",
        "frames": "A WebSocket whose frames are not those of a client is closed with 1002.",
        "interim responses": "A client that expects 100 Continue is told so when the handler reads the body.",
        "response faults": "A response that cannot be sent is replaced by a logged 500.",
        "short cuts": "Short responses leave in one piece, and routes are found without the router.",
        "compiled validation": "Schemas are functions made for them.",
        "bounded forms": "Forms, cookies, bodies and messages are limited for plain handlers as for typed ones.",
        "bounded validation": "Limits hold at any depth, and reading stops at the faults that are told.",
    }
)

#: Those that no server but ours keeps.
OF_THE_SERVER: Final = (
    *("malformed requests", "head limits", "handshakes", "pace", "trailers", "graceful stop", "disconnects"),
    *("interim responses", "response faults", "bounded forms"),
)


def missing_guarantees() -> Mapping[str, str]:
    """Return the guarantees that are not kept here, with what each would be; none where all libraries are proved."""
    return GUARANTEES if any(is_plain(name) for name in PROVED) else {}


def ensure_accepted(settings: ServerSettings) -> None:
    """Check that a service may go without what is not guaranteed here.

    Raises:
        ConfigurationError: Something is missing, and the settings do not accept that; the message names it.
    """
    missing = missing_guarantees()
    if missing and not settings.accept_plain:
        raise ConfigurationError(
            "The libraries below are of versions that the framework was not proved on (or FRAMEWORK_PLAIN is set), "
            f"so it does not guarantee: {', '.join(missing)}. Install the versions that its requirements name, or "
            "accept that with SERVER_ACCEPT_PLAIN=true."
        )
