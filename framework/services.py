"""Services of the user's own, found by their type: one for a request, or one for the application."""

from __future__ import annotations

import builtins
import graphlib
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

import svcs
from aiohttp import web

from framework.annotations import strip
from framework.battery import Battery, Lifespan, brought_by
from framework.binding.provided import REQUIRED, is_synchronous, taker
from framework.context import BATTERIES, REGISTRY, request_of, services
from framework.endpoint import Brought, Endpoint, Provide, Source, calling_line, origin_of
from framework.errors import ConfigurationError

Scope = Literal["request", "app"]

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
class _Need:
    """What one parameter of a factory is filled with."""

    kind: Any
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
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
    needs: Mapping[str, _Need] = field(default_factory=dict)
    origin: str = ""


def provide(*made: Any, scope: Scope = "request", name: str = "") -> Battery:
    """Return a battery that makes services for handlers, and for one another.

    Each argument is a class, a function whose return annotation says what it makes, an object that is shared as it
    is, or a mapping of types to one of these. What a constructor or function takes is given to it by type: other
    services, ``web.Request``, and what batteries bring, such as ``Principal``::

        class UserStore:
            def __init__(self, session: AsyncSession) -> None: ...

        async def current_user(principal: Principal, users: UserStore) -> User: ...

        provide(UserStore, current_user, {Mailer: SmtpMailer, Clock: SystemClock()})

    A function may be a coroutine, a generator or an asynchronous one; what stands behind its ``yield`` is run when the
    service is not needed any more, the youngest first.

    Args:
        scope: ``request``: made when a request first asks, shared by all who ask during it, and closed behind the
            response. ``app``: made when the application starts, and closed when it stops.
        name: The battery's name; ``services`` or ``app_services`` when empty.

    Raises:
        ConfigurationError: An argument is none of these, or a parameter has no type; the message names file and line.
    """
    line = calling_line()
    if scope not in get_args(Scope):
        raise ConfigurationError(f"{line}: the scope must be 'request' or 'app' and is {scope!r}.")
    recipes = {recipe.kind: recipe for item in made for recipe in _recipes(item, line)}
    _ensure_no_cycle(recipes)
    shared = [recipe for recipe in recipes.values() if scope == "app" and recipe.factory is not None]

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        brought = brought_by(app[BATTERIES])
        for recipe in recipes.values():
            _register(app[REGISTRY], recipe, brought)
        app.on_startup.append(ensure_needs)

    async def ensure_needs(app: web.Application) -> None:
        brought = brought_by(app[BATTERIES])
        for recipe in recipes.values():
            _ensure_needs(recipe, app[REGISTRY], brought)

    return Battery(
        name=name or ("services" if scope == "request" else "app_services"),
        provides={kind: Provide(_fetching(kind)) for kind in recipes},
        setup=setup,
        lifespan=_lasting(shared) if shared else None,
    )


def _fetching(kind: Any) -> Callable[[web.Request], Awaitable[Any]]:
    async def fetch(request: web.Request) -> Any:
        return await services(request).aget_abstract(kind)

    return fetch


def _lasting(shared: Sequence[_Recipe]) -> Lifespan:
    """Return what makes services when the application starts, and closes them when it stops."""

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        registry, brought = app[REGISTRY], brought_by(app[BATTERIES])
        for recipe in shared:
            _ensure_needs(recipe, registry, brought)
            _ensure_lasting(recipe, registry, {each.kind for each in shared})
        async with svcs.Container(registry) as container:
            values = {recipe.kind: await container.aget_abstract(recipe.kind) for recipe in shared}
            for kind, value in values.items():
                registry.register_value(kind, value)
            yield

    return lifespan


def ensure_provided(endpoints: Iterable[Endpoint], registry: svcs.Registry, brought: Brought) -> None:
    """Check that there is a service for every parameter that asks for one.

    Raises:
        ConfigurationError: The message names file, handler and parameter, and the battery that would bring it.
    """
    for endpoint in endpoints:
        for parameter in endpoint.parameters:
            kind = strip(parameter.annotation).kind
            if parameter.source is not Source.SERVICE or kind in registry:
                continue
            battery = brought.hint(parameter.name, kind)
            if battery:
                raise ConfigurationError(
                    f"{endpoint}: parameter '{parameter.name}' needs the battery '{battery}', which is not in the list."
                )
            raise ConfigurationError(
                f"{endpoint}: parameter '{parameter.name}' asks for {_name(kind)}, which nothing provides: "
                "register it with provide(...) or add the battery that brings it; values of a request are "
                "taken through 'query', 'headers', 'cookies', 'body' or 'form'."
            )


def _recipes(item: Any, line: str) -> Iterator[_Recipe]:
    """Yield how to make what an argument of `provide` names.

    Raises:
        ConfigurationError: It names nothing that can be made.
    """
    if isinstance(item, Mapping):
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
        yield _Recipe(kind=type(item), value=item, origin=line)


def _recipe(kind: Any, made: Any, line: str) -> _Recipe:
    if kind is None or isinstance(kind, str | int | float):
        raise ConfigurationError(
            f"{line}: provide({{{kind!r}: ...}}) must be given the type by which the service is asked for, such as "
            "provide({UserStore: make_users})."
        )
    if isinstance(kind, type) and not inspect.isclass(made) and isinstance(made, kind):
        return _Recipe(kind=kind, value=made, origin=line)
    if not callable(made):
        if isinstance(kind, type):
            raise ConfigurationError(
                f"{line}: provide({{{_name(kind)}: {made!r}}}) must be given a class, a function that makes one, or an "
                f"object of {_name(kind)}."
            )
        return _Recipe(kind=kind, value=made, origin=line)
    origin = origin_of(made)
    return _Recipe(kind=kind, factory=_opening(made), needs=_needs(made, origin), origin=origin)


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


def _needs(factory: Callable[..., Any], origin: str) -> dict[str, _Need]:
    if inspect.isclass(factory) and inspect.getattr_static(factory, "__init__") is object.__init__:
        return {}
    hints = _hints(factory.__init__ if inspect.isclass(factory) else factory, origin)
    needs = {}
    for parameter in _signature(factory, origin):
        if parameter.name in hints:
            kind, optional, _ = strip(hints[parameter.name])
            needs[parameter.name] = _Need(kind, optional)
        elif parameter.name == "request":
            needs[parameter.name] = _Need(web.Request, optional=False)
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


def _ensure_no_cycle(recipes: Mapping[Any, _Recipe]) -> None:
    graph = {kind: [need.kind for need in recipe.needs.values()] for kind, recipe in recipes.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = " needs ".join(_name(kind) for kind in reversed(error.args[1]))
        raise ConfigurationError(
            f"{recipes[error.args[1][0]].origin}: services need each other: {circle}."
        ) from error


def _ensure_needs(recipe: _Recipe, registry: svcs.Registry, brought: Mapping[Any, Provide]) -> None:
    for parameter, need in recipe.needs.items():
        if need.kind not in registry and need.kind not in {web.Request, svcs.Container, *brought}:
            raise ConfigurationError(
                f"{recipe.origin}: nothing provides {_name(need.kind)} for its '{parameter}'."
            )


def _ensure_lasting(recipe: _Recipe, registry: svcs.Registry, shared: set[Any]) -> None:
    """Check that what lives as long as the application needs nothing that is made for a request.

    Raises:
        ConfigurationError: It does.
    """
    for parameter, need in recipe.needs.items():
        if need.kind in shared or need.kind is svcs.Container:
            continue
        # What is registered as a value is not entered, and is there for good.
        if need.kind not in registry or registry.get_registered_service_for(need.kind).enter:
            raise ConfigurationError(
                f"{recipe.origin}: {_name(recipe.kind)} lives as long as the application, and its '{parameter}' "
                f"({_name(need.kind)}) is made for each request; provide both with the same scope."
            )


def _register(registry: svcs.Registry, recipe: _Recipe, brought: Mapping[Any, Provide]) -> None:
    factory = recipe.factory
    if factory is None:
        registry.register_value(recipe.kind, recipe.value)
        return
    takes = {name: _take(recipe, name, need, brought) for name, need in recipe.needs.items()}

    async def construct(container: svcs.Container) -> Any:
        made = factory(**{name: await take(container) for name, take in takes.items()})
        return await made if inspect.isawaitable(made) and not inspect.isclass(factory) else made

    registry.register_factory(recipe.kind, construct)


def _take(
    recipe: _Recipe, parameter: str, need: _Need, brought: Mapping[Any, Provide]
) -> Callable[[svcs.Container], Awaitable[Any]]:
    """Return what fills one parameter of a factory."""
    kind = need.kind
    if kind is svcs.Container:
        return _container
    provide = brought.get(kind, Provide(_same))
    take, at_once = taker(provide, None if need.optional else REQUIRED), is_synchronous(provide)

    async def fill(container: svcs.Container) -> Any:
        if kind in container.registry:
            return await container.aget_abstract(kind)
        request = request_of(container)
        if request is not None:
            return take(request) if at_once else await take(request)
        if need.optional:
            return None
        raise RuntimeError(
            f"{recipe.origin}: its '{parameter}' ({_name(kind)}) is there while a request is answered, and none is; "
            "make the object yourself here."
        )

    return fill


async def _container(container: svcs.Container) -> svcs.Container:
    return container


def _same(request: web.Request) -> web.Request:
    return request


def _name(kind: Any) -> str:
    return getattr(kind, "__qualname__", None) or repr(kind)
