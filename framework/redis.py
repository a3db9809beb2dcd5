"""Redis, opened in one way: through a pool that lets whoever finds no connection free wait for one.

NOTE: redis-py's own pool raises `MaxConnectionsError` there, so that a crowd would be answered with errors by a Redis
that is well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from logging import Logger

from framework.errors import ConfigurationError, ServiceUnavailable
from framework.secrets import Secret

try:
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.exceptions import RedisError
except ImportError as error:
    raise ConfigurationError("Redis needs its client: install aiohttp-batteries[redis].") from error

__all__ = ["Redis", "RedisError", "answering", "open_redis"]

_RETRY_AFTER_SECONDS = 5


def open_redis(url: Secret, variable: str, *, connections: int = 50, seconds: float = 2.0) -> Redis:
    """Return a client with a pool of its own; it connects when it is first asked, and closes the pool with itself.

    No command is sent twice: the first may have been done, though nobody was told.

    Args:
        url: Such as ``redis://localhost:6379/0``; ``?max_connections=20`` and other options of redis-py may follow.
        variable: Where the URL comes from, for the error.
        connections: How many there are at most.
        seconds: How long a free connection, a new one, or an answer may each be waited for.

    Raises:
        ConfigurationError: The URL is none, or has an option that redis-py does not know.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url.reveal(),
            max_connections=connections,
            timeout=seconds,
            socket_connect_timeout=seconds,
            socket_timeout=seconds,
        )
        pool.connection_class(
            **pool.connection_kwargs
        )  # it refuses what it does not know, and connects to nobody
    except (TypeError, ValueError):
        # Neither the URL nor the error, which may cite it, is shown: there is a password in it.
        raise ConfigurationError(
            f"{variable} must be a URL such as redis://:password@localhost:6379/0, rediss://... for TLS or "
            "unix:///run/redis.sock, with what is special in a password as %2F, and only options that redis-py knows."
        ) from None
    return Redis.from_pool(pool)


@contextmanager
def answering(log: Logger, event: str, detail: str) -> Iterator[None]:
    """Tell the client to come again when Redis does not answer.

    Args:
        log: Gets the event as an error.
        detail: What the client is told.

    Raises:
        ServiceUnavailable: It does not.
    """
    try:
        yield
    except RedisError as error:
        log.error(event, exc_info=error)
        raise ServiceUnavailable(detail, retry_after_seconds=_RETRY_AFTER_SECONDS) from error
