"""The commands: ``run``, and the names of the others, each of which stands beside what it does."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import click

from framework.cli.loading import (
    find_service,
    host_option,
    port_option,
    target_argument,
    teaching,
    with_server,
)
from framework.server import run as run_server


class Commands(click.Group):
    """A group that imports a command when it is called.

    PERF: what the others need would stay in the process that serves: a tenth of its start, and of its memory.
    """

    modules: ClassVar[dict[str, str]] = {
        "add": "framework.cli.scaffolding",
        "check": "framework.cli.checking",
        "client": "framework.cli.clients",
        "dev": "framework.cli.developing",
        "inspect": "framework.cli.inspecting",
        "migrate": "framework.cli.migrating",
        "new": "framework.cli.scaffolding",
        "openapi": "framework.cli.tables",
        "routes": "framework.cli.tables",
        "settings": "framework.cli.tables",
        "update": "framework.cli.scaffolding",
    }
    extras: ClassVar[dict[str, str]] = {"migrate": "database"}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.modules])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.modules:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(self.imported(cmd_name), cmd_name)
        return command

    @classmethod
    def imported(cls, name: str) -> Any:
        """Return the module of a command.

        Raises:
            ClickException: It needs an extra that is not installed.
        """
        try:
            return import_module(cls.modules[name])
        except ModuleNotFoundError as error:
            if name not in cls.extras:
                raise
            raise click.ClickException(
                f"'{name}' needs the package {error.name}: pip install 'aiohttp-batteries[{cls.extras[name]}]'"
            ) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aiohttp-batteries", prog_name="framework")
def main() -> None:
    """Run, inspect and start services."""


@main.command()
@target_argument
@host_option
@port_option
@click.option("--workers", type=click.IntRange(1), help="How many processes.")
@click.option("--migrate", is_flag=True, help="Bring the database to its newest revision first.")
@teaching
def run(target: str, host: str | None, port: int | None, workers: int | None, *, migrate: bool) -> None:
    """Serve as in production.

    SERVICE is a module, a package, a file or module:factory, such as 'app_example' or 'hello.py'.
    """
    service = find_service(target)
    settings = with_server(service.load_settings().settings, host=host, port=port, workers=workers)
    if migrate:
        Commands.imported("migrate").bring_to(service.make(settings))
    if settings.server.workers > 1:
        worker = import_module("framework.server.worker")  # and gunicorn, which one process does without
        worker.run_workers(lambda: service.make(settings), settings.server)
    else:
        run_server(service.make(settings), settings.server)
