"""Batteries: records of what a part of a service needs, and the order in which they stand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from framework.endpoint import Endpoint, Provide, calling_line
from framework.errors import ConfigurationError
from framework.secrets import Secret

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]
Plan = Callable[[Endpoint], Middleware | None]
Problems = Callable[[Endpoint], Collection[int]]
Stamp = Callable[[web.Request, web.StreamResponse], None]
Setup = Callable[[web.Application, Sequence[Endpoint]], None]
Lifespan = Callable[[web.Application], AbstractAsyncContextManager[None]]
Check = Callable[[web.Application], Awaitable[None]]


class Degraded(Exception):
    """What a battery's check raises when its part works, if worse than it should: the service stays ready."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What has to be waited for before a response starts, such as a store.

    Attributes:
        key: Where a request keeps what there is to wait for. If it keeps nothing there, its response goes out at once.
        prepare: ``async (request, response) -> None``: called when the response's head is about to be written; it may
            still set headers. aiohttp has written the cookies by then.
    """

    key: Any
    prepare: Callable[[web.Request, web.StreamResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a stamp's headers depend on besides the response's status, its media type, the request's id and TLS.

    PERF: it is no function of the request, so that nothing has to be called to know the head of a response.

    Attributes:
        kept: Keys of the request: whether it keeps anything there.
        headers: The request's headers, each with what one of its values amounts to: a mapping that raises KeyError for
            values of which there may be any number, as their responses are made in the usual way. None stands for a
            header that was not sent.
    """

    kept: Collection[web.RequestKey[Any]] = ()
    headers: Mapping[str, Mapping[str | None, Hashable]] = field(default_factory=dict)


StampFacts = Callable[[Endpoint], Facts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """The hooks that one part of a service needs; a battery is this record and no more.

    Attributes:
        name: Its name, once in a service.
        after: Batteries that must stand before this one, when they are present.
        before: Batteries that must stand behind this one, when they are present.
        provides: What it brings to handlers and services, by the type that a parameter asks for.
        middleware: ``async (request, handler) -> response``; the first battery's is the outermost.
        plan: ``(endpoint) -> middleware or None``: like `middleware`, but decided for each endpoint at start-up.
        problems: ``(endpoint) -> statuses``: those of the errors that it answers instead of this endpoint's handler;
            they stand in the OpenAPI document.
        stamp: ``(request, response) -> None``: sets headers on every response, errors and streams included. It is
            synchronous and pure, and never sets cookies: aiohttp has written them by then.
        stamp_facts: ``(endpoint) -> Facts``: what the stamp's headers depend on. When every stamp says so, the heads of
            short JSON responses are learned.
        preparation: What this battery has to wait for before a response starts.
        routes: Endpoints of its own.
        setup: ``(app, endpoints) -> None``: called once, when every route is known and before the application starts.
        lifespan: ``(app) -> async context manager``: opens and closes what lives as long as the application.
        check: ``async (app) -> None``: raises when the service cannot work just now; `Degraded` when it can, if worse.
        keys: The secrets that it works with, by their variables: ``{"SESSIONS_KEYS": settings.keys}``. They are asked
            for, and judged, where the battery is in the list; several wrong ones are told at once.
    """

    name: str
    after: Collection[str] = frozenset()
    before: Collection[str] = frozenset()
    provides: Mapping[Any, Provide] = field(default_factory=dict)
    middleware: Middleware | None = None
    plan: Plan | None = None
    problems: Problems | None = None
    stamp: Stamp | None = None
    stamp_facts: StampFacts | None = None
    preparation: Preparation | None = None
    routes: Sequence[web.AbstractRouteDef] = ()
    setup: Setup | None = None
    lifespan: Lifespan | None = None
    check: Check | None = None
    keys: Mapping[str, Sequence[Secret]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for option, names in (("after", self.after), ("before", self.before)):
            if isinstance(names, str):
                raise ConfigurationError(
                    f"{calling_line()}: '{option}' of the battery '{self.name}' must be names, and is the text "
                    f"{names!r}; write {option}={{{names!r}}}."
                )
        if self.middleware is not None and self.plan is not None:
            raise ConfigurationError(f"The battery '{self.name}' has both a middleware and a plan; give one.")

    def middleware_for(self, endpoint: Endpoint) -> Middleware | None:
        """Return what stands around this endpoint's handler, if anything."""
        return self.middleware if self.plan is None else self.plan(endpoint)


def ensure_order(batteries: Sequence[Battery]) -> None:
    """Check that each battery is there once, and on the right side of those that it names.

    Raises:
        ConfigurationError: A name stands twice, or the order is wrong.
    """
    names = [battery.name for battery in batteries]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(
            f"The battery '{twice}' is listed twice; take one out, put one in the place of the other with "
            "replaced(batteries, battery), or give it a name of its own."
        )
    for position, battery in enumerate(batteries):
        late = sorted({*battery.after}.intersection(names[position:]))
        if late:
            raise ConfigurationError(f"List the battery '{battery.name}' after {', '.join(late)}.")
        early = sorted({*battery.before}.intersection(names[:position]))
        if early:
            raise ConfigurationError(f"List the battery '{battery.name}' before {', '.join(early)}.")


def brought_by(batteries: Sequence[Battery]) -> dict[Any, Provide]:
    """Return what these batteries bring to handlers, by type.

    Raises:
        ConfigurationError: Two of them bring the same type, or a type by the same name.
    """
    values: dict[Any, Provide] = {}
    bringers: dict[Any, str] = {}
    for battery in batteries:
        for kind, provide in battery.provides.items():
            for what in (kind, *provide.names):
                other = bringers.setdefault(what, battery.name)
                if other != battery.name:
                    spelt = repr(what) if isinstance(what, str) else getattr(what, "__qualname__", repr(what))
                    raise ConfigurationError(
                        f"Both batteries '{other}' and '{battery.name}' bring {spelt} to handlers; take one of them "
                        f"out: without(batteries, '{other}')."
                    )
            values[kind] = provide
    return values


def without(batteries: Sequence[Battery], *names: str) -> list[Battery]:
    """Return the list without these batteries: ``without(standard(settings), "csrf", "sessions")``.

    Raises:
        ConfigurationError: One of them is not in the list.
    """
    for name in names:
        _position(batteries, name)
    return [battery for battery in batteries if battery.name not in names]


def replaced(batteries: Sequence[Battery], battery: Battery, *, name: str | None = None) -> list[Battery]:
    """Return the list with a battery in the place of the one of its name: ``replaced(standard(settings), mine)``.

    Args:
        name: The one that goes, if it is called something else.

    Raises:
        ConfigurationError: It is not in the list.
    """
    place = _position(batteries, battery.name if name is None else name)
    return [*batteries[:place], battery, *batteries[place + 1 :]]


def inserted(
    batteries: Sequence[Battery], battery: Battery, *, before: str | None = None, after: str | None = None
) -> list[Battery]:
    """Return the list with a battery beside a named one: ``inserted(standard(settings), tenants, before="auth")``.

    Raises:
        ConfigurationError: That one is not in the list, or not exactly one is named.
    """
    if (before is None) == (after is None):
        raise ConfigurationError(
            f"{calling_line()}: name the battery beside which '{battery.name}' stands: before='auth' or after='auth'."
        )
    place = _position(batteries, str(before)) if after is None else _position(batteries, after) + 1
    return [*batteries[:place], battery, *batteries[place:]]


def _position(batteries: Sequence[Battery], name: str) -> int:
    names = [battery.name for battery in batteries]
    if name not in names:
        raise ConfigurationError(
            f"{calling_line()}: there is no battery {name!r} in the list; there are {_quoted(names)}."
        )
    return names.index(name)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"
