"""The commands, each a thin door to a function elsewhere."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import click

from framework.cli import checking, developing, scaffolding, tables
from framework.cli.loading import Service, find_service, teaching, with_server
from framework.server import run as run_server
from framework.server.worker import run_workers


class Commands(click.Group):
    """Import a command that needs an extra only when it is called."""

    extras: ClassVar[dict[str, tuple[str, str]]] = {"migrate": ("framework.cli.migrating", "database")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.extras])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.extras:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(self.imported(cmd_name), cmd_name)
        return command

    @classmethod
    def imported(cls, name: str) -> Any:
        """Return the module of a command that needs an extra.

        Raises:
            ClickException: The extra is not installed.
        """
        module, extra = cls.extras[name]
        try:
            return import_module(module)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"'{name}' needs the package {error.name}: pip install 'aiohttp-batteries[{extra}]'"
            ) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aiohttp-batteries", prog_name="framework")
def main() -> None:
    """Run, inspect and start services."""


_target = click.argument("target", metavar="SERVICE")
_host = click.option("--host", help="The address to listen on; the settings' when not given.")
_port = click.option("--port", type=click.IntRange(0, 65_535), help="The port; 0 takes a free one.")


@main.command()
@_target
@_host
@_port
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
        run_workers(lambda: service.make(settings), settings.server)
    else:
        run_server(service.make(settings), settings.server)


@main.command()
@_target
@_host
@_port
@teaching
def dev(target: str, host: str | None, port: int | None) -> None:
    """Serve, and start again whenever a file changes; browsers see tracebacks."""
    developing.watch(target, host=host, port=port)


@main.command()
@_target
@teaching
def routes(target: str) -> None:
    """List every endpoint: method, path, handler, who may call it and what it reads and answers."""
    app = _make(find_service(target))
    tables.print_routes(app)


@main.command()
@_target
@teaching
def check(target: str) -> None:
    """Build the service and start it up without serving; show its settings and whatever is wrong."""
    sys.exit(0 if checking.check(find_service(target)) else 1)


@main.command()
@_target
@teaching
def openapi(target: str) -> None:
    """Print the OpenAPI document."""
    click.echo(tables.openapi_document(_make(find_service(target))))


@main.command()
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to put it; NAME in this folder by default."
)
@teaching
def new(name: str, folder: Path | None) -> None:
    """Start a new service NAME from the example, with its tests, Dockerfile and README."""
    made = scaffolding.scaffold(name, folder or Path(name))
    click.echo(f"Made {made}. Next: cd {made} && make test && make run")


def _make(service: Service) -> Any:
    return service.make(service.load_settings().settings)
