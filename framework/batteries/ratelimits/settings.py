"""The settings of rate limits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from framework.batteries.ratelimits.rates import rate_from
from framework.errors import ConfigurationError
from framework.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitSettings:
    """How often clients may ask, and where that is counted.

    Attributes:
        default: The rate of each endpoint that has no ``@limit``, by caller; none when empty.
        sign_in: The rate of public endpoints that take passwords and have no ``@limit``, by address; none when empty.
        keys: How many clients are remembered in memory; of more, those that have been silent for longest are forgotten.
        redis_url: Count in Redis, for all workers and hosts together; each worker for itself without it.
        redis_connections: How many connections to Redis a worker has at most.
        redis_seconds: How long Redis may take to answer; then it counts as gone for a second.
        fail_open: While Redis is gone each worker counts for itself; otherwise limited endpoints are 503 meanwhile.
    """

    default: str = ""
    sign_in: str = "30/minute"
    keys: int = 100_000
    redis_url: Secret | None = None
    redis_connections: int = 16
    redis_seconds: float = 0.5
    fail_open: bool = True

    def __post_init__(self) -> None:
        for name in ("default", "sign_in"):
            if text := getattr(self, name):
                try:
                    rate_from(text)
                except ConfigurationError as error:
                    raise ConfigurationError(f"{name}: {error}") from None
        if min(self.keys, self.redis_connections) < 1 or not 0 < self.redis_seconds < math.inf:
            raise ConfigurationError(
                "keys and redis_connections are at least 1, and redis_seconds is above 0."
            )
