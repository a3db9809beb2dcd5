"""Services of the user's own, found by their type and made once for a request."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_type_hints

import svcs
from aiohttp import web

from framework.annotations import strip
from framework.battery import Battery
from framework.context import REGISTRY
from framework.endpoint import Endpoint, Source, origin_of
from framework.errors import ConfigurationError

Factory = Callable[..., Any]


def provide(*services: type | Mapping[type, Factory], name: str = "services") -> Battery:
    """Return a battery that makes services for handlers.

    A class is called with services of the types that its constructor is annotated with; a mapping gives a type
    another class or a factory function, which may take a ``svcs.Container`` and may be asynchronous::

        class UserStore:
            def __init__(self, session: AsyncSession) -> None: ...

        provide(UserStore, {Mailer: SmtpMailer, Clock: lambda: utc_clock})

    Raises:
        ConfigurationError: A parameter of a constructor has no type.
    """
    factories: dict[type, Factory] = {}
    for item in services:
        factories.update(item if isinstance(item, Mapping) else {item: item})
    needs = {kind: _needs(factory) for kind, factory in factories.items() if inspect.isclass(factory)}

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        for kind, factory in factories.items():
            made = _constructing(factory, needs[kind]) if kind in needs else factory
            app[REGISTRY].register_factory(kind, made)
        app.on_startup.append(ensure_needs)

    async def ensure_needs(app: web.Application) -> None:
        for kind, parameters in needs.items():
            for parameter, needed in parameters.items():
                if needed not in app[REGISTRY]:
                    raise ConfigurationError(
                        f"{origin_of(factories[kind])}: nothing provides {_name(needed)} for its '{parameter}'."
                    )

    return Battery(name=name, setup=setup)


def ensure_provided(endpoints: Iterable[Endpoint], registry: svcs.Registry) -> None:
    """Check that there is a service for every parameter that asks for one.

    Raises:
        ConfigurationError: The message names file, handler and parameter.
    """
    for endpoint in endpoints:
        for parameter in endpoint.parameters:
            kind = strip(parameter.annotation).kind
            if parameter.source is Source.SERVICE and kind not in registry:
                raise ConfigurationError(
                    f"{endpoint}: parameter '{parameter.name}' asks for {_name(kind)}, which nothing provides: "
                    "register it with provide(...) or add the battery that brings it; values of a request are "
                    "taken through 'query', 'headers', 'cookies', 'body' or 'form'."
                )


def _needs(factory: type) -> dict[str, Any]:
    constructor = inspect.getattr_static(factory, "__init__")
    if constructor is object.__init__:
        return {}
    hints = get_type_hints(constructor)
    parameters = list(inspect.signature(factory).parameters.values())
    for parameter in parameters:
        if parameter.name not in hints and parameter.default is inspect.Parameter.empty:
            raise ConfigurationError(
                f"{origin_of(factory)}: annotate its parameter '{parameter.name}' with a type."
            )
    return {p.name: strip(hints[p.name]).kind for p in parameters if p.default is inspect.Parameter.empty}


def _constructing(factory: Factory, needs: Mapping[str, Any]) -> Factory:
    async def construct(container: svcs.Container) -> Any:
        return factory(**{name: await container.aget_abstract(kind) for name, kind in needs.items()})

    return construct


def _name(kind: Any) -> str:
    return getattr(kind, "__qualname__", None) or repr(kind)
