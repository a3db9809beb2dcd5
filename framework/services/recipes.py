"""How services are made: what `provide` is given, read into recipes."""

from __future__ import annotations

import builtins
import graphlib
import inspect
from collections import OrderedDict
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from types import MappingProxyType, WrapperDescriptorType
from typing import Any, get_args, get_origin, get_type_hints

from aiohttp import web

from framework.annotations import strip
from framework.battery import Battery
from framework.endpoint import origin_of
from framework.errors import ConfigurationError

_GIVING = {
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Generator,
    Iterable,
    Iterator,
    AbstractAsyncContextManager,
    AbstractContextManager,
}
"""What a factory with a clean-up is annotated with: the service stands in the brackets."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one parameter of a factory is filled with."""

    kind: Any
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one service is made.

    Attributes:
        kind: The type by which it is asked for.
        factory: What makes it; None for a value that is there already.
        needs: What the factory takes, by the names of its parameters.
        origin: Where the factory, or the call that names it, is written.
    """

    kind: Any
    factory: Callable[..., Any] | None = None
    value: Any = None
    needs: Mapping[str, Need] = field(default_factory=dict)
    origin: str = ""


_STANDARD = frozenset(kind.__module__ for kind in (dict, MappingProxyType, OrderedDict))
"""The modules of mappings that name types; an object of a user's own class of mappings is a service."""


def recipes_of(item: Any, line: str) -> Iterator[Recipe]:
    """Yield how to make what an argument of `provide` names.

    Raises:
        ConfigurationError: It names nothing that can be made.
    """
    if isinstance(item, Mapping) and type(item).__module__ in _STANDARD:
        for kind, made in item.items():
            yield _recipe(kind, made, line)
    elif inspect.isclass(item):
        yield _recipe(item, item, line)
    elif inspect.isroutine(item):
        yield _recipe(_returned(item), item, line)
    elif isinstance(item, Battery) or type(item).__module__ == builtins.__name__:
        raise ConfigurationError(
            f"{line}: provide() got {item!r}; give a class, a function that says what it returns, an object of a "
            "class of your own, or a mapping: provide({Limit: 20}). A battery goes into the list itself."
        )
    else:
        yield Recipe(kind=type(item), value=item, origin=line)


def _recipe(kind: Any, made: Any, line: str) -> Recipe:
    if kind is None or isinstance(kind, str | int | float):
        raise ConfigurationError(
            f"{line}: provide({{{kind!r}: ...}}) must be given the type by which the service is asked for, such as "
            "provide({UserStore: make_users})."
        )
    if isinstance(kind, type) and not inspect.isclass(made) and isinstance(made, kind):
        return Recipe(kind=kind, value=made, origin=line)
    if not callable(made):
        if isinstance(kind, type):
            raise ConfigurationError(
                f"{line}: provide({{{name_of(kind)}: {made!r}}}) must be a class, a function that makes one, or an "
                f"object of {name_of(kind)}."
            )
        return Recipe(kind=kind, value=made, origin=line)
    origin = origin_of(made)
    return Recipe(kind=kind, factory=_opening(made), needs=_needs(made, origin), origin=origin)


def _returned(factory: Callable[..., Any]) -> Any:
    """Return the type that a factory says it makes.

    Raises:
        ConfigurationError: It does not say.
    """
    hints = _hints(factory, origin_of(factory))
    kind = strip(hints.get("return")).kind
    if get_origin(kind) in _GIVING:
        kind = get_args(kind)[0]
    if kind is None or kind is Any:
        raise ConfigurationError(
            f"{origin_of(factory)}: annotate what it returns, or name the type: "
            f"provide({{Type: {getattr(factory, '__name__', 'function')}}})."
        )
    return kind


def _opening(factory: Callable[..., Any]) -> Callable[..., Any]:
    """Return the factory so that a generator's clean-up is run when the service is closed."""
    if inspect.isasyncgenfunction(factory):
        return asynccontextmanager(factory)
    return contextmanager(factory) if inspect.isgeneratorfunction(factory) else factory


def _needs(factory: Callable[..., Any], origin: str) -> dict[str, Need]:
    if inspect.isclass(factory) and isinstance(
        inspect.getattr_static(factory, "__init__"), WrapperDescriptorType
    ):
        return {}  # its own class has none: it is made as object, or dict, is
    hints = _hints(factory.__init__ if inspect.isclass(factory) else factory, origin)
    needs = {}
    for parameter in _signature(factory, origin):
        if parameter.name in hints:
            kind, optional, _ = strip(hints[parameter.name])
            needs[parameter.name] = Need(kind, optional)
        elif parameter.name == "request":
            needs[parameter.name] = Need(web.Request, optional=False)
        else:
            raise ConfigurationError(f"{origin}: annotate its parameter '{parameter.name}' with a type.")
    return needs


def _signature(factory: Callable[..., Any], origin: str) -> list[inspect.Parameter]:
    """Return the parameters that have to be filled.

    Raises:
        ConfigurationError: They cannot be read.
    """
    try:
        parameters = inspect.signature(factory).parameters.values()
    except ValueError as error:
        raise ConfigurationError(f"{origin}: the signature cannot be read: {error}.") from error
    variable = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    return [
        each for each in parameters if each.default is inspect.Parameter.empty and each.kind not in variable
    ]


def _hints(function: Any, origin: str) -> Mapping[str, Any]:
    try:
        return get_type_hints(function) if hasattr(function, "__annotations__") else {}
    except Exception as error:  # an annotation is any expression, so any exception can come of it
        raise ConfigurationError(f"{origin}: an annotation cannot be resolved: {error}.") from error


def ensure_no_cycle(recipes: Mapping[Any, Recipe]) -> None:
    """Check that no service needs itself, be it by way of others.

    Raises:
        ConfigurationError: One does; the message shows the circle.
    """
    graph = {kind: [need.kind for need in recipe.needs.values()] for kind, recipe in recipes.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = " needs ".join(name_of(kind) for kind in reversed(error.args[1]))
        raise ConfigurationError(
            f"{recipes[error.args[1][0]].origin}: services need each other: {circle}."
        ) from error


def name_of(kind: Any) -> str:
    """Return what messages call a type."""
    return getattr(kind, "__qualname__", None) or repr(kind)
