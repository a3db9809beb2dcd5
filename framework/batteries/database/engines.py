"""Engines: connections that are set up in the same way for requests, scripts and migrations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import ArgumentError, InvalidRequestError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from framework.batteries.database.settings import DatabaseSettings, engine_url, is_in_memory
from framework.errors import ConfigurationError

# A reader sees the last commit while another writes, and a commit costs no wait for the disk; after a power
# cut the last commits may be gone, but the file is sound (https://www.sqlite.org/wal.html).
_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL")


@asynccontextmanager
async def opened(
    settings: DatabaseSettings, *, enforce_foreign_keys: bool = True
) -> AsyncIterator[AsyncEngine]:
    """Open an engine, with the folder for a SQLite file made, and dispose of it at the end.

    Args:
        enforce_foreign_keys: False for migrations, which replace whole tables on SQLite.

    Raises:
        ConfigurationError: There is no such driver, it is not installed, or it is not asynchronous.
    """
    url = engine_url(settings.url)
    if _is_sqlite_file(url):
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(url, settings)
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(engine, enforce_foreign_keys=enforce_foreign_keys)
    try:
        yield engine
    finally:
        await engine.dispose()


def _engine(url: URL, settings: DatabaseSettings) -> AsyncEngine:
    try:
        return create_async_engine(
            url,
            # Values in error messages would end in the log.
            hide_parameters=not settings.echo,
            echo=settings.echo,
            connect_args=_connect_arguments(url, settings),
            **_pool_arguments(url, settings),
        )
    except ModuleNotFoundError as error:
        extra = "aiohttp-batteries[postgres]" if "asyncpg" in url.drivername else error.name
        raise ConfigurationError(f"The database driver is not installed: pip install '{extra}'.") from error
    except (ArgumentError, InvalidRequestError, NoSuchModuleError) as error:
        raise ConfigurationError(f"{url.drivername} is no asynchronous database driver.") from error


def _pool_arguments(url: URL, settings: DatabaseSettings) -> dict[str, Any]:
    if is_in_memory(url):
        # Every connection would be a database of its own; sharing one would mix the requests' transactions.
        size, overflow = 1, 0
    else:
        size, overflow = settings.pool_size, settings.max_overflow
    return {
        "poolclass": AsyncAdaptedQueuePool,
        "pool_size": size,
        "max_overflow": overflow,
        "pool_timeout": settings.pool_timeout.total_seconds(),
        # A server drops connections when it restarts; a file does not.
        "pool_pre_ping": url.get_backend_name() != "sqlite",
    }


def _connect_arguments(url: URL, settings: DatabaseSettings) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        # NOTE: Python opens a transaction before the first change, not before a read, and so it shall be: one that
        # has read is refused at once when it writes after somebody else did, whatever the timeout. Each read
        # sees the last commit, as on PostgreSQL.
        return {"timeout": settings.lock_timeout.total_seconds()}
    if url.drivername != "postgresql+asyncpg":
        return {}
    arguments: dict[str, Any] = {"timeout": settings.connect_timeout.total_seconds()}
    if settings.statement_timeout:
        milliseconds = round(settings.statement_timeout.total_seconds() * 1_000)
        arguments["server_settings"] = {"statement_timeout": str(milliseconds)}
    return arguments


def _is_sqlite_file(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and not is_in_memory(url) and "uri" not in url.query


def _prepare_sqlite(engine: AsyncEngine, *, enforce_foreign_keys: bool) -> None:
    pragmas = (*_PRAGMAS, f"foreign_keys = {'ON' if enforce_foreign_keys else 'OFF'}")

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "savepoint")
    def begin_before_savepoint(connection: Connection, name: str | None) -> None:
        # Python's driver opens a transaction for INSERT, UPDATE and DELETE only: a savepoint outside of one
        # would be the transaction itself, and its release a commit.
        begin_immediate(connection)


def begin_immediate(connection: Connection) -> None:
    """Take SQLite's write lock, unless this connection has it."""
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
