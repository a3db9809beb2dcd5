"""What a service consists of, printed for a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson
from aiohttp import web
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from framework.batteries.openapi import document_of
from framework.binding.declared import returned_type
from framework.cli.contracts import changes
from framework.cli.loading import find_service, target_argument, teaching
from framework.context import BATTERIES, ENDPOINTS
from framework.endpoint import Endpoint, Renders, Source
from framework.errors import ConfigurationError
from framework.marks import Public, Requires
from framework.settings.listing import listed

_READ = (Source.QUERY, Source.HEADERS, Source.COOKIES, Source.BODY, Source.FORM)


@click.command()
@target_argument
@teaching
def routes(target: str) -> None:
    """List every endpoint: method, path, handler, who may call it and what it reads and answers."""
    print_routes(find_service(target).make_from_environment())


@click.command()
@target_argument
@click.option(
    "--diff",
    "old",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Print what changed since this document; the exit status is 1 if something breaks clients.",
)
@teaching
def openapi(target: str, old: Path | None) -> None:
    """Print the OpenAPI document, or what changed in it."""
    document = openapi_document(find_service(target).make_from_environment())
    if old is None:
        click.echo(document)
        return
    try:
        found = changes(orjson.loads(old.read_bytes()), orjson.loads(document))
    except ValueError as error:
        raise click.ClickException(f"{old}: {error}.") from error
    for each in found:
        click.echo(str(each))
    if any(each.breaks for each in found):
        raise SystemExit(1)


@click.command()
@target_argument
@teaching
def settings(target: str) -> None:
    """List every setting: variable, type, default, unit and what it means."""
    print_settings(find_service(target).settings_type)


def print_settings(record: type[Any], console: Console | None = None) -> None:
    """Print a row for every setting of a service."""
    table = Table("variable", "type", "default", "unit", "means", box=None, pad_edge=False)
    for each in listed(record):
        table.add_row(*map(escape, (each.variable, each.kind, each.default, each.unit, each.means)))
    (console or Console(width=None if Console().is_terminal else 200)).print(table)


def print_routes(app: web.Application, console: Console | None = None) -> None:
    """Print a row for every endpoint."""
    table = Table("method", "path", "handler", "auth", "reads", "answers", box=None, pad_edge=False)
    endpoints = app[ENDPOINTS]
    for endpoint in sorted(endpoints, key=lambda endpoint: (endpoint.path, endpoint.method)):
        table.add_row(*route_row(endpoint))
    (console or Console(width=None if Console().is_terminal else 200)).print(table)


def route_row(endpoint: Endpoint) -> tuple[str, ...]:
    """Return what the table says of one endpoint."""
    module = getattr(endpoint.handler, "__module__", "")
    name = getattr(endpoint.handler, "__qualname__", repr(endpoint.handler))
    return (
        endpoint.method,
        endpoint.path,
        f"{module}.{name}",
        _auth(endpoint),
        ", ".join(_reads(endpoint)),
        _answers(endpoint),
    )


def _auth(endpoint: Endpoint) -> str:
    required = [mark for mark in endpoint.marks if isinstance(mark, Requires)]
    if required:
        return " ".join(sorted({scope for mark in required for scope in mark.scopes})) or "known caller"
    return "public" if endpoint.find(Public) else "denied: no mark"


def _reads(endpoint: Endpoint) -> Iterator[str]:
    for parameter in endpoint.parameters:
        if parameter.source in _READ:
            named = f" {parameter.key}:" if parameter.key else ""
            yield f"{parameter.source.value}{named} {type_name(parameter.annotation)}"


def _answers(endpoint: Endpoint) -> str:
    if endpoint.find(Renders):
        return f"{endpoint.options.status} page"
    return f"{endpoint.options.status} {type_name(returned_type(endpoint))}"


def type_name(annotation: Any) -> str:
    """Return a type's name without its modules."""
    if annotation is None or annotation is type(None):
        return ""
    if annotation is Any:
        return "any"
    return (
        getattr(annotation, "__name__", "")
        if isinstance(annotation, type)
        else _without_modules(repr(annotation))
    )


def _without_modules(text: str) -> str:
    return re.sub(r"[A-Za-z_][\w.]*\.", "", text)


def openapi_document(app: web.Application) -> str:
    """Return the OpenAPI document, indented.

    Raises:
        ConfigurationError: The service has no battery that makes one.
    """
    if not any(battery.name == "openapi" for battery in app[BATTERIES]):
        raise ConfigurationError("The service has no document: add openapi.battery(...) to its batteries.")
    return orjson.dumps(orjson.loads(document_of(app)), option=orjson.OPT_INDENT_2).decode()
