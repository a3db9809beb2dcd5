"""What a database refused, told apart by its error codes and never by the text of a message."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from framework.errors import Conflict

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNIQUE_VIOLATION = "23505"
_FOREIGN_KEY_VIOLATION = "23503"
_BUSY = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "53300",  # too_many_connections
        "55P03",  # lock_not_available
        "57014",  # query_canceled, which a statement timeout is
    }
)
_SQLITE_UNIQUE = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})
_SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY_CODE = 0xFF


@asynccontextmanager
async def refusing_duplicates(session: AsyncSession, detail: str) -> AsyncIterator[None]:
    """Write what is done inside, and turn a clash with a unique constraint into a 409.

    ::

        async with refusing_duplicates(session, "This address is taken."):
            session.add(user)

    It happens in a savepoint: whoever catches the `Conflict`, to show a form again, can go on with the
    session.

    Raises:
        Conflict: There is such a row already.
    """
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise Conflict(detail) from error


def is_duplicate(error: IntegrityError) -> bool:
    """Tell whether a unique constraint or a primary key was violated, rather than another rule."""
    return _sqlstate(error) == _UNIQUE_VIOLATION or _sqlite_code(error) in _SQLITE_UNIQUE


def is_overtaken(error: SQLAlchemyError) -> bool:
    """Tell whether a row that is changed or referred to is not there, or not as it was: others write meanwhile."""
    if isinstance(error, StaleDataError):
        return True
    if not isinstance(error, IntegrityError):
        return False
    return (
        _sqlstate(error) == _FOREIGN_KEY_VIOLATION
        or _sqlite_code(error) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    )


def is_busy(error: SQLAlchemyError) -> bool:
    """Tell whether the same request may well succeed a little later."""
    if isinstance(error, TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return _sqlstate(error) in _BUSY or _sqlite_code(error) & _PRIMARY_CODE in _SQLITE_BUSY


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _sqlite_code(error: DBAPIError) -> int:
    """Return the extended result code (https://www.sqlite.org/rescode.html); zero if it is not SQLite's."""
    return getattr(error.orig, "sqlite_errorcode", None) or 0
