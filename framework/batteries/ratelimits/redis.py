"""Counts in Redis, for every worker and host, with the library limits."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from time import monotonic
from typing import Any

from framework.batteries.ratelimits.rates import Rate
from framework.batteries.ratelimits.settings import RateLimitSettings
from framework.batteries.ratelimits.windows import MemoryCounts, Taken
from framework.errors import ConfigurationError, ServiceUnavailable
from framework.redis import RedisError, open_redis
from framework.secrets import Secret

try:
    from limits import RateLimitItemPerSecond
    from limits.aio.storage import RedisStorage
    from limits.aio.strategies import MovingWindowRateLimiter
except ImportError as error:
    raise ConfigurationError(
        "RATELIMITS_REDIS_URL needs more packages: install aiohttp-batteries[redis]."
    ) from error

_log = logging.getLogger("framework.ratelimits")

_PREFIX = "ratelimits"
_AWAY_SECONDS = 1.0

Clock = Callable[[], float]


class RedisCounts:
    """The counts of all processes that have the same Redis."""

    def __init__(self, url: Secret, settings: RateLimitSettings) -> None:
        self._redis = open_redis(
            url,
            "RATELIMITS_REDIS_URL",
            connections=settings.redis_connections,
            seconds=settings.redis_seconds,
        )
        options: dict[str, Any] = {"connection_pool": self._redis.connection_pool}
        storage = RedisStorage("async+redis://", implementation="redispy", key_prefix=_PREFIX, **options)
        self._windows = MovingWindowRateLimiter(storage)

    async def take(self, rate: Rate, key: str) -> Taken:
        """Count a request.

        Raises:
            RedisError: Redis does not answer, or not well.
            OSError: It cannot be reached.
        """
        item = RateLimitItemPerSecond(rate.amount, rate.seconds, namespace="")
        allowed = await self._windows.hit(item, key)
        window = await self._windows.get_window_stats(item, key)
        # NOTE: the clocks of hosts differ, and may be set; no wait is longer than the span.
        reset = min(max(1, math.ceil(window.reset_time - time.time())), rate.seconds)
        return Taken(allowed, max(0, window.remaining) if allowed else 0, reset)

    async def close(self) -> None:
        await self._redis.aclose()


class SharedCounts:
    """Counts in Redis while it is there, and in this process, or nowhere, while it is gone.

    Whoever finds out that it is gone waits for it no longer than the settings say; then, for a second at a time, nobody
    asks but one.
    """

    def __init__(
        self, there: RedisCounts, here: MemoryCounts, settings: RateLimitSettings, clock: Clock = monotonic
    ) -> None:
        self._there = there
        self._here = here
        self._seconds = settings.redis_seconds
        self._fail_open = settings.fail_open
        self._clock = clock
        self._is_gone = False
        self._ask_again_at = -math.inf

    async def take(self, rate: Rate, key: str) -> Taken:
        """Count a request.

        Raises:
            ServiceUnavailable: Redis is gone, and the settings say that nothing is allowed without it.
        """
        now = self._clock()
        if self._is_gone:
            if now < self._ask_again_at:
                return await self._take_without(rate, key)
            self._ask_again_at = now + self._seconds + _AWAY_SECONDS  # this one asks, the others do not
        try:
            async with asyncio.timeout(self._seconds):
                taken = await self._there.take(rate, key)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self._note_gone(error)
            return await self._take_without(rate, key)
        if self._is_gone:
            self._is_gone = False
            _log.warning("ratelimit_store_recovered")
        return taken

    def _note_gone(self, error: Exception) -> None:
        self._ask_again_at = self._clock() + _AWAY_SECONDS
        if not self._is_gone:
            self._is_gone = True
            _log.error(
                "ratelimit_store_failed", extra={"error": repr(error), "counted_here": self._fail_open}
            )

    async def _take_without(self, rate: Rate, key: str) -> Taken:
        if not self._fail_open:
            raise ServiceUnavailable("Requests cannot be counted just now.", retry_after_seconds=1)
        return await self._here.take(rate, key)
