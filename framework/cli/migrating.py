"""The database's migrations, from the command line."""

from __future__ import annotations

import asyncio

import click

from framework.batteries.database.migrations import MIGRATIONS, Migrations, current, write_revision
from framework.batteries.database.migrations import migrate as migrate_database
from framework.cli.loading import Service, find_service, teaching
from framework.errors import ConfigurationError


@click.command()
@click.argument("target", metavar="SERVICE")
@click.option(
    "--to", "revision", default="head", show_default=True, help="A revision; 'base' or '-1' go back."
)
@click.option(
    "--write", "message", help="Write a new revision with what the models have and the database lacks."
)
@teaching
def migrate(target: str, revision: str, message: str | None) -> None:
    """Bring the service's database to its newest revision."""
    migrations = _migrations(find_service(target))
    if message is not None:
        asyncio.run(write_revision(migrations, message))
    else:
        asyncio.run(_migrate(migrations, revision))


async def _migrate(migrations: Migrations, revision: str) -> None:
    before = await current(migrations.settings)
    after = await migrate_database(migrations.settings, migrations.folder, revision)
    said = "is" if before == after else "is now"
    click.echo(f"The database {said} at {', '.join(after) or 'its beginning'}.")


def _migrations(service: Service) -> Migrations:
    app = service.make(service.load_settings().settings)
    if MIGRATIONS not in app:
        raise ConfigurationError(
            f"{service.target} has no migrations: add database.battery(settings, migrations=...) to its batteries."
        )
    return app[MIGRATIONS]
