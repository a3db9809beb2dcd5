"""Run migrations on a connection that is open already; Alembic loads this file."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from framework.batteries.database.columns import UTCDateTime


def render(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Write our column type as what it is in the database, so that old migrations need no code of ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTCDateTime) else False


def run(connection: Connection, metadata: Any) -> None:
    """Run what is pending in one transaction.

    Raises:
        RuntimeError: A migration leaves rows on SQLite that refer to none; nothing is kept of it.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render,
        render_as_batch=is_sqlite,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
        if is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise RuntimeError("A migration left rows that refer to rows that are not there.")


run(context.config.attributes["connection"], context.config.attributes["metadata"])
