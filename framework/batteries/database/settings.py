"""Where the database is, and how long a request may wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from framework.errors import ConfigurationError
from framework.settings import Secret

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """The place of the database, and how it is used.

    Attributes:
        url: ``sqlite:///relative/path``, ``sqlite:////absolute/path``, ``postgresql://user:password@host/name``,
            or another URL that SQLAlchemy has an asynchronous driver for.
        pool_size: Connections that each worker keeps open.
        max_overflow: Further connections that a worker opens when those are busy.
        pool_timeout: How long a request waits for a connection before it is answered with 503.
        connect_timeout: How long a new connection may take.
        statement_timeout: How long PostgreSQL works on one statement; zero sends no limit, for PgBouncer.
        lock_timeout: How long SQLite waits for another writer before the request is answered with 503.
        echo: Log every statement, with its values: for development only.
    """

    url: Secret = Secret("sqlite:///var/service.sqlite3")  # noqa: RUF009 - a secret does not change
    pool_size: int = 5
    max_overflow: int = 10
    pool_timeout: timedelta = timedelta(seconds=5)
    connect_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(seconds=30)
    lock_timeout: timedelta = timedelta(seconds=5)
    echo: bool = False

    def __post_init__(self) -> None:
        engine_url(self.url)
        if self.pool_size < 1 or self.max_overflow < 0:
            raise ConfigurationError("pool_size must be at least 1 and max_overflow at least 0.")
        for name in ("pool_timeout", "connect_timeout", "lock_timeout"):
            if getattr(self, name) <= timedelta():
                raise ConfigurationError(f"{name} must be longer than zero.")
        if self.statement_timeout < timedelta():
            raise ConfigurationError("statement_timeout must not be below zero.")


def engine_url(url: Secret) -> URL:
    """Return the URL with an asynchronous driver in it.

    Raises:
        ConfigurationError: It is no database URL; the message does not quote it: it may hold a password.
    """
    try:
        parsed = make_url(url.reveal())
    except ArgumentError as error:
        raise ConfigurationError(
            "url must be a database URL, such as sqlite:///var/service.sqlite3."
        ) from error
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.drivername == "postgresql+asyncpg" and "sslmode" in parsed.query:
        # libpq, and with it every hosted database's documentation, calls it `sslmode`; asyncpg says `ssl`.
        mode = parsed.query["sslmode"]
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed


def is_in_memory(url: URL) -> bool:
    """Tell whether it is a SQLite database that lives in memory alone."""
    return url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}
