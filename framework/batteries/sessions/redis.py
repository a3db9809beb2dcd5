"""Where sessions are kept: in Redis, for every worker and host, with nothing but an id in the cookie."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from framework.batteries.sessions.stores import key_of, new_token
from framework.redis import Redis, answering, open_redis
from framework.secrets import Secret

_log = logging.getLogger("framework.sessions")

_INDEX_SECONDS = 30 * 24 * 3600


class RedisStore:
    """Sessions in Redis until their time is up; what is there opens no session, for ids are hashed.

    Args:
        prefix: Stands before every key.
        clock: Seconds since 1970.
    """

    def __init__(
        self, redis: Redis, *, prefix: str = "session:", clock: Callable[[], float] = time.time
    ) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock

    @classmethod
    def from_url(cls, url: Secret) -> RedisStore:
        """Make a store with a pool of connections of its own; it connects when it is first asked.

        Raises:
            ConfigurationError: The URL is none.
        """
        return cls(open_redis(url, "SESSIONS_REDIS_URL"))

    async def load(self, token: str) -> bytes | None:
        with _answering():
            content = await self._redis.get(self._key(token))
        return content.encode() if isinstance(content, str) else content

    async def save(self, token: str | None, content: bytes, seconds: int, owner: str) -> str | None:
        """Keep content for so many seconds.

        Raises:
            ServiceUnavailable: Redis does not answer.
        """
        known, token = token is not None, token or new_token()
        key = self._key(token)
        batch = self._redis.pipeline(transaction=True)
        batch.set(key, content, ex=seconds, xx=known, nx=not known)
        if owner:
            index, now = self._index(owner), self._clock()
            batch.zadd(index, {key: now + seconds})
            batch.zremrangebyscore(index, 0, now)
            batch.expire(index, max(seconds, _INDEX_SECONDS))
        with _answering():
            kept, *_ = await batch.execute()
        return token if kept else None

    async def drop(self, token: str) -> bool:
        with _answering():
            return bool(await self._redis.delete(self._key(token)))

    async def end_all(self, owner: str) -> int:
        with _answering():
            index = self._index(owner)
            keys = await self._redis.zrange(index, 0, -1)
            return int(await self._redis.delete(*keys)) if keys else 0

    async def check(self) -> None:
        await self._redis.ping()

    async def close(self) -> None:
        await self._redis.aclose()

    def _key(self, token: str) -> str:
        return self._prefix + key_of(token)

    def _index(self, owner: str) -> str:
        return f"{self._prefix}of:{key_of(owner)}"


def _answering() -> AbstractContextManager[None]:
    return answering(_log, "session_store_failed", "Sessions cannot be read just now.")
