"""Alembic migrations without ``alembic.ini`` and ``env.py``: all that a service has is a folder of revisions.

Several processes may migrate at once: one works, the others wait and find nothing left to do. On PostgreSQL
and on SQLite alike, all pending revisions run in one transaction.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from aiohttp import web
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, event, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from framework.batteries.database.engines import begin_immediate, opened
from framework.batteries.database.settings import DatabaseSettings
from framework.errors import ConfigurationError

_ENVIRONMENT = Path(__file__).with_name("environment")
_LOCK = 7_032_918_437_120_145
"""The advisory lock that whoever migrates a PostgreSQL database holds; any number, the same everywhere."""


# Alembic announces each look at the database; a probe of readiness is such a look.
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Migrations:
    """The place of the revisions of a service's database.

    Attributes:
        settings: The database.
        folder: The revisions, one Python file each.
        metadata: The models' tables, for writing new revisions.
    """

    settings: DatabaseSettings
    folder: Path
    metadata: MetaData | None = None

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise ConfigurationError(f"The folder of migrations is not there: {self.folder}.")


MIGRATIONS: web.AppKey[Migrations] = web.AppKey("migrations", Migrations)
"""The migrations of an application, there when it is built: a command need not start it."""


async def migrate(settings: DatabaseSettings, folder: Path, revision: str = "head") -> tuple[str, ...]:
    """Bring a database to a revision, and return its revisions then.

    Args:
        settings: The database; a SQLite file is made if it is not there.
        folder: The revisions.
        revision: Where to go; ``base`` or ``-1`` go back.

    Raises:
        ConfigurationError: There is no such revision, or the folder's revisions do not form one line.
    """
    go = command.downgrade if revision == "base" or revision.startswith("-") else command.upgrade
    async with _exclusive(settings) as connection:
        await connection.run_sync(_run, folder, None, lambda config: go(config, revision))
        return await connection.run_sync(applied)


async def write_revision(migrations: Migrations, message: str) -> None:
    """Write a new revision with what the models have and the database has not; read it before you keep it.

    Raises:
        ConfigurationError: The database is not at the newest revision.
    """
    metadata = migrations.metadata
    async with _exclusive(migrations.settings) as connection:
        await connection.run_sync(
            _run,
            migrations.folder,
            metadata,
            lambda config: command.revision(config, message, autogenerate=metadata is not None),
        )


async def current(settings: DatabaseSettings) -> tuple[str, ...]:
    """Return the revisions that a database is at; none if it was never migrated."""
    async with opened(settings) as engine, engine.connect() as connection:
        return await connection.run_sync(applied)


async def is_pending(settings: DatabaseSettings, folder: Path) -> bool:
    """Tell whether a database lacks revisions of a folder."""
    revisions = await asyncio.to_thread(read_revisions, folder)
    return revisions.lacking_in(await current(settings))


@dataclass(frozen=True, slots=True)
class Revisions:
    """The names of a folder's revisions, and which of them are the newest."""

    known: frozenset[str]
    heads: frozenset[str]

    def lacking_in(self, applied: tuple[str, ...]) -> bool:
        """Tell whether a database at these revisions lacks one.

        A database ahead of the folder lacks none: during a deployment the old version still serves.
        """
        return self.known.issuperset(applied) and not self.heads.issubset(applied)


def read_revisions(folder: Path) -> Revisions:
    """Read a folder's revisions."""
    script = ScriptDirectory(_ENVIRONMENT, version_locations=[folder.absolute()])
    known = frozenset(revision.revision for revision in script.walk_revisions())
    return Revisions(known, frozenset(script.get_heads()))


def applied(connection: Connection) -> tuple[str, ...]:
    """Return the revisions that a connection's database is at."""
    return tuple(sorted(MigrationContext.configure(connection).get_current_heads()))


@asynccontextmanager
async def _exclusive(settings: DatabaseSettings) -> AsyncIterator[AsyncConnection]:
    """Open the one connection that may migrate now; a migration may take longer than a request."""
    patient = replace(settings, statement_timeout=timedelta(), lock_timeout=timedelta(minutes=10))
    async with opened(patient, enforce_foreign_keys=False) as engine, engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "begin", begin_immediate)
        elif engine.dialect.name == "postgresql":
            # The session holds it, not a transaction: a revision may end ours, to make an index concurrently.
            await connection.execute(select(func.pg_advisory_lock(_LOCK)))
            await connection.commit()
        yield connection
        await connection.commit()


def _run(
    connection: Connection, folder: Path, metadata: MetaData | None, work: Callable[[Config], object]
) -> None:
    config = Config(attributes={"connection": connection, "metadata": metadata})
    config.set_main_option("script_location", _escaped(_ENVIRONMENT))
    config.set_main_option("version_locations", _escaped(folder.absolute()))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    try:
        work(config)
    except CommandError as error:
        raise ConfigurationError(f"Migrations: {error}") from error


def _escaped(path: Path) -> str:
    """Write a path as a value for Python's configparser."""
    return str(path).replace("%", "%%")
