"""Answers in Redis, for every worker and host."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from aiohttp import web

from framework.batteries.idempotency.stores import Kept, in_progress
from framework.redis import Redis, RedisError, answering, open_redis
from framework.secrets import Secret

_log = logging.getLogger("framework.idempotency")

_BUSY = b"busy"


class RedisStore:
    """Answers in Redis until their time is up.

    NOTE: Redis knows nothing of the database's transaction: a worker that is killed between the commit and the keeping
    leaves no answer, and the next try does the work again. `SqlStore` has no such moment.

    Args:
        prefix: Stands before every key.
        busy_seconds: How long a key is held by a request that never ends, because its worker was killed. It must be
            more than the longest deadline: behind it another worker does again what is still being worked on.
    """

    in_transaction = False

    def __init__(self, redis: Redis, *, prefix: str = "idempotency:", busy_seconds: int = 60) -> None:
        self._redis = redis
        self._prefix = prefix
        self._busy_seconds = busy_seconds

    @classmethod
    def from_url(cls, url: Secret, *, busy_seconds: int = 60) -> RedisStore:
        """Make a store with a pool of connections of its own; it connects when it is first asked.

        Raises:
            ConfigurationError: The URL is none.
        """
        return cls(open_redis(url, "The URL of the answers' Redis"), busy_seconds=busy_seconds)

    async def begin(self, request: web.Request, key: str) -> Kept | None:
        """Return the kept answer, or None for the first request.

        Raises:
            Conflict: A request with this key is being worked on.
            ServiceUnavailable: Redis does not answer.
        """
        name = self._prefix + key
        with answering(_log, "idempotency_store_failed", "This cannot be done only once just now."):
            if await self._redis.set(name, _BUSY, nx=True, ex=self._busy_seconds):
                return None
            found = await self._redis.get(name)
        if found is None or found == _BUSY:
            raise in_progress()
        fingerprint, status, headers, body = orjson.loads(found)
        return Kept(
            fingerprint, status, tuple((each, value) for each, value in headers), base64.b64decode(body)
        )

    async def keep(self, request: web.Request, key: str, answer: Kept, seconds: int) -> None:
        """Keep the answer for so many seconds; a Redis that fails now is logged: the work is done, and is told of."""
        body = base64.b64encode(answer.body).decode()
        content = orjson.dumps((answer.fingerprint, answer.status, answer.headers, body))
        with _logged():
            await self._redis.set(self._prefix + key, content, ex=seconds)

    async def release(self, request: web.Request, key: str) -> None:
        """Let the next try begin; if Redis fails now, it waits until the key is free by itself."""
        with _logged():
            await self._redis.delete(self._prefix + key)

    async def check(self, app: web.Application) -> None:
        await self._redis.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


@contextmanager
def _logged() -> Iterator[None]:
    """Go on without Redis."""
    try:
        yield
    except RedisError as error:
        _log.error("idempotency_store_failed", exc_info=error)
