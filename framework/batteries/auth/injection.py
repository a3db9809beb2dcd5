"""Functions of the user's that take services, each by the type that its parameter is annotated with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import svcs
from aiohttp import web

from framework.annotations import strip
from framework.context import services
from framework.endpoint import origin_of
from framework.errors import ConfigurationError


class Injected:
    """A function that is called with values and with the request's services.

    Args:
        function: Asynchronous or not; its first parameters are the values, each further one is a service or the
            ``web.Request``, by its annotation.
        values: How many values it is given.

    Raises:
        ConfigurationError: A parameter has no type; the message names file, line and parameter.
    """

    def __init__(self, function: Callable[..., Any], values: int) -> None:
        self._function = function
        self._needs = _needs(function, values)

    async def __call__(self, request: web.Request, *values: object) -> Any:
        """Call the function, and wait for what it returns if it is asynchronous."""
        found: dict[str, Any] = {}
        for name, kind in self._needs.items():
            found[name] = request if kind is web.Request else await services(request).aget_abstract(kind)
        result = self._function(*values, **found)
        return await result if inspect.isawaitable(result) else result

    def ensure_provided(self, registry: svcs.Registry) -> None:
        """Check that there is a service for every parameter.

        Raises:
            ConfigurationError: There is none for one; the message names file, line and parameter.
        """
        for name, kind in self._needs.items():
            if kind is not web.Request and kind not in registry:
                shown = getattr(kind, "__qualname__", repr(kind))
                raise ConfigurationError(
                    f"{origin_of(self._function)}: nothing provides {shown} for its '{name}': register it with "
                    "provide(...) or add the battery that brings it."
                )


def _needs(function: Callable[..., Any], values: int) -> Mapping[str, Any]:
    origin = origin_of(function)
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) < values:
        raise ConfigurationError(f"{origin}: it is called with {values} values, and takes {len(parameters)}.")
    further = [each for each in parameters[values:] if each.default is inspect.Parameter.empty]
    if not further:
        return {}
    called = function if inspect.isroutine(function) else type(function).__call__
    try:
        hints = get_type_hints(called)
    except Exception as error:  # an annotation is any expression, so any exception can come of it
        raise ConfigurationError(f"{origin}: an annotation cannot be resolved: {error}.") from error
    for each in further:
        if each.name not in hints:
            raise ConfigurationError(
                f"{origin}: annotate its parameter '{each.name}' with the type of a service."
            )
    return {each.name: strip(hints[each.name]).kind for each in further}
