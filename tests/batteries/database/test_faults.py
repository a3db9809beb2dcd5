"""Faults that are ours: no client is blamed for them, and nothing of the request stays."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from framework.batteries.database import DatabaseSettings, battery, refusing_duplicates, session_scope
from framework.batteries.database.sessions import check
from framework.errors import Conflict
from framework.routing import RouteTableDef
from framework.testing import Serve
from tests.batteries.database.notes import Note, Tag
from tests.kernel import kernel_app

routes = RouteTableDef()


@routes.post("/nameless")
async def add_nameless(database: AsyncSession) -> None:
    async with refusing_duplicates(database, "There is such a note."):
        database.add(Note())


@routes.post("/late")
async def add_late(database: AsyncSession) -> None:
    """Leave it to the commit to find out."""
    database.add(Tag(note_id=815))


@routes.post("/two")
async def ask_for_the_only_one(database: AsyncSession) -> None:
    database.add(Note(name="x"))
    (await database.scalars(select(Note.id).where(Note.name == "y"))).one()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("nameless", 500, id="a row without what it needs"),
        pytest.param("two", 500, id="a query that finds nothing"),
        pytest.param("late", 409, id="a reference to a row that is gone when the commit finds out"),
    ],
)
async def test_a_fault_that_is_no_duplicate_stores_nothing(
    path: str, expected: int, settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    app = kernel_app(routes, batteries=(battery(settings),))
    url = await serve(app)

    async with client.post(url / path) as response:
        assert response.status == expected

    async with session_scope(app) as session:
        assert list(await session.scalars(select(Note.id))) == []


async def test_a_database_without_migrations_is_ready_when_it_answers(
    empty: DatabaseSettings, serve: Serve
) -> None:
    app = kernel_app(batteries=(battery(empty),))
    await serve(app)

    await check(app)

    async with session_scope(app) as session:
        assert await session.scalar(select(1)) == 1


async def test_a_duplicate_of_a_primary_key_is_a_conflict(settings: DatabaseSettings, serve: Serve) -> None:
    app = kernel_app(batteries=(battery(settings),))
    await serve(app)
    async with session_scope(app) as session:
        session.add(Note(id=1, name="x"))

    with pytest.raises(Conflict, match="again"):
        await add_again(app)


async def add_again(app: web.Application) -> None:
    async with (
        session_scope(app) as session,
        refusing_duplicates(session, "Not again."),
    ):
        session.add(Note(id=1, name="y"))
