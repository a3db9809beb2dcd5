"""Services of the user's own, found by their type: one for a request, or one for the application."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, get_args

import svcs
from aiohttp import web

from framework.annotations import strip
from framework.battery import Battery, Lifespan, brought_by
from framework.binding.provided import REQUIRED, is_synchronous, taker
from framework.context import BATTERIES, REGISTRY, request_of, services
from framework.endpoint import Brought, Endpoint, Provide, Source, calling_line
from framework.errors import ConfigurationError
from framework.services.recipes import Need, Recipe, ensure_no_cycle, name_of, recipes_of

Scope = Literal["request", "app"]


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
    recipes = {recipe.kind: recipe for item in made for recipe in recipes_of(item, line)}
    ensure_no_cycle(recipes)
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


def _lasting(shared: Sequence[Recipe]) -> Lifespan:
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
                f"{endpoint}: parameter '{parameter.name}' asks for {name_of(kind)}, which nothing provides: "
                "register it with provide(...) or add the battery that brings it; values of a request are "
                "taken through 'query', 'headers', 'cookies', 'body' or 'form'."
            )


def _ensure_needs(recipe: Recipe, registry: svcs.Registry, brought: Mapping[Any, Provide]) -> None:
    for parameter, need in recipe.needs.items():
        if need.kind not in registry and need.kind not in {web.Request, svcs.Container, *brought}:
            raise ConfigurationError(
                f"{recipe.origin}: nothing provides {name_of(need.kind)} for its '{parameter}'."
            )


def _ensure_lasting(recipe: Recipe, registry: svcs.Registry, shared: set[Any]) -> None:
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
                f"{recipe.origin}: {name_of(recipe.kind)} lives as long as the application, and its '{parameter}' "
                f"({name_of(need.kind)}) is made for each request; provide both with the same scope."
            )


def _register(registry: svcs.Registry, recipe: Recipe, brought: Mapping[Any, Provide]) -> None:
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
    recipe: Recipe, parameter: str, need: Need, brought: Mapping[Any, Provide]
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
            f"{recipe.origin}: its '{parameter}' ({name_of(kind)}) is there while a request is answered, and none is; "
            "make the object yourself here."
        )

    return fill


async def _container(container: svcs.Container) -> svcs.Container:
    return container


def _same(request: web.Request) -> web.Request:
    return request
