"""Serving while somebody writes: a new process after every change."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from socket import create_server
from typing import Any

import click
from aiohttp import web
from watchfiles import DefaultFilter, run_process

from framework import settings as settings_source
from framework.app import ServiceSettings, create_app, standard
from framework.battery import without
from framework.cli.loading import (
    find_service,
    host_option,
    port_option,
    target_argument,
    teaching,
    with_server,
)
from framework.errors import ConfigurationError
from framework.marks import public
from framework.routing import RouteTableDef
from framework.secrets import SEED_VARIABLE, generated_key
from framework.server import ServerSettings, run

_HERE = "127.0.0.1"
_SUFFIXES = (".py", ".html", ".css", ".js", ".env", ".toml", ".sql")


class _Sources(DefaultFilter):
    """The changes that start the service again: those of sources, not of its data."""

    def __call__(self, change: Any, path: str) -> bool:
        return path.endswith(_SUFFIXES) and "/var/" not in path and super().__call__(change, path)


@click.command()
@target_argument
@host_option
@port_option
@teaching
def dev(target: str, host: str | None, port: int | None) -> None:
    """Serve, and start again whenever a file changes; errors are answered with their tracebacks."""
    # Whoever is signed in stays so when the service starts again.
    os.environ.setdefault(SEED_VARIABLE, generated_key().reveal())
    # And the browser's page stays at its address: of a port that is any, and while an edit is broken.
    kept = get_context("spawn").Value("i", port or 0)
    dashboard = _free_port(_HERE)
    # A broken edit is shown and waits for the next one.
    run_process(
        Path.cwd(), target=serve_once, args=(target, host, port, kept, dashboard), watch_filter=_Sources()
    )


def serve_once(target: str, host: str | None, port: int | None, kept: Any, dashboard: int) -> None:
    """Serve in this process, with tracebacks in the answers; in the place of a service that is broken, the reason.

    Args:
        kept: The port that was served on before, shared by the processes; 0 for none yet.
        dashboard: The management port, where the settings name none.
    """
    try:
        service = find_service(target)
        settings = with_server(service.load_settings().settings, host=host, port=port, workers=1)
        settings = replace(settings, debug=True, server=_placed(settings.server, kept))
        if settings.management.port is None:
            settings = replace(settings, management=replace(settings.management, port=dashboard))
        run(service.make(settings), settings.server)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the edit, the next one may mend it
        _print(error)
        _serve_error(error, host, kept)


def _placed(server: ServerSettings, kept: Any) -> ServerSettings:
    """Return the server's settings with a port that stays the same; nobody else would be sent the last requests."""
    kept.value = server.port or kept.value or _free_port(server.host)
    return replace(server, port=kept.value, drain_seconds=0)


def _free_port(host: str) -> int:
    with create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])


def _print(error: Exception) -> None:
    if isinstance(error, ConfigurationError):
        click.echo(f"error: {error}", err=True)
    else:
        traceback.print_exception(error)
    click.echo("Waiting for a change.", err=True)
    sys.stderr.flush()


def _serve_error(error: Exception, host: str | None, kept: Any) -> None:
    server = ServerSettings()
    with suppress(ConfigurationError):
        server = settings_source.load(ServerSettings, prefix="SERVER_")
    server = replace(server, host=host or server.host, port=kept.value or server.port, workers=1)
    routes, place = RouteTableDef(), error.__traceback__

    @routes.route("*", "/{path:.*}")
    @public
    async def tell(request: web.Request) -> web.Response:
        raise error.with_traceback(place)

    settings = ServiceSettings(debug=True, server=_placed(server, kept))
    batteries = without(standard(settings), "logs", "health", "openapi", "csrf", "sessions", "auth")
    run(create_app(settings, routes=[routes], batteries=batteries), settings.server)
