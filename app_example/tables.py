"""What all tables have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from framework.batteries.database.columns import NAMING_CONVENTION, UTCDateTime
from framework.batteries.idempotency import sql


def now() -> datetime:
    """Return the time, as it is stored."""
    return datetime.now(UTC)


class Table(DeclarativeBase):
    """The class that every table derives from."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Listed:
    """What a page of a table needs: an id, and the time by which its rows are sorted."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now, index=True)


ANSWERS = sql.table(Table.metadata)
"""What is answered again when a request comes again with its ``Idempotency-Key``."""
