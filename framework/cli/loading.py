"""A service, found by the name that somebody typed."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast, get_type_hints

import click
from aiohttp import web

from framework import settings as settings_source
from framework.annotations import strip
from framework.app import ServiceSettings, create_app
from framework.errors import ConfigurationError
from framework.routing import RouteTableDef
from framework.settings import Loaded

F = TypeVar("F", bound=Callable[..., Any])

target_argument = click.argument("target", metavar="SERVICE")
host_option = click.option("--host", help="The address to listen on; the settings' when not given.")
port_option = click.option("--port", type=click.IntRange(0, 65_535), help="The port; 0 takes a free one.")


@dataclass(frozen=True, slots=True)
class Service:
    """A service, and how it is made.

    Attributes:
        target: ``module:name``, for other processes to find the same service.
        make: ``(settings) -> application``.
        settings_type: The record that `make` takes.
    """

    target: str
    make: Callable[[Any], web.Application]
    settings_type: type[Any]

    def make_from_environment(self) -> web.Application:
        """Return the application, with the settings that the environment gives it.

        Raises:
            ConfigurationError: They are not valid, or the service is put together wrongly.
        """
        return self.make(self.load_settings().settings)

    def load_settings(self) -> Loaded[Any]:
        """Fill the settings from the environment.

        Raises:
            ConfigurationError: They are not valid.
        """
        return settings_source.load_with_origins(self.settings_type)


def find_service(target: str) -> Service:
    """Find a service in a module: its ``build`` function, its ``app``, or else its ``routes``.

    Raises:
        ConfigurationError: There is no such module, or nothing of that kind in it.
    """
    module_name, _, name = target.partition(":")
    module = _import(module_name)
    for candidate in [name] if name else ["build", "app", "routes"]:
        value = getattr(module, candidate, None)
        service = _service(f"{module.__name__}:{candidate}", value)
        if service is not None:
            return service
    wanted = f"'{name}' that makes an application" if name else "'build', 'app' or 'routes'"
    raise ConfigurationError(f"The module '{module.__name__}' has no {wanted}.")


def _import(name: str) -> ModuleType:
    path = Path(name)
    if path.suffix == ".py":
        sys.path.insert(0, str(path.resolve().parent))
        name = path.stem
    else:
        sys.path.insert(0, str(Path.cwd()))
        name = name.strip("/").replace("/", ".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(
            f"SERVICE must be a module, but there is no '{name}' in this folder or among the installed packages."
        ) from error


def _service(target: str, value: Any) -> Service | None:
    if isinstance(value, web.Application):
        return Service(target, lambda settings: value, ServiceSettings)
    if isinstance(value, RouteTableDef):
        return Service(target, lambda settings: create_app(settings, routes=[value]), ServiceSettings)
    if not inspect.isfunction(value):
        return None
    parameters = list(inspect.signature(value).parameters)
    if not parameters:
        return Service(target, lambda settings: _made(target, value()), ServiceSettings)
    settings_type = get_type_hints(value).get(parameters[0], ServiceSettings)
    return Service(target, lambda settings: _made(target, value(settings)), _record_of(settings_type))


def _made(target: str, app: Any) -> web.Application:
    if not isinstance(app, web.Application):
        raise ConfigurationError(
            f"{target} returned {type(app).__name__}; it must return the application that create_app(...) makes."
        )
    return app


def _record_of(annotation: Any) -> type[Any]:
    kind = strip(annotation).kind
    return kind if isinstance(kind, type) else ServiceSettings


def with_server(settings: Any, **changes: Any) -> Any:
    """Return settings with the server's options that somebody typed."""
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(settings, server=replace(settings.server, **given)) if given else settings


def teaching(command: F) -> F:
    """Make a command show a configuration error as a message, not as a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except ConfigurationError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(2)

    return cast(F, run)
