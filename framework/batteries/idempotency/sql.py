"""Answers in the service's database, kept by the same commit as what they tell of."""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson
from aiohttp import web
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from framework.batteries.idempotency.stores import Kept, in_progress
from framework.context import services

_SIGNED_BYTES = 8


def columns() -> list[Column[object]]:
    """Return the table's columns, for a migration: ``op.create_table("idempotency", *sql.columns())``."""
    return [
        Column("key", String(64), primary_key=True),
        Column("fingerprint", String(64), nullable=False),
        Column("status", Integer, nullable=False),
        Column("headers", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("expires_at", BigInteger, nullable=False, index=True),
    ]


def table(metadata: MetaData, name: str = "idempotency") -> Table:
    """Return the table of the answers, as one of the models' own: ``table(Base.metadata)``."""
    return Table(name, metadata, *columns())


class SqlStore:
    """Answers in a table of the service's database.

    What the handler wrote and the answer that tells of it are committed together: a worker that is killed between the
    commit and the answer leaves both, and one that is killed before leaves neither.

    Args:
        clock: Seconds since 1970.
    """

    in_transaction = True

    def __init__(self, kept: Table, *, clock: Callable[[], float] = time.time) -> None:
        self._table = kept
        self._clock = clock

    async def begin(self, request: web.Request, key: str) -> Kept | None:
        """Return the kept answer, or None for the first request.

        Raises:
            Conflict: A request with this key is being worked on.
        """
        session = await services(request).aget(AsyncSession)
        if session.get_bind().dialect.name == "postgresql":
            # Until the end of the transaction, whichever way it ends; elsewhere the primary key decides at the end.
            number = int.from_bytes(bytes.fromhex(key)[:_SIGNED_BYTES], "big", signed=True)
            if not await session.scalar(select(func.pg_try_advisory_xact_lock(number))):
                raise in_progress()
        columns = self._table.c
        found = (await session.execute(select(self._table).where(columns.key == key))).one_or_none()
        if found is None or found.expires_at <= self._clock():
            return None
        headers = tuple((name, value) for name, value in orjson.loads(found.headers))
        return Kept(found.fingerprint, found.status, headers, bytes(found.body))

    async def keep(self, request: web.Request, key: str, answer: Kept, seconds: int) -> None:
        """Keep the answer if the request's transaction is committed.

        Raises:
            Conflict: A twin in another worker was faster; nothing of this request is kept.
        """
        session = await services(request).aget(AsyncSession)
        # What the handler wrote is told apart from the record: its clashes are its own.
        await session.flush()
        now = int(self._clock())
        columns = self._table.c
        await session.execute(delete(self._table).where(columns.key == key, columns.expires_at <= now))
        record = {
            "key": key,
            "fingerprint": answer.fingerprint,
            "status": answer.status,
            "headers": orjson.dumps(answer.headers).decode(),
            "body": answer.body,
            "expires_at": now + seconds,
        }
        try:
            await session.execute(self._table.insert().values(record))
        except IntegrityError as error:
            raise in_progress() from error

    async def release(self, request: web.Request, key: str) -> None:
        """Do nothing: the transaction is rolled back."""

    async def check(self, app: web.Application) -> None:
        """Do nothing: the database battery asks the database."""

    async def close(self) -> None:
        """Do nothing: the connections are the database battery's."""

    async def forget_expired(self, session: AsyncSession) -> None:
        """Delete the answers whose time is up: once a day, by a job or a script."""
        await session.execute(delete(self._table).where(self._table.c.expires_at <= int(self._clock())))
