"""A handler's signature: what each of its parameters is filled with."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

from aiohttp import web
from aiohttp.abc import AbstractView

from framework.annotations import strip
from framework.binding.schemas import is_text
from framework.endpoint import (
    Brought,
    Cookie,
    Endpoint,
    Handler,
    Header,
    Options,
    Parameter,
    Source,
    function_of,
    layers_of,
    marks_of,
    origin_of,
)
from framework.errors import ConfigurationError
from framework.validation.schemas import field_of

_BY_NAME = {
    source.value: source
    for source in (
        Source.REQUEST,
        Source.QUERY,
        Source.HEADERS,
        Source.COOKIES,
        Source.BODY,
        Source.FORM,
    )
}
_MARKED = {Header: Source.HEADERS, Cookie: Source.COOKIES}
_TYPE_IN_PATH = re.compile(
    r"\{(\w+):\s*(int|str|string|float|bool|uuid|UUID|date|datetime|path|decimal)\s*\}"
)
_USUAL_NAMES = frozenset({"req", "_"})  # of the request, besides its own
_EMPTY: Any = inspect.Parameter.empty


def read_endpoint(
    method: str,
    path: str,
    handler: Handler,
    options: Options | None = None,
    brought: Brought | None = None,
    owner: type | None = None,
) -> Endpoint:
    """Read a handler's signature and marks.

    Args:
        brought: What the service's batteries fill parameters with.
        owner: The class whose method the handler is: a view, or what a battery brings.

    Raises:
        ConfigurationError: The handler is no coroutine function, an annotation cannot be resolved, or a parameter
            has neither a known name nor a type; the message names file, handler and parameter.
    """
    options = options or Options()
    origin = origin_of(handler)
    function = function_of(handler)
    parameters: tuple[Parameter, ...] = ()
    returns: Any = inspect.Signature.empty
    if wrong := _TYPE_IN_PATH.search(path):
        raise ConfigurationError(
            f"{origin}: the path {path!r} has the pattern {wrong[2]!r}, which matches that text alone; write"
            f" {{{wrong[1]}}}, and the type in the signature: {wrong[1]}: {wrong[2]}."
        )
    if not (isinstance(function, type) and issubclass(function, AbstractView)):
        if not inspect.iscoroutinefunction(function):
            raise ConfigurationError(f"{origin}: a handler is written with 'async def'.")
        hints = _hints(function, origin)
        reading = _Reading(origin, placeholders(path), hints, brought or Brought(), owner)
        parameters = _with_options(tuple(reading.parameters(_signature(handler, origin))), options)
        returns = hints.get("return", returns)
    return Endpoint(
        method=method,
        path=path,
        handler=handler,
        parameters=parameters,
        returns=options.returns if options.returns is not None else returns,
        marks=marks_of(handler),
        options=options,
        origin=origin,
    )


def placeholders(path: str) -> frozenset[str]:
    """Return the names in a route's template."""
    try:
        resource = web.UrlDispatcher().add_resource(path)
    except ValueError as error:
        raise ConfigurationError(f"The path {path!r} cannot be a route: {error}.") from error
    pattern = resource.get_info().get("pattern")
    return frozenset(pattern.groupindex) if pattern is not None else frozenset()


def is_value(annotation: Any) -> bool:
    """Tell whether one text, or several, can stand for this type: a scalar, or a list of scalars."""
    try:
        return is_text(field_of(annotation, text=True))
    except ConfigurationError:
        return False


def _hints(function: Any, origin: str) -> Mapping[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except Exception as error:  # an annotation is any expression, so any exception can come of it
        raise ConfigurationError(f"{origin}: an annotation cannot be resolved: {error}.") from error


def _signature(handler: Handler, origin: str) -> Sequence[inspect.Parameter]:
    """Return the parameters that are to be filled; those that a partial has filled by name are not."""
    try:
        parameters = tuple(inspect.signature(handler).parameters.values())
    except ValueError as error:
        raise ConfigurationError(f"{origin}: the signature cannot be read: {error}.") from error
    filled = {
        name
        for layer in layers_of(handler)
        if isinstance(layer, functools.partial)
        for name in layer.keywords
    }
    for parameter in parameters:
        if parameter.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
            raise ConfigurationError(
                f"{origin}: '*{parameter.name}' cannot be filled; name each parameter with its type."
            )
    return [parameter for parameter in parameters if parameter.name not in filled]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A signature that is being read."""

    origin: str
    path_names: frozenset[str]
    hints: Mapping[str, Any]
    brought: Brought
    owner: type | None = None

    def parameters(self, signature: Sequence[inspect.Parameter]) -> Iterator[Parameter]:
        """Yield what each parameter is filled with.

        Raises:
            ConfigurationError: Nothing fills one of them.
        """
        if self.owner is not None:
            first, *signature = signature
            yield self._own(first.name, self.owner)
        for each in signature:
            annotation = self.hints.get(each.name, _EMPTY)
            found = self._part(each.name, annotation) or self._given(each.name, annotation)
            is_called_so = len(signature) == 1 or each.name in _USUAL_NAMES
            if found is None and each.annotation is _EMPTY and is_called_so:
                # A plain aiohttp handler may call the request as it likes, and beside others as is usual.
                found = Parameter(name=each.name, source=Source.REQUEST)
            if found is None:
                raise ConfigurationError(f"{self.origin}: {self._unknown(each, annotation)}")
            is_plain = len(signature) == 1 and found.source is Source.REQUEST
            by_position = is_plain or each.kind is inspect.Parameter.POSITIONAL_ONLY
            yield replace(found, default=each.default, by_position=by_position)

    def _own(self, name: str, owner: type) -> Parameter:
        """Return the first parameter of a method; a view is made from the request, and any other object brought."""
        if issubclass(owner, AbstractView):
            return Parameter(name=name, source=Source.REQUEST, by_position=True)
        provide = self.brought.values[owner]
        return Parameter(
            name=name, source=Source.BATTERY, annotation=owner, provide=provide, by_position=True
        )

    def _part(self, name: str, annotation: Any) -> Parameter | None:
        """Return a parameter that a part of the request fills, as its place in the path, its mark or its name says."""
        kind, _, extras = strip(annotation)
        if name in self.path_names:
            return Parameter(name=name, source=Source.PATH, annotation=annotation, key=name)
        for extra in extras:
            source = _MARKED.get(type(extra))
            if source is not None:
                return Parameter(name=name, source=source, annotation=annotation, key=extra.name)
        if kind is web.Request:
            return Parameter(name=name, source=Source.REQUEST, annotation=annotation)
        if name not in _BY_NAME or (name == "request" and not _may_mean(kind, web.Request)):
            return None
        if name == "query" and is_value(annotation):
            return None  # ``?query=...``: one text cannot be all of them
        return Parameter(name=name, source=_BY_NAME[name], annotation=annotation)

    def _given(self, name: str, annotation: Any) -> Parameter | None:
        """Return a parameter that a battery or a service fills, or else the query parameter of its name."""
        kind, optional, _ = strip(annotation)
        provide = self.brought.values.get(kind) if _hashable(kind) else None
        if provide is None:
            meant = self.brought.named(name)
            if meant is not None and _may_mean(kind, meant):
                provide, kind = self.brought.values[meant], meant
        if provide is not None:
            return Parameter(
                name=name,
                source=Source.BATTERY,
                annotation=kind | None if optional else kind,
                provide=provide,
            )
        if annotation is _EMPTY:
            return None
        if is_value(annotation):
            return Parameter(name=name, source=Source.QUERY, annotation=annotation, key=name)
        return Parameter(name=name, source=Source.SERVICE, annotation=annotation)

    def _unknown(self, parameter: inspect.Parameter, annotation: Any) -> str:
        if parameter.name == "self" and annotation is _EMPTY:
            return (
                "it is a method of a class that nobody makes; put the class, or an object of it, into the list of "
                "routes, as in create_app(routes=[Users]), or provide(Users)."
            )
        battery = self.brought.hint(parameter.name, annotation)
        if battery:
            return f"parameter '{parameter.name}' needs the battery '{battery}', which is not in the list."
        names = [*_BY_NAME, *(name for each in self.brought.values.values() for name in each.names)]
        return (
            f"parameter '{parameter.name}' is neither in the path {sorted(self.path_names)} nor one of "
            f"{', '.join(names)}; annotate it with the type of a service, or of a query parameter."
        )


def _may_mean(kind: Any, meant: type) -> bool:
    """Tell whether a type leaves a name its meaning: ``session: AsyncSession`` asks for the database's session."""
    return kind is _EMPTY or not isinstance(kind, type) or issubclass(meant, kind)


def _hashable(kind: Any) -> bool:
    return getattr(kind, "__hash__", None) is not None


def _with_options(parameters: tuple[Parameter, ...], options: Options) -> tuple[Parameter, ...]:
    """Put the decorator's schemas in the place of annotations."""
    given = {Source.BODY: options.body, Source.FORM: options.form, Source.QUERY: options.query}
    return tuple(
        replace(parameter, annotation=given[parameter.source])
        if given.get(parameter.source) is not None and not parameter.key
        else parameter
        for parameter in parameters
    )
