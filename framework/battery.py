"""Batteries: records of what a part of a service needs, and the order in which they stand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from aiohttp import web

from framework.endpoint import Endpoint
from framework.errors import ConfigurationError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]
Plan = Callable[[Endpoint], Middleware | None]
Stamp = Callable[[web.Request, web.StreamResponse], None]
StampKey = Callable[[Endpoint], Callable[[web.Request], Hashable] | None]
Setup = Callable[[web.Application, Sequence[Endpoint]], None]
Lifespan = Callable[[web.Application], AbstractAsyncContextManager[None]]
Check = Callable[[web.Application], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Preparation:
    """What has to be waited for before a response starts, such as a store.

    Attributes:
        concerns: ``(request) -> bool``: whether there is anything to wait for. Other responses go out without a wait.
        prepare: ``async (request, response) -> None``: called when the response's head is about to be written; it may
            still set headers. aiohttp has written the cookies by then.
    """

    concerns: Callable[[web.Request], bool]
    prepare: Callable[[web.Request, web.StreamResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """The hooks that one part of a service needs; a battery is this record and no more.

    Attributes:
        name: Its name, once in a service.
        after: Batteries that must stand before this one, when they are present.
        middleware: ``async (request, handler) -> response``; the first battery's is the outermost.
        plan: ``(endpoint) -> middleware or None``: like `middleware`, but decided for each endpoint at start-up.
        stamp: ``(request, response) -> None``: sets headers on every response, errors and streams included. It is
            synchronous and pure, and never sets cookies: aiohttp has written them by then.
        stamp_key: ``(endpoint) -> (request) -> value``: all that the stamp's headers depend on besides the response's
            status, its media type and the request's id; None if that is nothing. LookupError where it is more. When
            every stamp has one, the heads of short JSON responses are learned.
        preparation: What this battery has to wait for before a response starts.
        routes: Endpoints of its own.
        setup: ``(app, endpoints) -> None``: called once, when every route is known and before the application starts.
        lifespan: ``(app) -> async context manager``: opens and closes what lives as long as the application.
        check: ``async (app) -> None``: raises when the service cannot work just now.
    """

    name: str
    after: frozenset[str] = frozenset()
    middleware: Middleware | None = None
    plan: Plan | None = None
    stamp: Stamp | None = None
    stamp_key: StampKey | None = None
    preparation: Preparation | None = None
    routes: Sequence[web.AbstractRouteDef] = ()
    setup: Setup | None = None
    lifespan: Lifespan | None = None
    check: Check | None = None

    def __post_init__(self) -> None:
        if self.middleware is not None and self.plan is not None:
            raise ConfigurationError(f"The battery '{self.name}' has both a middleware and a plan; give one.")

    def middleware_for(self, endpoint: Endpoint) -> Middleware | None:
        """Return what stands around this endpoint's handler, if anything."""
        return self.middleware if self.plan is None else self.plan(endpoint)


def ensure_order(batteries: Sequence[Battery]) -> None:
    """Check that each battery is there once and stands behind those that it names.

    Raises:
        ConfigurationError: A name stands twice, or the order is wrong.
    """
    names = [battery.name for battery in batteries]
    for position, battery in enumerate(batteries):
        if battery.name in names[:position]:
            raise ConfigurationError(f"The battery '{battery.name}' is listed twice.")
        late = battery.after.intersection(names[position:])
        if late:
            raise ConfigurationError(f"List the battery '{battery.name}' after {', '.join(sorted(late))}.")
