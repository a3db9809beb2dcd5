"""What counts requests, messages, and whatever else may come too often."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from framework.batteries.ratelimits.rates import Rate, rate_from
from framework.batteries.ratelimits.windows import Counts, Taken
from framework.errors import TooManyRequests

_LONGEST_KEY = 120


class RateLimited(TooManyRequests):
    """The refusal of a client that asks too often.

    Args:
        retry_after_seconds: When it may come again.
        policy: The name of the limit that it is above.
    """

    def __init__(self, retry_after_seconds: int, policy: str) -> None:
        super().__init__(retry_after_seconds, f"Too many requests: {policy}.")
        self.extensions["violated-policies"] = [policy]


class Standing(NamedTuple):
    """Where a client stands with one limit.

    Attributes:
        policy: The limit's name.
    """

    policy: str
    rate: Rate
    taken: Taken


class Limiter:
    """Limits within handlers, such as on the messages of a socket or by what is in a body; asked for by its type.

    ::

        async for text in member:
            await limiter.ensure("10/second", "chat", principal.subject)
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def take(self, rate: str | Rate, *key: str) -> Taken:
        """Count one more for a key, unless that would be one too many; tell which.

        Args:
            rate: Such as ``10/minute``.
            key: What is counted, and for whom. Nobody else's key is the same, whatever a client puts in it.

        Raises:
            ConfigurationError: The rate is none.
            ServiceUnavailable: The store of counts is gone, and the settings allow nothing without it.
        """
        known = rate_from(rate) if isinstance(rate, str) else rate
        return await self._counts.take(known, key_of(key))

    async def ensure(self, rate: str | Rate, *key: str) -> None:
        """Count one more for a key.

        Raises:
            RateLimited: It would be one too many. In the block of a room it closes the socket with 1008.
            ServiceUnavailable: As `take` does.
        """
        known = rate_from(rate) if isinstance(rate, str) else rate
        taken = await self.take(known, *key)
        if not taken.allowed:
            raise RateLimited(taken.reset_seconds, str(known))


def key_of(parts: tuple[str, ...]) -> str:
    """Return one text for several, which no other texts have; a long one is hashed."""
    # A length before each part, so that no part can pretend to be two.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    if len(text) <= _LONGEST_KEY and text.isascii() and text.isprintable():
        return text
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=24).hexdigest()
