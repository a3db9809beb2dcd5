"""What models need to mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, Numeric
from sqlalchemy.types import TypeDecorator, TypeEngine

NAMING_CONVENTION: Mapping[str, str] = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names for constraints, for ``MetaData(naming_convention=...)``: a migration changes only what has a name."""


class UTCDateTime(TypeDecorator[datetime]):
    """A point in time, returned with its offset; SQLite alone would lose that."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC.

        Raises:
            ValueError: It has no offset, so nobody can say when it is.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time is stored with its offset, as in datetime.now(UTC).")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored time, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _KeptAsGiven(Numeric[Any]):
    """A column of the type NUMERIC whose integers stay what they are."""

    def bind_processor(self, dialect: Dialect) -> None:
        return None

    def result_processor(self, dialect: Dialect, coltype: Any) -> None:
        return None


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal number with a fixed number of places, exact everywhere: SQLite, which has none, keeps an integer.

    Args:
        digits: How many digits it has in all.
        places: How many of them stand behind the point; a value with more is rounded, half to even.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, digits: int, places: int) -> None:
        super().__init__(digits, places)
        self._digits, self._places = digits, places

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column's type in a database."""
        kind = _KeptAsGiven if dialect.name == "sqlite" else Numeric
        return dialect.type_descriptor(kind(self._digits, self._places))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Return the number as it is stored."""
        if value is None:
            return None
        rounded = round(value, self._places)
        return int(rounded.scaleb(self._places)) if dialect.name == "sqlite" else rounded

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return the stored number."""
        if value is None:
            return None
        return Decimal(value).scaleb(-self._places) if dialect.name == "sqlite" else Decimal(value)
