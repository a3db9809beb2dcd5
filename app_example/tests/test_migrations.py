"""The migrations make the tables that the models describe."""

from __future__ import annotations

from aiohttp import web
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from app_example.settings import AppSettings
from app_example.tables import Table
from framework.batteries.database.engines import opened


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Table.metadata))


async def test_the_tables_are_as_the_models_say(app: web.Application, settings: AppSettings) -> None:
    async with opened(settings.database) as engine, engine.connect() as connection:
        found = await connection.run_sync(differences)

    assert found == []
