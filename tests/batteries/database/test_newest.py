"""Models that no migration has made: told by the check and by readiness, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from framework.batteries import health
from framework.batteries.database import DatabaseSettings, battery
from framework.batteries.database.engines import opened
from framework.batteries.database.migrations import current, migrate
from framework.batteries.database.sessions import check
from framework.routing import RouteTableDef
from framework.testing import Serve
from tests.batteries.database.notes import REVISIONS, settings_for
from tests.cli.processes import framework
from tests.kernel import kernel_app


def models(**more: Column[int]) -> MetaData:
    """Return the models that the revisions make, with more columns in the notes."""
    metadata = MetaData()
    Table("notes", metadata, Column("id", Integer, primary_key=True), Column("name", String), *more.values())
    Table("tags", metadata, Column("id", Integer, primary_key=True), Column("note_id", Integer))
    return metadata


def with_table(name: str) -> MetaData:
    metadata = models()
    Table(name, metadata, Column("id", Integer, primary_key=True), Column("total", Integer))
    return metadata


def with_both() -> MetaData:
    metadata = models(pinned=Column("pinned", Integer))
    Table("votes", metadata, Column("id", Integer, primary_key=True))
    return metadata


async def execute(settings: DatabaseSettings, statement: str) -> None:
    async with opened(settings) as engine, engine.begin() as connection:
        await connection.execute(text(statement))


async def contents(connection: AsyncConnection) -> list[tuple[object, ...]]:
    catalogue = (
        "SELECT name, sql FROM sqlite_master ORDER BY name"
        if connection.dialect.name == "sqlite"
        else "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    return [tuple(row) for row in await connection.execute(text(catalogue))]


@pytest.mark.parametrize(
    ("make", "lacks"),
    [
        pytest.param(lambda: with_table("votes"), ["the table 'votes'"], id="a table"),
        pytest.param(
            lambda: models(pinned=Column("pinned", Integer)), ["the column 'notes.pinned'"], id="a column"
        ),
        pytest.param(with_both, ["the table 'votes'", "the column 'notes.pinned'"], id="both"),
        pytest.param(lambda: with_table("select"), ["the table 'select'"], id="a table called as a keyword"),
    ],
)
async def test_what_no_migration_makes_is_told(
    settings: DatabaseSettings,
    serve: Serve,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[], MetaData],
    lacks: list[str],
) -> None:
    app = kernel_app(
        RouteTableDef(),
        batteries=(battery(settings, migrations=REVISIONS, metadata=make()), health.battery()),
    )
    async with opened(settings) as engine, engine.connect() as connection:
        before = await contents(connection)
        url = await serve(app)

        async with client.get(url / "health/ready") as response:
            problem = await response.json()

        after = await contents(connection)
    with pytest.raises(RuntimeError) as told:
        await check(app)
    assert (response.status, problem["failing"]) == (503, ["database"])
    assert all(lack in str(told.value) for lack in lacks)
    assert "--write" in str(told.value)
    assert "database_not_ready" in caplog.messages
    assert after == before


async def test_what_the_migrations_make_and_what_others_have_is_fine(
    settings: DatabaseSettings, serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    await execute(settings, "CREATE TABLE theirs (id INTEGER)")
    await execute(settings, "CREATE VIEW totals AS SELECT id, id AS total FROM notes")
    metadata = with_table("totals")
    app = kernel_app(
        RouteTableDef(),
        batteries=(battery(settings, migrations=REVISIONS, metadata=metadata), health.battery()),
    )
    url = await serve(app)

    async with client.get(url / "health/ready") as response:
        assert response.status == 200

    assert "database_not_ready" not in caplog.messages


async def test_readiness_returns_with_the_migration_that_was_forgotten(
    settings: DatabaseSettings, serve: Serve
) -> None:
    app = kernel_app(
        RouteTableDef(), batteries=(battery(settings, migrations=REVISIONS, metadata=with_table("votes")),)
    )
    await serve(app)
    with pytest.raises(RuntimeError, match="votes"):
        await check(app)

    await execute(settings, "CREATE TABLE votes (id INTEGER, total INTEGER)")

    await check(app)


async def test_pending_migrations_are_told_before_what_they_would_make(
    empty: DatabaseSettings, serve: Serve
) -> None:
    app = kernel_app(
        RouteTableDef(), batteries=(battery(empty, migrations=REVISIONS, metadata=with_table("votes")),)
    )
    await serve(app)

    with pytest.raises(RuntimeError, match="lacks migrations"):
        await check(app)


async def test_names_on_sqlite_are_the_same_in_any_case(tmp_path: Path, serve: Serve) -> None:
    settings = settings_for(f"sqlite:///{tmp_path}/notes.sqlite3")
    await migrate(settings, REVISIONS)
    app = kernel_app(
        RouteTableDef(), batteries=(battery(settings, migrations=REVISIONS, metadata=with_table("NOTES_2")),)
    )
    await execute(settings, "CREATE TABLE notes_2 (ID INTEGER, TOTAL INTEGER)")
    await serve(app)

    await check(app)

    assert await current(settings) == ("0002",)


SERVICE = """
from pathlib import Path

from framework import ServiceSettings, create_app, standard
from framework.batteries import database
from framework.batteries.database import DatabaseSettings
from framework.settings import Secret
from sqlalchemy import Column, Integer, MetaData, Table

metadata = MetaData()
Table("notes", metadata, Column("id", Integer, primary_key=True), Column("pinned", Integer))
Table("votes", metadata, Column("id", Integer, primary_key=True))


def build(settings: ServiceSettings):
    stored = database.battery(
        DatabaseSettings(url=Secret("sqlite:///notes.sqlite3")), migrations=Path({folder!r}), metadata=metadata
    )
    return create_app(settings, routes=[], batteries=[*standard(settings), stored])
"""


@pytest.mark.process
def test_the_command_check_names_what_no_migration_makes(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE.format(folder=str(REVISIONS)))
    migrated = framework("migrate", "service", cwd=tmp_path)

    checked = framework("check", "service", cwd=tmp_path)

    assert migrated.returncode == 0
    assert checked.returncode == 1
    said = " ".join(checked.stdout.split())
    assert "failed database" in said
    assert "the column 'notes.pinned'" in said
    assert "the table 'votes'" in said
