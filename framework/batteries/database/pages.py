"""Pages of what a statement selects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

from aiohttp import web
from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from framework.context import CURSORS, ENDPOINT, services
from framework.errors import UnprocessableContent
from framework.paging import Page, PageQuery
from framework.problem import Fault

Row = TypeVar("Row")
Columns = Mapping[str, InstrumentedAttribute[Any]]
Filters = Mapping[str, Callable[[Any], ColumnElement[bool]]]

_OWN = frozenset(each.name for each in fields(PageQuery))
# NOTE: a column does not say what its values are: a type of the user's own makes them of what the database knows.
_READ: Mapping[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "UUID": UUID,
    "Decimal": Decimal,
}


class Pages:
    """What reads pages for one request."""

    def __init__(self, request: web.Request) -> None:
        self._request = request

    async def read(
        self,
        statement: Select[Any],
        query: PageQuery,
        *,
        sort: Columns,
        key: InstrumentedAttribute[Any],
        filters: Filters = MappingProxyType({}),
    ) -> Page[Any]:
        """Read one page of the rows that a statement selects.

        Args:
            statement: What is selected, with its own conditions and without an order.
            query: The client's wish. Further fields of its class are filters: each that is not None has to equal the
                statement's column of that name in `sort`, or of the selected class, unless `filters` says otherwise.
            sort: The columns by which clients may sort, none of them nullable; the first is the usual one, downwards.
            key: A column that tells rows apart, such as the primary key; it decides among equals.
            filters: What a filter of another kind means, such as a search: ``{"q": lambda q: Note.text.icontains(q)}``.

        Raises:
            TypeError: A field of the query is no column, and `filters` does not say what it means.
            UnprocessableContent: The query's ``sort`` is none of these, or its cursor is forged or of another list.
        """
        name, downwards = _order(query.sort, sort)
        of = self._list(query, name, downwards=downwards)
        statement = statement.where(*_conditions(query, filters, sort, key.class_))
        columns = (sort[name], key)
        place = tuple_(*columns)
        if query.cursor is not None:
            values = self._request.config_dict[CURSORS].verify(query.cursor, of=of)
            seen = tuple(map(_read, values))
            statement = statement.where(place < seen if downwards else place > seen)
        ordered = statement.order_by(*(each.desc() if downwards else each.asc() for each in columns))
        session: AsyncSession = await services(self._request).aget(AsyncSession)
        # One row more than asked for tells whether there is another page.
        rows = list(await session.scalars(ordered.limit(query.limit + 1)))
        page, rest = rows[: query.limit], rows[query.limit :]
        if not rest:
            return Page(page, None)
        last = [_written(getattr(page[-1], column.key)) for column in columns]
        return Page(page, self._request.config_dict[CURSORS].sign(last, of=of))

    def _list(self, query: PageQuery, name: str, *, downwards: bool) -> str:
        filters = {each.name: getattr(query, each.name) for each in fields(query) if each.name not in _OWN}
        return f"{self._request[ENDPOINT].path} {'-' * downwards}{name} {sorted(filters.items())!r}"


def _order(wanted: str | None, sort: Columns) -> tuple[str, bool]:
    for name, column in sort.items():
        if column.property.columns[0].nullable:
            raise TypeError(
                f"Rows are sorted by '{name}', which may be NULL: nothing stands behind or before it."
            )
    if wanted is None:
        return next(iter(sort)), True
    name = wanted.removeprefix("-")
    if name not in sort:
        raise UnprocessableContent(
            [Fault("query", "/sort", f"Must be one of {', '.join(sort)}, with or without '-' in front.")]
        )
    return name, wanted.startswith("-")


def _conditions(query: PageQuery, filters: Filters, sort: Columns, cls: Any) -> list[ColumnElement[bool]]:
    found = []
    for each in fields(query):
        value = getattr(query, each.name)
        if each.name in _OWN:
            continue
        column = sort.get(each.name, getattr(cls, each.name, None))
        means = filters.get(each.name, column.__eq__ if column is not None else None)
        if means is None:
            raise TypeError(
                f"'{each.name}' of {type(query).__name__} is no column; say what it means: "
                f"read(..., filters={{'{each.name}': lambda value: ...}})."
            )
        if value is not None:
            found.append(means(value))
    return found


def _written(value: Any) -> Any:
    """Return a value as JSON, with its type where JSON has none such.

    Raises:
        TypeError: It is of a type by which no list is sorted.
    """
    if isinstance(value, int | str | float):
        return value
    kind = type(value).__name__
    if kind not in _READ:
        raise TypeError(f"No cursor can hold a {kind}: sort by numbers, texts, times, UUIDs or Decimals.")
    return {kind: str(value)}


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return _READ[kind](text)
