"""Lists, page by page: newest first, and a cursor instead of page numbers.

A cursor names the last row that was seen, so that rows which come or go meanwhile shift nothing. It is opaque but
no secret: a client that makes one up just starts elsewhere in the same list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from aiohttp import web
from marshmallow import ValidationError, fields
from marshmallow.validate import Range
from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app_example.tables import Listed
from framework import Result
from framework.http import base64url

Row = TypeVar("Row", bound=Listed)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: behind the row with this time and id."""

    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        return base64url.encode(f"{self.created_at.isoformat()} {self.id}".encode())

    @classmethod
    def __marshmallow_field__(cls) -> fields.Field[Cursor]:
        return CursorField()


class CursorField(fields.Field[Cursor]):
    """A cursor in a query."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Cursor:
        try:
            created_at, _, row_id = base64url.decode(value).decode().partition(" ")
            return Cursor(datetime.fromisoformat(created_at).astimezone(UTC), UUID(row_id))
        except (ValueError, OverflowError) as error:
            raise ValidationError("Not a cursor of this list.") from error


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Ask for a page: ``?limit=20&cursor=...``."""

    limit: Annotated[int, Range(1, 100)] = 20
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page; ``next`` is the cursor of the following one, null on the last."""

    items: list[Item]
    next: str | None


@dataclass(frozen=True, slots=True)
class Rows(Generic[Row]):
    """The rows of a page, and the cursor of the following one."""

    rows: Sequence[Row]
    next: Cursor | None


async def read_page(
    session: AsyncSession, statement: Select[Row], table: type[Row], query: PageQuery
) -> Rows[Row]:
    """Read one page of a table, newest first."""
    place = tuple_(table.created_at, table.id)
    if query.cursor is not None:
        statement = statement.where(place < (query.cursor.created_at, query.cursor.id))
    # One row more than asked for tells whether there is another page.
    newest = statement.order_by(table.created_at.desc(), table.id.desc()).limit(query.limit + 1)
    rows = list(await session.scalars(newest))
    page, rest = rows[: query.limit], rows[query.limit :]
    return Rows(page, Cursor(page[-1].created_at, page[-1].id) if rest else None)


def answer_page(request: web.Request, items: list[Item], following: Cursor | None) -> Result[Page[Item]]:
    """Answer a page, with a ``Link`` to the following one (RFC 8288)."""
    if following is None:
        return Result(Page(items, None))
    url = request.rel_url.update_query(cursor=str(following))
    return Result(Page(items, str(following)), headers={"Link": f'<{url}>; rel="next"'})
