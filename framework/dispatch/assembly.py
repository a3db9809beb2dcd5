"""Batteries and endpoints become one aiohttp application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Any

import svcs
from aiohttp import web

from framework.adapters.aiohttp.runner import stock_service
from framework.battery import Battery, ensure_order
from framework.binding import bind
from framework.context import BATTERIES, ENDPOINTS, REGISTRY, SETTINGS
from framework.dispatch.chains import Chain, Dispatcher, Preparer, compose, heads_for, refuser, release
from framework.endpoint import Endpoint, Source
from framework.errors import ConfigurationError
from framework.forms import FormLimits
from framework.routing import Routes, ensure_distinct, read_routes, register
from framework.server import SERVICE, Service
from framework.server.service import ReadService
from framework.services import ensure_provided
from framework.tasks import Tasks


def assemble(
    settings: Any, routes: Routes, batteries: Sequence[Battery], *, max_body: int, form_limits: FormLimits
) -> web.Application:
    """Make the application; every mistake that can be seen without running it is raised here.

    Raises:
        ConfigurationError: A battery, an endpoint or a mark does not fit; the message says where and what to do.
    """
    ensure_order(batteries)
    endpoints = tuple(read_routes([*routes, *(battery.routes for battery in batteries)]))
    ensure_distinct(endpoints)
    ensure_marks(endpoints, batteries)
    chains: dict[Any, Chain] = {}
    dispatcher = Dispatcher(chains, batteries)
    app = web.Application(
        middlewares=[dispatcher.middleware()],
        client_max_size=max_body,
        client_max_fields=form_limits.fields,
    )
    app[SETTINGS], app[BATTERIES], app[ENDPOINTS] = settings, tuple(batteries), endpoints
    app[REGISTRY] = svcs.Registry()
    for endpoint in endpoints:
        handler = bind(endpoint, form_limits)
        register(app.router, endpoint, handler)
        chains[handler] = Chain(
            endpoint, compose(batteries, endpoint, handler), heads_for(batteries, endpoint)
        )
    preparer = Preparer(batteries)
    app.on_response_prepare.append(preparer)
    app[SERVICE] = _reader(dispatcher, preparer)
    _attach(app, batteries, endpoints)
    return app


def _attach(app: web.Application, batteries: Iterable[Battery], endpoints: Sequence[Endpoint]) -> None:
    app.cleanup_ctx.append(_services)
    for battery in batteries:
        if battery.setup is not None:
            battery.setup(app, endpoints)
        if battery.lifespan is not None:
            app.cleanup_ctx.append(battery.lifespan)
    app.on_startup.append(_ensure_provided)


async def _services(app: web.Application) -> AsyncIterator[None]:
    """Open the registry first and close it last; in between, background tasks end before what they use."""
    async with app[REGISTRY]:
        tasks = Tasks()
        app[REGISTRY].register_value(Tasks, tasks)
        app.on_shutdown.append(lambda _: tasks.close())
        yield


def _reader(dispatcher: Dispatcher, preparer: Preparer) -> ReadService:
    """Return what tells our server, once all is started, how it may go straight to endpoints and stamps.

    Other hands may have put middlewares and receivers of the signal between until then.
    """

    def read(app: web.Application) -> Service:
        stock = stock_service(app)
        return replace(
            stock,
            handler=dispatcher.direct(app) if len(app.middlewares) == 1 else stock.handler,
            refuse=refuser(preparer.stamps),
            release=release,
            prepare=preparer.at_once if len(app.on_response_prepare) == 1 else None,
        )

    return read


async def _ensure_provided(app: web.Application) -> None:
    endpoints = app[ENDPOINTS]
    ensure_provided(endpoints, app[REGISTRY])


def ensure_marks(endpoints: Iterable[Endpoint], batteries: Iterable[Battery]) -> None:
    """Check that the battery is there that keeps a mark's promise, and the one that brings sessions.

    Raises:
        ConfigurationError: One is not; the message names the handler and the mark or parameter.
    """
    present = {battery.name for battery in batteries}
    for endpoint in endpoints:
        session = endpoint.parameter(Source.SESSION)
        if session is not None and "sessions" not in present:
            raise ConfigurationError(
                f"{endpoint}: parameter '{session.name}' needs the battery 'sessions', which is not in the list."
            )
        for mark in endpoint.marks:
            if mark.battery is not None and mark.battery not in present:
                raise ConfigurationError(
                    f"{endpoint}: the mark {mark!r} needs the battery '{mark.battery}', which is not in the list."
                )
