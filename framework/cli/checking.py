"""A service, looked over without serving."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import click
from aiohttp import web
from rich.console import Console
from rich.table import Table

from framework.cli.explaining import fallbacks
from framework.cli.loading import Service, find_service, target_argument, teaching
from framework.context import BATTERIES, ENDPOINTS
from framework.secrets import Profile
from framework.server import SERVER_SETTINGS
from framework.server.guarantees import missing_guarantees
from framework.server.lifecycle import STARTING_HERE
from framework.settings import Loaded, Origin


@click.command()
@target_argument
@teaching
def check(target: str) -> None:
    """Build the service and start it up without serving; show its settings and whatever is wrong."""
    sys.exit(0 if look_over(find_service(target)) else 1)


def look_over(service: Service, console: Console | None = None) -> bool:
    """Build the service, open and close its batteries, and run their checks; tell whether all went well.

    Raises:
        ConfigurationError: The service is put together wrongly.
    """
    console = console or Console()
    loaded = service.load_settings()
    app = service.make(loaded.settings)
    _print_settings(loaded, console)
    _print_fallbacks(app, console)
    _print_open_hosts(app, loaded, console)
    for name, promise in missing_guarantees().items():
        console.print(f"[yellow]not guaranteed[/yellow] {name}: {promise}", highlight=False)
    failures = asyncio.run(_try(app))
    for name, error in failures.items():
        console.print(f"[red]failed[/red] {name}: {type(error).__name__}: {error}", highlight=False)
    console.print("ok" if not failures else f"{len(failures)} of the batteries' checks failed")
    return not failures


def _print_settings(loaded: Loaded[Any], console: Console) -> None:
    table = Table("setting", "from", box=None, pad_edge=False)
    for variable, origin in sorted(loaded.origins.items()):
        if origin is not Origin.default:
            table.add_row(variable, str(origin))
    if table.row_count:
        console.print(table)
    defaults = sum(origin is Origin.default for origin in loaded.origins.values())
    console.print(f"profile {loaded.settings.profile}, {defaults} settings at their defaults")


def _print_open_hosts(app: web.Application, loaded: Loaded[Any], console: Console) -> None:
    server = app.get(SERVER_SETTINGS)
    if loaded.settings.profile is Profile.production and server is not None and not server.hosts:
        console.print(
            "[yellow]not set[/yellow] SERVER_HOSTS: requests are answered whatever host they name, and links are made "
            "for it; set it to the names by which clients reach this service.",
            highlight=False,
            soft_wrap=True,
        )


def _print_fallbacks(app: web.Application, console: Console) -> None:
    endpoints = app[ENDPOINTS]
    left = list(fallbacks(endpoints))
    console.print("\n".join(left) if left else "every field of every schema is compiled", highlight=False)


async def _try(app: web.Application) -> Mapping[str, Exception]:
    runner = web.AppRunner(app, handle_signals=False)
    failures: dict[str, Exception] = {}
    STARTING_HERE.set(True)  # nobody is served, and so nothing is missing
    await runner.setup()
    try:
        for battery in app[BATTERIES]:
            if battery.check is not None:
                try:
                    await asyncio.wait_for(battery.check(app), 5)
                except Exception as error:  # noqa: BLE001 - whatever goes wrong is the result
                    failures[battery.name] = error
    finally:
        await runner.cleanup()
    return failures
