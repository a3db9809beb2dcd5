"""The database's migrations, from the command line."""

from __future__ import annotations

import asyncio

import click
from aiohttp import web

from framework.batteries.database.migrations import MIGRATIONS, Migrations, current, write_revision
from framework.batteries.database.migrations import migrate as migrate_database
from framework.cli.loading import find_service, target_argument, teaching
from framework.errors import ConfigurationError


@click.command()
@target_argument
@click.option(
    "--to", "revision", default="head", show_default=True, help="A revision; 'base' or '-1' go back."
)
@click.option(
    "--write", "message", help="Write a new revision with what the models have and the database lacks."
)
@teaching
def migrate(target: str, revision: str, message: str | None) -> None:
    """Bring the service's database to its newest revision."""
    app = find_service(target).make_from_environment()
    if message is not None:
        asyncio.run(write_revision(_migrations(app), message))
    else:
        bring_to(app, revision)


def bring_to(app: web.Application, revision: str = "head") -> None:
    """Bring a service's database to a revision, and say so.

    Raises:
        ConfigurationError: The service has no migrations, or there is no such revision.
    """
    asyncio.run(_migrate(_migrations(app), revision))


async def _migrate(migrations: Migrations, revision: str) -> None:
    before = await current(migrations.settings)
    after = await migrate_database(migrations.settings, migrations.folder, revision)
    said = "is" if before == after else "is now"
    click.echo(f"The database {said} at {', '.join(after) or 'its beginning'}.")


def _migrations(app: web.Application) -> Migrations:
    if MIGRATIONS not in app:
        raise ConfigurationError(
            "The service has no migrations: add database.battery(settings, migrations=...) to its batteries."
        )
    return app[MIGRATIONS]
