"""How an endpoint says how often it may be asked, and by whom that is counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from aiohttp import web

from framework.batteries.ratelimits.rates import Rate, rate_from
from framework.endpoint import Mark, calling_line
from framework.errors import ConfigurationError

By = Literal["caller", "address"] | Callable[[web.Request], str | Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Limit(Mark):
    """A promise that nobody asks an endpoint more often than at this rate. Several on one handler all hold.

    Attributes:
        by: Whose requests are counted together.
        name: What endpoints say that share one count; each has its own when it is empty.
    """

    battery: ClassVar[str | None] = "ratelimits"
    problems: ClassVar[tuple[int, ...]] = (429,)
    rate: Rate
    by: Any = "caller"
    name: str = ""

    def headers(self) -> Mapping[str, str]:
        """Return the headers that tell a client where it stands."""
        return {
            "RateLimit": "What remains of each limit, and the seconds until there is more.",
            "RateLimit-Policy": "Each limit's quota, and its span in seconds.",
        }


def limit(rate: str, *, by: By = "caller", name: str = "") -> Limit:
    """Limit how often a client may ask an endpoint: ``@limit("10/minute")``.

    Args:
        rate: So many requests in any span of so long.
        by: ``caller`` counts by principal, and strangers by address; ``address`` counts by address whoever calls, for
            endpoints that make callers known; a function is given the request and returns whom it counts for.
        name: Endpoints that say the same name and rate share one count.

    Raises:
        ConfigurationError: The rate is none, or nothing can be counted by that.
    """
    if not isinstance(rate, str):
        raise ConfigurationError(
            f"{calling_line()}: @limit takes a rate and got {rate!r}; write @limit('10/minute')."
        )
    if by not in ("caller", "address") and not callable(by):
        raise ConfigurationError(f"{calling_line()}: by is 'caller', 'address' or a function, not {by!r}.")
    if not (name.isascii() and name.isprintable()):
        raise ConfigurationError(
            f"{calling_line()}: the name goes into a header, and {name!r} cannot: use ASCII."
        )
    try:
        return Limit(rate_from(rate), by, name)
    except ConfigurationError as error:
        raise ConfigurationError(f"{calling_line()}: @limit: {error}") from None
