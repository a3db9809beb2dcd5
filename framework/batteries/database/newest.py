"""What a database has not that the service needs: a revision, or a table or column that no revision makes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection, MetaData, Table, inspect
from sqlalchemy.engine.reflection import ObjectKind

from framework.batteries.database.migrations import Revisions, applied


class NewestRevisions:
    """The revisions that a service needs, and the models that they should have made.

    Args:
        metadata: The models' tables; nothing is compared with them when None.
    """

    def __init__(self, revisions: Revisions, metadata: MetaData | None) -> None:
        self._revisions = revisions
        self._metadata = metadata
        self._whole: tuple[str, ...] | None = None

    def ensure_applied(self, connection: Connection) -> None:
        """Check a database, by reading alone.

        Raises:
            RuntimeError: It lacks migrations, or a table or column of the models.
        """
        revisions = applied(connection)
        if self._revisions.lacking_in(revisions):
            raise RuntimeError("The database lacks migrations: run 'framework migrate'.")
        # PERF: probes ask all day, and nothing changes without a revision.
        if self._metadata is None or revisions == self._whole:
            return
        lacks = lacking(connection, self._metadata)
        if lacks:
            raise RuntimeError(
                f"No migration makes {', '.join(lacks)} of the models: write one with 'framework migrate --write', "
                "and run 'framework migrate'."
            )
        self._whole = revisions


def lacking(connection: Connection, metadata: MetaData) -> tuple[str, ...]:
    """Return the tables and columns of the models that a database has not, read from its catalogue.

    What else is in the database is its own business; a model of a view finds its columns in the view.
    """
    tables = metadata.sorted_tables
    return tuple(
        lack
        for schema in dict.fromkeys(table.schema for table in tables)
        for lack in _lacking(connection, schema, [table for table in tables if table.schema == schema])
    )


def _lacking(connection: Connection, schema: str | None, tables: Sequence[Table]) -> Iterator[str]:
    folded = connection.dialect.name == "sqlite"  # to which a name's case means nothing
    found = inspect(connection).get_multi_columns(
        schema, filter_names=None if folded else [table.name for table in tables], kind=ObjectKind.ANY
    )
    columns = {
        _folded(name, folded): {_folded(column["name"], folded) for column in present}
        for (_, name), present in found.items()
    }
    for table in tables:
        present = columns.get(_folded(table.name, folded))
        if present is None:
            yield f"the table '{table.fullname}'"
        else:
            yield from _columns(table, present, folded=folded)


def _columns(table: Table, present: Collection[str], *, folded: bool) -> Iterator[str]:
    for column in table.columns:
        if not column.system and _folded(column.name, folded) not in present:
            yield f"the column '{table.fullname}.{column.name}'"


def _folded(name: str, folded: bool) -> str:
    return name.lower() if folded else name
