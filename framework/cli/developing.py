"""Serving while somebody writes: a new process after every change."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from watchfiles import DefaultFilter, run_process

from framework.cli.loading import (
    find_service,
    host_option,
    port_option,
    target_argument,
    teaching,
    with_server,
)
from framework.errors import ConfigurationError
from framework.secrets import SEED_VARIABLE, generated_key
from framework.server import run

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
    # A broken edit is shown and waits for the next one.
    run_process(Path.cwd(), target=serve_once, args=(target, host, port), watch_filter=_Sources())


def serve_once(target: str, host: str | None, port: int | None) -> None:
    """Serve in this process, with tracebacks in the answers."""
    try:
        service = find_service(target)
        settings = with_server(service.load_settings().settings, host=host, port=port, workers=1)
        settings = replace(settings, debug=True)
        server = replace(settings.server, drain_seconds=0)  # nobody else would be sent the requests meanwhile
        run(service.make(settings), server)
    except ConfigurationError as error:
        click.echo(f"error: {error}\nWaiting for a change.", err=True)
        sys.exit(2)
